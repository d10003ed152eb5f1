"""Frames → sums: of a few frames, and of a movie whose end is not known."""

from __future__ import annotations

import sys

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.sums import LONGEST_BLOCK, Block, TemporalSums

# A segment of three blocks shows the spots of a few seconds of a usual movie
BLOCKS_PER_SEGMENT = 3


class FrameSum:
    """The sum of frames, added one by one: adding them in pieces changes no bit.

    Parameters
    ----------
    shape : (int, int)
        Of a frame.
    dtype : numpy.dtype
        Of the frames.
    only_finite : bool
        Whether pixels that are NaN or infinite in a frame are left out of it, and counted.
    """

    def __init__(
        self, shape: tuple[int, int], dtype: np.dtype, *, only_finite: bool = False
    ) -> None:
        self._total = np.zeros(shape, _choose_sum_dtype(dtype))
        self._n_found = np.zeros(shape, np.int64) if only_finite else None
        self.n_frames = 0

    def add(self, frames: Array) -> None:
        """Add frames.

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols), counts
        """
        self.n_frames += len(frames)
        for frame in frames:
            if self._n_found is None:
                np.add(self._total, frame, out=self._total)
                continue
            finite = np.isfinite(frame)
            np.add(self._total, frame, out=self._total, where=finite)
            self._n_found += finite

    def found(self) -> Array:
        """Return the sum as a new array, float64, counts."""
        return self._total.astype(np.float64)

    def block(self) -> Block:
        """Return the sum with the number of frames in which each pixel is finite."""
        is_whole = self._n_found is None or self._n_found.min(initial=0) == self.n_frames
        return Block(self.found(), None if is_whole else self._n_found, self.n_frames)


class RunningSums:
    """Temporal sums of a movie that is still being recorded.

    Blocks and segments are those of the frames' numbers: how the frames arrive changes no bit.

    Parameters
    ----------
    shape : (int, int)
        Of a frame.
    dtype : numpy.dtype
    n_per_block : int
    blocks_per_segment : int

    Attributes
    ----------
    n_frames : int
        Added so far.
    bin_px : int
        Pixels of the movie in a pixel of a segment, along each axis.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        dtype: np.dtype,
        n_per_block: int = LONGEST_BLOCK,
        blocks_per_segment: int = BLOCKS_PER_SEGMENT,
    ) -> None:
        self._shape, self._dtype = shape, dtype
        ends = range(blocks_per_segment, sys.maxsize, blocks_per_segment)
        self._sums = TemporalSums(shape, n_per_block, ends)
        self.n_per_segment = n_per_block * blocks_per_segment
        self.n_frames, self.bin_px = 0, self._sums.bin_px
        self._begin_block()

    def _begin_block(self) -> None:
        self._block = FrameSum(self._shape, self._dtype, only_finite=self._dtype.kind == "f")

    def add(self, frames: Array) -> None:
        """Add the next frames.

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols), counts
        """
        self.n_frames += len(frames)
        while len(frames):
            n_lacking = self._sums.n_per_block - self._block.n_frames
            self._block.add(frames[:n_lacking])
            frames = frames[n_lacking:]
            if self._block.n_frames == self._sums.n_per_block:
                self._sums.add(self._block.block())
                self._begin_block()

    def mean(self) -> Array:
        """Return the mean of all frames, shape (n_rows, n_cols), counts; NaN where none is finite.

        Raises
        ------
        ValueError
            Before the first frame.
        """
        if not self.n_frames:
            raise ValueError("there is no mean of no frames")
        return self._sums.mean_with(self._block.block())

    def take_segments(self) -> list[Array]:
        """Return the averages of the segments that ended since the last call, oldest first."""
        taken = list(self._sums.segments)
        self._sums.segments.clear()
        return taken


def _choose_sum_dtype(dtype: np.dtype) -> np.dtype:
    """Return a type in which the sum of 65,537 frames is exact, if there is one."""
    if dtype.kind == "u" and dtype.itemsize <= 2:
        return np.dtype(np.uint32)
    if dtype.kind in "iu" and dtype.itemsize <= 4:
        return np.dtype(np.int64)
    return np.dtype(np.float64)
