"""Places for the boxes and lines of a drawing in floors (after Sugiyama, Tagawa and Toda, 1981)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Line = tuple[str, str]
N_SWEEPS = 40


def bends_of(lines: Sequence[Line], floors: dict[str, int]) -> dict[Line, list[str]]:
    """Return for each line its ends and a bend on every floor between, from the top down."""
    return {
        (top, bottom): [
            top,
            *(f"{top}>{bottom}@{floor}" for floor in range(floors[top] - 1, floors[bottom], -1)),
            bottom,
        ]
        for top, bottom in lines
    }


def rows_of(paths: Sequence[list[str]], floors: dict[str, int]) -> list[list[str]]:
    """Order boxes and bends on each floor, from the bottom up, so that few lines cross."""
    on_floor = dict(floors)
    for path in paths:
        on_floor |= {name: floors[path[0]] - i for i, name in enumerate(path)}
    n_floors = max(floors.values())
    rows = [sorted(n for n, f in on_floor.items() if f == floor + 1) for floor in range(n_floors)]
    links = [(a, b) for path in paths for a, b in pairwise(path)]
    best, fewest = rows, n_crossings(rows, links)
    for sweep in range(N_SWEEPS):
        rows = [list(row) for row in rows]
        turn = range(1, n_floors) if sweep % 2 == 0 else range(n_floors - 2, -1, -1)
        for floor in turn:
            beside = rows[floor - 1 if sweep % 2 == 0 else floor + 1]
            rows[floor] = by_mean_neighbour(rows[floor], beside, links)
        rows = with_better_neighbours(rows, links)
        if (n := n_crossings(rows, links)) < fewest:
            best, fewest = rows, n
    return best


def by_mean_neighbour(row: list[str], beside: list[str], links: list[Line]) -> list[str]:
    """Sort a floor by where the neighbours on another floor stand."""
    place = {name: i for i, name in enumerate(beside)}

    def key(name: str) -> float:
        linked = [b if a == name else a for a, b in links if name in (a, b)]
        places = [place[other] for other in linked if other in place]
        share = row.index(name) / max(len(row), 1)
        return sum(places) / len(places) if places else share * len(beside)

    return sorted(row, key=key)


def with_better_neighbours(rows: list[list[str]], links: list[Line]) -> list[list[str]]:
    """Swap neighbours on a floor where that saves crossings."""
    for row in rows:
        for i in range(len(row) - 1):
            before = n_crossings(rows, links)
            row[i], row[i + 1] = row[i + 1], row[i]
            if n_crossings(rows, links) >= before:
                row[i], row[i + 1] = row[i + 1], row[i]
    return rows


def n_crossings(rows: list[list[str]], links: list[Line]) -> int:
    """Count the pairs of lines between two floors that cross."""
    place = {name: (floor, i) for floor, row in enumerate(rows) for i, name in enumerate(row)}
    n = 0
    ends = sorted((place[b][0], place[a][1], place[b][1]) for a, b in links)
    for i, (floor, top, bottom) in enumerate(ends):
        for other_floor, other_top, other_bottom in ends[i + 1 :]:
            if other_floor != floor:
                break
            n += other_top > top and other_bottom < bottom
    return n


def places_of(
    rows: list[list[str]], paths: Sequence[list[str]], widths: dict[str, float], bend_width: float
) -> dict[str, float]:
    """Return the middle of each box and bend, left to right, near its neighbours, none too near."""
    links = [(a, b) for path in paths for a, b in pairwise(path)]
    neighbours: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for a, b in links:
        neighbours[a].append(b)
        neighbours[b].append(a)
    x: dict[str, float] = {}
    for row in rows:
        for i, name in enumerate(row):
            x[name] = (i - (len(row) - 1) / 2) * 150.0
    for sweep in range(4 * N_SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = [
                sum(x[other] for other in neighbours[name]) / len(neighbours[name])
                if neighbours[name]
                else x[name]
                for name in row
            ]
            half = [widths.get(name, bend_width) / 2 for name in row]
            weights = [1.0 if name in widths else 4.0 for name in row]
            for name, place in zip(row, spread(wanted, half, weights), strict=True):
                x[name] = place
    return x


def spread(wanted: list[float], half: list[float], weights: list[float]) -> list[float]:
    """Return places as near to the wanted ones as boxes that must not overlap allow.

    Least squares under order and distance: pool adjacent violators.
    """
    offset, at = [0.0], 0.0
    for left, right in pairwise(half):
        at += left + right
        offset.append(at)
    blocks: list[tuple[float, float, int]] = []  # place, weight, number of members
    for want, shift, weight in zip(wanted, offset, weights, strict=True):
        place, n = want - shift, 1
        while blocks and blocks[-1][0] >= place:
            other, other_weight, other_n = blocks.pop()
            place = (place * weight + other * other_weight) / (weight + other_weight)
            weight, n = weight + other_weight, n + other_n
        blocks.append((place, weight, n))
    flat = [place for place, _, n in blocks for _ in range(n)]
    return [place + shift for place, shift in zip(flat, offset, strict=True)]
