"""Counts at the centres of emitters → how many touch the full scale of the camera."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.storage.blocks import row_blocks

SHARE_OF_FRAMES = 0.05
# fewer counts are equal by chance
SMALLEST_FULL_SCALE = 60.0

Largest = tuple[float, int]


class FullScale:
    """The largest count of every trace, and in how many frames it occurs.

    Parameters
    ----------
    n_traces : int
    """

    def __init__(self, n_traces: int) -> None:
        self._largest = np.full(n_traces, -np.inf)
        self._n_frames = np.zeros(n_traces, np.int64)
        self._lock = Lock()

    def look_at(self, counts: Array) -> None:
        """Take note of some frames, in any order.

        Parameters
        ----------
        counts : ndarray, shape (n_frames, n_traces)
        """
        if not counts.size:
            return
        largest = np.nan_to_num(counts.max(axis=0).astype(np.float64), nan=-np.inf, posinf=-np.inf)
        n_frames = (counts == largest).sum(axis=0)
        with self._lock:
            higher, alike = largest > self._largest, largest == self._largest
            self._n_frames[alike] += n_frames[alike]
            self._n_frames[higher] = n_frames[higher]
            self._largest = np.maximum(self._largest, largest)

    def of(self, trace: int) -> Largest:
        """Return the largest count of a trace, and the number of frames that have it.

        Parameters
        ----------
        trace : int
        """
        return float(self._largest[trace]), int(self._n_frames[trace])


def describe_full_scale(traces: Sequence[Largest], n_frames: int, what: str = "emitters") -> str:
    """Return a sentence about traces that touch full scale in > 5 % of frames; "" for none.

    Parameters
    ----------
    traces : sequence of (float, int)
        Largest count of each, and the number of frames that have it.
    n_frames : int
        Of the movie.
    what : str
        The traces' name.
    """
    if not traces:
        return ""
    largest, n_there = np.array(traces).T
    often = (n_there > SHARE_OF_FRAMES * n_frames) & (largest >= SMALLEST_FULL_SCALE)
    # a level below the counts of others is no limit
    if not often.any() or largest[often].max() < largest.max():
        return ""
    n_touching = np.count_nonzero(often & (largest == largest.max()))
    return (
        f"{n_touching} of {largest.size} {what} touch full scale ({largest.max():g} counts) in "
        f"more than {100 * SHARE_OF_FRAMES:.0f} % of the frames, where their intensity is cut off"
    )


def largest_counts(values: Array) -> list[Largest]:
    """Return the largest count of each trace, and the number of frames that have it.

    Parameters
    ----------
    values : ndarray or memmap, shape (n_traces, n_frames)
    """
    found: list[Largest] = []
    for rows in row_blocks(values):
        block = np.nan_to_num(values[rows], nan=-np.inf, posinf=-np.inf, neginf=-np.inf)
        largest = block.max(axis=1)
        n_there = (block == largest[:, None]).sum(axis=1)
        found += list(zip(largest.tolist(), n_there.tolist(), strict=True))
    return found
