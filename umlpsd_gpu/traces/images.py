"""Movie → the images in which emitters are looked for: temporal mean and variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.streaming import read_ahead

LONGEST_BLOCK = 32
FEWEST_BLOCKS = 16


@dataclass(frozen=True)
class MovieImages:
    """What a movie looks like when time is gone.

    Attributes
    ----------
    mean : ndarray, shape (n_rows, n_cols), float64, counts
        Over all frames. A pixel that is NaN or infinite in any frame is not finite here.
    variance : ndarray, shape (n_rows, n_cols), float64, counts²
        Of the averages of ``n_frames_per_block`` consecutive frames: averaging keeps camera noise
        from ruling it, and an emitter that is dark most of the time still shows.
    n_frames_per_block : int
    lost_px : tuple of float
        How far drift carries the sample beyond the top, bottom, left and right edge.
    """

    mean: np.ndarray
    variance: np.ndarray
    n_frames_per_block: int
    lost_px: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def temporal_images(movie: Movie, drift: np.ndarray | None = None) -> MovieImages:
    """Make the temporal images in one pass over the movie.

    Sums are exact for integer movies and in frame order for all: the same bits whatever the chunks.

    Parameters
    ----------
    drift : ndarray, shape (n_frames, 2), optional
        Rows and columns by which the sample has moved at each frame; each block of frames is
        shifted back by its mean drift (linear interpolation).
    """
    n_per_block = max(1, min(LONGEST_BLOCK, movie.n_frames // FEWEST_BLOCKS))
    blocks = _BlockStatistics((movie.n_rows, movie.n_cols))
    block_sum = np.zeros((movie.n_rows, movie.n_cols), _sum_dtype(movie.dtype))
    for first, frames in read_ahead(movie):
        for i, frame in enumerate(frames, start=first):
            np.add(block_sum, frame, out=block_sum)
            last_of_block = (i + 1) % n_per_block == 0
            if last_of_block or i + 1 == movie.n_frames:
                begin = i - i % n_per_block
                moved = None if drift is None else drift[begin : i + 1].mean(axis=0)
                blocks.add(_shifted_back(block_sum, moved), is_whole=last_of_block)
                block_sum[...] = 0
    return MovieImages(
        mean=blocks.total / movie.n_frames,
        variance=blocks.variance() / n_per_block**2,
        n_frames_per_block=n_per_block,
        lost_px=(0.0, 0.0, 0.0, 0.0) if drift is None else _lost_px(drift),
    )


class _BlockStatistics:
    """Running sum and sum of squares of block sums."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.total = np.zeros(shape)
        self._whole_total = np.zeros(shape)
        self._squares = np.zeros(shape)
        self._n_whole = 0

    def add(self, block_sum: np.ndarray, is_whole: bool) -> None:
        """Take in one block; a ragged last one counts for the mean only."""
        block = block_sum.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinite pixels stay marked
            self.total += block
            if is_whole:
                self._whole_total += block
                np.multiply(block, block, out=block)
                self._squares += block
                self._n_whole += 1

    def variance(self) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            mean = self._whole_total / self._n_whole
            return np.maximum(self._squares / self._n_whole - mean**2, 0)


def _sum_dtype(dtype: np.dtype) -> np.dtype:
    """Return a type that holds a block's sum exactly: 32 × 65535 fits uint32."""
    if dtype.kind == "u" and dtype.itemsize <= 2:
        return np.dtype(np.uint32)
    if dtype.kind in "iu" and dtype.itemsize <= 4:
        return np.dtype(np.int64)
    return np.dtype(np.float64)


def _shifted_back(block_sum: np.ndarray, moved: np.ndarray | None) -> np.ndarray:
    if moved is None:
        return block_sum
    return ndimage.shift(block_sum.astype(np.float64), -moved, order=1, mode="nearest")


def _lost_px(drift: np.ndarray) -> tuple[float, float, float, float]:
    top, left = np.maximum(-drift.min(axis=0), 0)
    bottom, right = np.maximum(drift.max(axis=0), 0)
    return float(top), float(bottom), float(left), float(right)
