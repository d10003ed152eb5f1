"""Movie → the images in which emitters are detected: temporal mean and variance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.frame_sums import FrameSum
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, is_fast, stretches
from umlpsd_gpu.traces.sums import Block, TemporalSums, frames_per_block
from umlpsd_gpu.traces.unsound import Unsound, sampled_pixels


@dataclass(frozen=True)
class MovieImages:
    """Temporal mean and variance of a movie.

    Attributes
    ----------
    mean : ndarray, shape (n_rows, n_cols), float64, counts
        Over all frames in which the pixel is sound. Not finite where it never is.
    variance : ndarray, shape (n_rows, n_cols), float64, counts²
        Of the averages of ``n_frames_per_block`` consecutive frames: averaging reduces camera
        noise, and an emitter that is dark most of the time remains visible.
    n_frames_per_block : int
    lost_px : tuple of float
        How far drift moves the sample beyond the top, bottom, left and right edge, in pixels.
    sound_share : ndarray, shape (n_rows, n_cols), optional
        Share of the frames in which each pixel is sound. None: all are, everywhere.
    """

    mean: Array
    variance: Array
    n_frames_per_block: int
    lost_px: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    sound_share: Array | None = None


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
    return make_images(temporal_sums(movie, drift, n_threads), drift)


def make_images(sums: TemporalSums, drift: Array | None = None) -> MovieImages:
    """Return the images of a movie from sums over its frames.

    Parameters
    ----------
    sums : TemporalSums
    drift : ndarray, shape (n_frames, 2), optional
        By which they were shifted back.

    Returns
    -------
    MovieImages
    """
    mean, variance, sound_share = sums.average()
    images = MovieImages(mean, variance, sums.n_per_block, sound_share=sound_share)
    return images if drift is None else replace(images, lost_px=_measure_lost_px(drift))


def temporal_sums(
    movie: Movie,
    drift: Array | None = None,
    n_threads: int | None = None,
    unsound: Unsound | None = None,
) -> TemporalSums:
    """Add up a movie in one pass; pixels that are NaN or infinite in a frame are left out of it.

    Parameters
    ----------
    movie : Movie
    drift, n_threads
        As for `temporal_images`.
    unsound : Unsound, optional
        Parts to leave out. Not given: nothing is left out, and a few pixels of each frame are
        kept, from which such parts can be found.

    Returns
    -------
    TemporalSums
    """
    n_per_block = frames_per_block(movie.n_frames)
    reader = BlockReader(movie, frames_at_once(movie, n_threads), drift, unsound)

    def read_blocks(first: int, stop: int) -> list[tuple[Block, Array | None]]:
        return [
            reader.read(begin, min(begin + n_per_block, stop))
            for begin in range(first, stop, n_per_block)
        ]

    sums = TemporalSums.of_movie((movie.n_rows, movie.n_cols), movie.n_frames)
    samples = []
    with np.errstate(invalid="ignore", over="ignore"):  # infinite sums stay so
        for blocks in in_order(read_blocks, stretches(movie, n_per_block), n_threads):
            for block, sampled in blocks:
                sums.add(block)
                if sampled is not None:
                    samples.append(sampled)
    if samples:
        sums.samples = np.concatenate(samples)
    return sums


def leave_out(
    sums: TemporalSums,
    movie: Movie,
    unsound: Unsound,
    known: Unsound | None = None,
    drift: Array | None = None,
    n_threads: int | None = None,
) -> TemporalSums:
    """Leave more parts of a movie out of its sums; only the blocks concerned are read again.

    Parameters
    ----------
    sums : TemporalSums
        Changed in place, unless the whole movie must be read again.
    movie : Movie
    unsound : Unsound
        All parts to leave out.
    known : Unsound, optional
        Those that are left out already.
    drift, n_threads
        As for `temporal_images`.

    Returns
    -------
    TemporalSums
    """
    known = known or Unsound()
    if unsound.fills != known.fills:
        renewed = temporal_sums(movie, drift, n_threads, unsound)
        renewed.samples = sums.samples
        return renewed
    n_at_once = frames_at_once(movie, n_threads)
    before, after = (BlockReader(movie, n_at_once, drift, parts) for parts in (known, unsound))
    changed = (unsound.frames - known.frames) | {t for t, *_ in unsound.events - known.events}
    with np.errstate(invalid="ignore", over="ignore"):
        for number in sorted({t // sums.n_per_block for t in changed}):
            first = number * sums.n_per_block
            stop = min(first + sums.n_per_block, movie.n_frames)
            sums.swap(before.read(first, stop)[0], after.read(first, stop)[0])
    return sums


class BlockReader:
    """Reads blocks of frames and adds each up.

    Parameters
    ----------
    movie : Movie
    n_at_once : int
        Frames to read at a time.
    drift : ndarray, shape (n_frames, 2), optional
        By which blocks are shifted back.
    unsound : Unsound, optional
        Parts to leave out. Not given: a few pixels of each frame are returned with the block.
    """

    def __init__(
        self,
        movie: Movie,
        n_at_once: int,
        drift: Array | None = None,
        unsound: Unsound | None = None,
    ) -> None:
        self._movie, self._n_at_once = movie, n_at_once
        self._drift, self._unsound = drift, unsound
        self._sampled = sampled_pixels(movie) if unsound is None and drift is None else None

    def read(self, first: int, stop: int) -> tuple[Block, Array | None]:
        """Return the block of frames ``first`` to ``stop``, and its sampled pixels.

        Parameters
        ----------
        first, stop : int
        """
        if self._drift is not None and stop - first > 1 and is_fast(self._drift[first:stop]):
            middle = (first + stop) // 2
            return self.read(first, middle)[0].join(self.read(middle, stop)[0]), None
        samples: list[Array] = []
        if self._unsound is not None and self._unsound.touches(first, stop):
            block = self._read_carefully(first, stop)
        else:
            total = sum_of_frames(self._movie, first, stop, self._n_at_once, self._sampled, samples)
            block = Block(total, None, stop - first)
            if self._movie.dtype.kind == "f" and not np.isfinite(total).all():
                block = self._read_carefully(first, stop)
        if self._drift is not None:
            block = block.shift_back(self._drift[first:stop].mean(axis=0))
        return block, np.concatenate(samples) if samples else None

    def _read_carefully(self, first: int, stop: int) -> Block:
        unsound = self._unsound or Unsound()
        total = np.zeros((self._movie.n_rows, self._movie.n_cols))
        n_found = np.zeros(total.shape, np.int64)
        for start in range(first, stop, self._n_at_once):
            frames = self._movie.read_frames(start, min(start + self._n_at_once, stop))
            for t, frame in enumerate(frames, start):
                sound = ~unsound.mark(t, frame)
                np.add(total, frame, out=total, where=sound)
                n_found += sound
        return Block(total, None if n_found.min() == stop - first else n_found, stop - first)


def sum_of_frames(
    movie: Movie,
    first: int,
    stop: int,
    n_at_once: int,
    sampled: Array | None = None,
    samples: list[Array] | None = None,
) -> Array:
    """Return the sum of frames, added one by one: reading them in pieces changes no bit.

    Parameters
    ----------
    movie : Movie
    first, stop : int
    n_at_once : int
        Frames to read at a time.
    sampled : ndarray of int, optional
        Pixels of every frame that are added to ``samples``.
    samples : list of ndarray, optional
    """
    total = FrameSum((movie.n_rows, movie.n_cols), movie.dtype)
    for start in range(first, stop, n_at_once):
        frames = movie.read_frames(start, min(start + n_at_once, stop))
        total.add(frames)
        if sampled is not None and samples is not None:
            samples.append(frames.reshape(len(frames), -1).take(sampled, axis=1, mode="clip"))
        del frames  # its memory is used again for the next
    return total.found()


def _measure_lost_px(drift: Array) -> tuple[float, float, float, float]:
    top, left = np.maximum(-drift.min(axis=0), 0)
    bottom, right = np.maximum(drift.max(axis=0), 0)
    return float(top), float(bottom), float(left), float(right)
