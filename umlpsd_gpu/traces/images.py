"""Movie → the images in which emitters are detected: temporal mean and variance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, stretches

LONGEST_BLOCK = 32
FEWEST_BLOCKS = 16


@dataclass(frozen=True)
class MovieImages:
    """Temporal mean and variance of a movie.

    Attributes
    ----------
    mean : ndarray, shape (n_rows, n_cols), float64, counts
        Over all frames. A pixel that is NaN or infinite in any frame is not finite here.
    variance : ndarray, shape (n_rows, n_cols), float64, counts²
        Of the averages of ``n_frames_per_block`` consecutive frames: averaging reduces camera
        noise, and an emitter that is dark most of the time remains visible.
    n_frames_per_block : int
    lost_px : tuple of float
        How far drift moves the sample beyond the top, bottom, left and right edge, in pixels.
    """

    mean: Array
    variance: Array
    n_frames_per_block: int
    lost_px: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def temporal_images(
    movie: Movie, drift: Array | None = None, n_threads: int | None = None
) -> MovieImages:
    """Compute the temporal images in one pass over the movie.

    Sums are exact for integer movies and in frame order for all: the result is the same, bit for
    bit, for any memory bound and number of threads.

    Parameters
    ----------
    movie : Movie
    drift : ndarray, shape (n_frames, 2), optional
        Displacement of the sample at each frame, in pixels; each block of frames is shifted back by
        its mean drift (linear interpolation).
    n_threads : int, optional
        Default: all cores.

    Returns
    -------
    MovieImages
    """
    n_per_block = frames_per_block(movie.n_frames)
    n_at_once = frames_at_once(movie, n_threads)

    def block_sums(first: int, stop: int) -> list[Array]:
        sums = []
        for begin in range(first, stop, n_per_block):
            end = min(begin + n_per_block, stop)
            block = sum_of_frames(movie, begin, end, n_at_once)
            sums.append(block if drift is None else _shift_back(block, drift[begin:end]))
        return sums

    total, squares, rest = np.zeros((3, movie.n_rows, movie.n_cols))
    n_whole = movie.n_frames // n_per_block
    n_done = 0
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinite pixels stay so
        for sums in in_order(block_sums, stretches(movie, n_per_block), n_threads):
            for block in sums:
                n_done += 1
                if n_done > n_whole:  # an incomplete last block counts for the mean only
                    rest = block
                    continue
                total += block
                squares += np.multiply(block, block, out=block)
    images = make_images(total, squares, rest, movie.n_frames)
    return images if drift is None else replace(images, lost_px=_measure_lost_px(drift))


def frames_per_block(n_frames: int) -> int:
    """Return the frames averaged before the variance is taken.

    Parameters
    ----------
    n_frames : int
        Of the movie.
    """
    return max(1, min(LONGEST_BLOCK, n_frames // FEWEST_BLOCKS))


def make_images(total: Array, squares: Array, rest: Array, n_frames: int) -> MovieImages:
    """Return the images of a movie from sums over its frames.

    Parameters
    ----------
    total, squares : ndarray, shape (n_rows, n_cols), float64
        Sum of the complete blocks, and of the squares of their sums.
    rest : ndarray, shape (n_rows, n_cols), float64
        Sum of the frames after the last complete block.
    n_frames : int
        Of the movie.

    Returns
    -------
    MovieImages
    """
    n_per_block = frames_per_block(n_frames)
    n_whole, n_left = divmod(n_frames, n_per_block)
    with np.errstate(invalid="ignore", over="ignore"):
        variance = np.maximum(squares / n_whole - (total / n_whole) ** 2, 0)
        mean = (total + rest if n_left else total) / n_frames
    return MovieImages(mean, variance / n_per_block**2, n_per_block)


def sum_of_frames(movie: Movie, first: int, stop: int, n_at_once: int) -> Array:
    """Return the sum of frames, added one by one: reading them in pieces changes no bit.

    Parameters
    ----------
    movie : Movie
    first, stop : int
    n_at_once : int
        Frames to read at a time.
    """
    total = np.zeros((movie.n_rows, movie.n_cols), _choose_sum_dtype(movie.dtype))
    for start in range(first, stop, n_at_once):
        for frame in movie.read_frames(start, min(start + n_at_once, stop)):
            np.add(total, frame, out=total)
    return total.astype(np.float64)


def _choose_sum_dtype(dtype: np.dtype) -> np.dtype:
    """Return a type in which the sum of 65,537 frames is exact, if there is one."""
    if dtype.kind == "u" and dtype.itemsize <= 2:
        return np.dtype(np.uint32)
    if dtype.kind in "iu" and dtype.itemsize <= 4:
        return np.dtype(np.int64)
    return np.dtype(np.float64)


def _shift_back(block: Array, drift: Array) -> Array:
    shifted: Array = ndimage.shift(block, -drift.mean(axis=0), order=1, mode="nearest")
    return shifted


def _measure_lost_px(drift: Array) -> tuple[float, float, float, float]:
    top, left = np.maximum(-drift.min(axis=0), 0)
    bottom, right = np.maximum(drift.max(axis=0), 0)
    return float(top), float(bottom), float(left), float(right)
