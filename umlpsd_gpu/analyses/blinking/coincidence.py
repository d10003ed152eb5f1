"""Whether the emitters of several movies are the same: one movie in parts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.traces import Traces

REACH_PX = 1.5
LEAST_SHARE = 0.8
_FEWEST = 3
# Where emitters are so dense that this share coincides by chance, nothing is told.
_MOST_BY_CHANCE = 0.2


def note_coincidences(movies: Sequence[Movie], parts: Sequence[Traces]) -> list[str]:
    """Return a note for movies whose emitters are where those of the movie before are.

    Parameters
    ----------
    movies : sequence of Movie
    parts : sequence of Traces
        Of each movie.

    Returns
    -------
    list of str
        At most one note.
    """
    found = []
    for i in range(1, len(movies)):
        before, after = movies[i - 1], movies[i]
        if (before.n_rows, before.n_cols) != (after.n_rows, after.n_cols):
            continue
        n_same = _count_same(parts[i - 1], parts[i], after.n_rows * after.n_cols)
        if n_same:
            found.append(
                f"{n_same} of {parts[i].n_traces} emitters of {after.name} are where those of "
                f"{before.name} are"
            )
    if not found:
        return []
    more = f", and so on for {len(found) - 1} more" if len(found) > 1 else ""
    return [
        f"{found[0]}{more}: every emitter may be counted several times. If the files are the parts "
        "of one movie, add --join."
    ]


def _count_same(one: Traces, other: Traces, n_pixels: int) -> int:
    """Return how many emitters coincide; 0 if they are few, or may do so by chance."""
    fewest = min(one.n_traces, other.n_traces)
    by_chance = max(one.n_traces, other.n_traces) * math.pi * REACH_PX**2 / n_pixels
    if fewest < _FEWEST or by_chance > _MOST_BY_CHANCE:
        return 0
    from scipy.spatial import cKDTree

    places = [np.column_stack([traces.rows, traces.cols]) for traces in (one, other)]
    if not all(np.isfinite(place).all() for place in places):
        return 0
    distances, _ = cKDTree(places[0]).query(places[1])
    n_same = int(np.count_nonzero(distances <= REACH_PX))
    return n_same if n_same >= LEAST_SHARE * fewest else 0
