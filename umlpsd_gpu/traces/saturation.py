"""Counts at the centres of emitters → how many touch the full scale of the camera."""

from __future__ import annotations

from threading import Lock

import numpy as np

from umlpsd_gpu.compute.arrays import Array

SHARE_OF_FRAMES = 0.05
# fewer counts are equal by chance
SMALLEST_FULL_SCALE = 60.0


class FullScale:
    """The largest count of every trace, and in how many frames it occurs.

    Parameters
    ----------
    n_traces : int
    """

    def __init__(self, n_traces: int) -> None:
        self._largest = np.full(n_traces, -np.inf)
        self._n_frames = np.zeros(n_traces, np.int64)
        self._n_seen = 0
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
            self._n_seen += len(counts)
            higher, alike = largest > self._largest, largest == self._largest
            self._n_frames[alike] += n_frames[alike]
            self._n_frames[higher] = n_frames[higher]
            self._largest = np.maximum(self._largest, largest)

    def describe(self, kept: Array, what: str = "emitters") -> str:
        """Return a sentence about the traces that touch full scale in > 5 % of frames; "" for none.

        Parameters
        ----------
        kept : ndarray of int or bool
            The traces that count.
        what : str
            Their name.
        """
        largest, n_frames = self._largest[kept], self._n_frames[kept]
        often = (n_frames > SHARE_OF_FRAMES * self._n_seen) & (largest >= SMALLEST_FULL_SCALE)
        if not often.any():
            return ""
        full_scale = largest[often].max()
        touches = often & (largest == full_scale)
        if full_scale < largest.max():  # a level below others is no limit
            return ""
        return (
            f"{np.count_nonzero(touches)} of {largest.size} {what} touch full scale "
            f"({full_scale:g} counts) in more than {100 * SHARE_OF_FRAMES:.0f} % of the frames, "
            "where their intensity is cut off; use less light or gain"
        )
