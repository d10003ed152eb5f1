"""Sampled pixels of every frame → the frames and constant areas that images leave out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie

N_ON_EDGE, N_ACROSS = 24, 11
FEWEST_FRAMES = 8
# A frame stands out if most of its pixels do by this many of their standard deviations
OUTSTANDING, LARGEST_DEVIATION = 1.5, 3.0
LONGEST_EVENT, MOST_EVENTS = 2, 0.05
# A sample far from its own median, and how many must share one value to be a constant area
FAR, FEWEST_ALIKE, SHARE_ALIKE, MOST_FRAMES_LOOKED_AT, MOST_FILLS = 8.0, 3, 0.3, 64, 3
PATCH_PX = 7


@dataclass(frozen=True)
class Unsound:
    """The parts of a movie that are no measurement of the sample.

    Attributes
    ----------
    frames : frozenset of int
        Single frames that stand out as a whole: room light, a closed shutter.
    fills : tuple of float
        Values of constant areas that come and go, as registration and masking leave them.
    events : frozenset of (int, int, int)
        Frame, row and column of spots that are seen in one or two frames only: cosmic rays.
    """

    frames: frozenset[int] = frozenset()
    fills: tuple[float, ...] = ()
    events: frozenset[tuple[int, int, int]] = frozenset()

    def __bool__(self) -> bool:
        """Return whether anything is left out."""
        return bool(self.frames or self.fills or self.events)

    def with_events(self, events: Iterable[tuple[int, int, int]]) -> Unsound:
        """Return the same parts, and more events.

        Parameters
        ----------
        events : iterable of (int, int, int)
        """
        return replace(self, events=self.events | frozenset(events))

    def describe(self) -> str:
        """Return a sentence about frames and areas that are left out; "" for none."""
        parts = []
        if self.frames:
            first = ", ".join(map(str, sorted(self.frames)[:5]))
            more = ", …" if len(self.frames) > 5 else ""
            parts.append(
                f"{len(self.frames)} frames stand out as a whole (room light or a shutter?) and "
                f"were not used to find emitters: {first}{more}"
            )
        if self.fills:
            values = ", ".join(f"{value:g}" for value in self.fills)
            parts.append(f"areas that are constant at {values} in some frames were left out there")
        return "; ".join(parts)

    def touches(self, first: int, stop: int) -> bool:
        """Return whether any of these frames has an unsound part.

        Parameters
        ----------
        first, stop : int
        """
        if self.fills or any(first <= t < stop for t in self.frames):
            return True
        return any(first <= t < stop for t, _, _ in self.events)

    def mark(self, t: int, frame: Array) -> Array:
        """Return which pixels of a frame are no measurement, NaN and infinities included.

        Parameters
        ----------
        t : int
            Its number.
        frame : ndarray, shape (n_rows, n_cols)

        Returns
        -------
        ndarray of bool
        """
        missing = ~np.isfinite(frame) if frame.dtype.kind == "f" else np.zeros(frame.shape, bool)
        if t in self.frames:
            missing[:] = True
        for value in self.fills:
            missing |= find_plateau(frame == value)
        for when, row, col in self.events:
            if when == t:
                top, left = max(0, row - PATCH_PX), max(0, col - PATCH_PX)
                missing[top : row + PATCH_PX + 1, left : col + PATCH_PX + 1] = True
        return missing


def find_plateau(alike: Array) -> Array:
    """Return the pixels that belong to a square of 3 × 3 pixels that are all alike.

    Parameters
    ----------
    alike : ndarray of bool, shape (n_rows, n_cols)
        Beyond the edge the image continues.
    """
    if not alike.any():
        return alike
    middle = np.pad(alike, 2, mode="edge")
    for axis in (0, 1):
        before, at, after = _three_shifts(middle, axis)
        middle = before & at & after
    middle = np.pad(middle, 1)
    for axis in (0, 1):
        before, at, after = _three_shifts(middle, axis)
        middle = before | at | after
    plateau: Array = middle[1:-1, 1:-1]
    return plateau


def _three_shifts(image: Array, axis: int) -> tuple[Array, Array, Array]:
    moved = np.moveaxis(image, axis, 0)
    before, at, after = (np.moveaxis(m, 0, axis) for m in (moved[:-2], moved[1:-1], moved[2:]))
    return before, at, after


def sampled_pixels(movie: Movie) -> Array:
    """Return the pixels that are looked at in every frame, in the flattened image.

    Parameters
    ----------
    movie : Movie

    Returns
    -------
    ndarray of int, shape (n,)
        ``N_ON_EDGE`` on each of the four edges, then a grid of ``N_ACROSS``².
    """
    n_rows, n_cols = movie.n_rows, movie.n_cols
    along_rows, along_cols = (
        np.linspace(0, n - 1, N_ON_EDGE).astype(np.int64) for n in (n_rows, n_cols)
    )
    edges = [along_cols, (n_rows - 1) * n_cols + along_cols]
    edges += [along_rows * n_cols, along_rows * n_cols + n_cols - 1]
    rows, cols = (
        ((np.arange(N_ACROSS) + 0.5) / N_ACROSS * n).astype(np.int64) for n in (n_rows, n_cols)
    )
    grid = (rows[:, None] * n_cols + cols).ravel()
    pixels: Array = np.concatenate([*edges, grid])
    return pixels


def find_unsound(samples: Array) -> Unsound:
    """Return the frames and the constant areas that stand out in the sampled pixels.

    Parameters
    ----------
    samples : ndarray, shape (n_frames, n)
        Counts of `sampled_pixels`.

    Returns
    -------
    Unsound
    """
    if len(samples) < FEWEST_FRAMES:
        return Unsound()
    samples = samples.astype(np.float32, copy=False)
    edges, grid = samples[:, : 4 * N_ON_EDGE], samples[:, 4 * N_ON_EDGE :]
    few = grid[:: max(1, len(grid) // 1000)]
    with np.errstate(invalid="ignore"):
        median = _nanmedian(few)
        sigma = 1.4826 * _nanmedian(np.abs(few - median))
        deviation = (grid - median) / np.where(sigma > 0, sigma, np.inf)
    deviation = np.nan_to_num(deviation)
    fills = _find_fills_on_edges(edges, few) | _find_fills_inside(grid, deviation)
    return Unsound(
        frames=frozenset(_find_events(deviation)), fills=tuple(sorted(fills)[:MOST_FILLS])
    )


def _nanmedian(values: Array) -> Array:
    finite = np.isfinite(values)
    if finite.all():
        median: Array = np.median(values, axis=0)
        return median
    ordered = np.sort(np.where(finite, values, np.inf), axis=0)
    middle = np.maximum(finite.sum(axis=0) - 1, 0) // 2
    found: Array = np.take_along_axis(ordered, middle[None], axis=0)[0]
    return np.nan_to_num(found, posinf=0.0)


def _find_fills_on_edges(edges: Array, few: Array) -> set[float]:
    """Return values that an edge has everywhere in some frames, but not in all."""
    by_edge = edges.reshape(len(edges), 4, N_ON_EDGE)
    lowest = by_edge.min(axis=2)
    is_constant = lowest == by_edge.max(axis=2)
    comes_and_goes = is_constant & ~is_constant.all(axis=0)
    values = np.unique(lowest[comes_and_goes])[: 10 * MOST_FILLS]
    return {float(value) for value in values if np.mean(few == value) < 0.5}


def _find_fills_inside(grid: Array, deviation: Array) -> set[float]:
    """Return values that several pixels of a frame have, all far from what they usually have."""
    far = np.abs(deviation) > FAR
    fills: set[float] = set()
    for t in np.flatnonzero(far.sum(axis=1) >= FEWEST_ALIKE)[:MOST_FRAMES_LOOKED_AT]:
        values, counts = np.unique(grid[t, far[t]], return_counts=True)
        n_alike = max(FEWEST_ALIKE, SHARE_ALIKE * far[t].sum())
        fills |= set(map(float, values[counts >= n_alike]))
    return fills


def _find_events(deviation: Array) -> list[int]:
    """Return single frames, or pairs, in which a quarter of the image is brighter or darker."""
    clipped = np.clip(deviation, -LARGEST_DEVIATION, LARGEST_DEVIATION)
    varying = np.abs(deviation).max(axis=0) > 0
    of_quarter = _quarters()
    levels = np.stack(
        [
            clipped[:, quarter & varying].mean(axis=1)
            for quarter in of_quarter
            if (quarter & varying).sum() >= FEWEST_ALIKE
        ]
        or [np.zeros(len(deviation))]
    )
    stands_out = (np.abs(levels) > OUTSTANDING).any(axis=0)
    if not stands_out.any() or stands_out.mean() > MOST_EVENTS:
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stands_out, [False]])))
    runs = edges.reshape(-1, 2)
    return [t for first, stop in runs if stop - first <= LONGEST_EVENT for t in range(first, stop)]


def _quarters() -> list[Array]:
    half = np.arange(N_ACROSS) < N_ACROSS / 2
    return [np.outer(down, across).ravel() for down in (half, ~half) for across in (half, ~half)]
