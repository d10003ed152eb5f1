"""Traces of a movie without end in bounded memory."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array


class BoundedSamples:
    """Traces to which frames are added; when they grow too long, neighbours are averaged.

    A sample is the mean of ``factor`` frames, a power of two that doubles each time the traces
    are full. Means are taken in pairs, and pairs of pairs: how the frames arrive changes no bit.

    Parameters
    ----------
    n_traces : int
    max_samples : int
        Largest number of samples of a trace; an odd one is lowered by 1.
    dtype : numpy.dtype
        Floating point.

    Attributes
    ----------
    factor : int
        Frames in each sample.
    n_frames : int
        Added so far; the last ``n_frames % factor`` of them make no sample yet.
    has_gaps : bool
        Whether any value added so far was NaN.
    """

    def __init__(self, n_traces: int, max_samples: int, dtype: np.dtype) -> None:
        self._most = max(2, max_samples // 2 * 2)
        # memory is taken by the system as it is written
        self._values = np.empty((n_traces, self._most), dtype)
        self._waiting = np.empty((n_traces, 0), dtype)
        self.factor, self.n_samples, self.n_frames = 1, 0, 0
        self.has_gaps = False

    @property
    def values(self) -> Array:
        """Return the samples so far, shape (n_traces, n_samples); they never change later."""
        return self._values[:, : self.n_samples]

    def add(self, values: Array) -> None:
        """Add the values of the next frames.

        Parameters
        ----------
        values : ndarray, shape (n_traces, n)
        """
        self.n_frames += values.shape[1]
        self.has_gaps = self.has_gaps or bool(np.isnan(values).any())
        rest = np.concatenate([self._waiting, values.astype(self._values.dtype)], axis=1)
        while rest.shape[1] >= self.factor:
            if self.n_samples == self._most:
                self._average_pairs()
                continue
            n_new = min(rest.shape[1] // self.factor, self._most - self.n_samples)
            new = slice(self.n_samples, self.n_samples + n_new)
            self._values[:, new] = _average(rest[:, : n_new * self.factor], n_new)
            self.n_samples += n_new
            rest = rest[:, n_new * self.factor :]
        self._waiting = rest.copy()

    def _average_pairs(self) -> None:
        # what was handed out keeps the old array
        halved = np.empty_like(self._values)
        self.n_samples //= 2
        halved[:, : self.n_samples] = _average(self._values, self.n_samples)
        self._values = halved
        self.factor *= 2

    def with_more(self, others: BoundedSamples) -> BoundedSamples:
        """Return these traces and others of the same frames.

        Parameters
        ----------
        others : BoundedSamples

        Raises
        ------
        ValueError
            If they are not of the same frames.
        """
        if (self.n_frames, self.factor) != (others.n_frames, others.factor):
            raise ValueError(
                f"traces of {self.n_frames} and {others.n_frames} frames can't be joined"
            )
        n_traces = len(self._values) + len(others._values)
        joined = BoundedSamples(n_traces, self._most, self._values.dtype)
        np.concatenate([self.values, others.values], out=joined._values[:, : self.n_samples])
        joined._waiting = np.concatenate([self._waiting, others._waiting])
        joined.factor, joined.n_samples = self.factor, self.n_samples
        joined.n_frames = self.n_frames
        joined.has_gaps = self.has_gaps or others.has_gaps
        return joined


def _average(values: Array, n_samples: int) -> Array:
    """Return means of neighbouring values, in pairs; their number must be a power of two."""
    while values.shape[1] > n_samples:
        values = 0.5 * (values[:, 0::2] + values[:, 1::2])
    return values
