"""Blocks of frames → sums from which mean, variance and the averages of segments follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array

LONGEST_BLOCK = 32
FEWEST_BLOCKS = 16
N_SEGMENTS = 8
# images of more pixels are binned before they are registered
BINNED_FROM, BINNED_TWICE_FROM = 300 * 300, 1500 * 1500


def frames_per_block(n_frames: int) -> int:
    """Return the frames averaged before the variance is taken.

    Parameters
    ----------
    n_frames : int
        Of the movie.
    """
    return max(1, min(LONGEST_BLOCK, n_frames // FEWEST_BLOCKS))


@dataclass(frozen=True)
class Block:
    """The sum of consecutive frames; adding it to others may overwrite it.

    Attributes
    ----------
    found : ndarray, shape (n_rows, n_cols)
        Sum over the frames in which the pixel is sound.
    n_found : ndarray of int, same shape, or None
        Number of those frames; None: all of them.
    n_frames : int
    """

    found: Array
    n_found: Array | None
    n_frames: int

    def shift_back(self, moved_px: Array) -> Block:
        """Return the block shifted back by linear interpolation.

        Parameters
        ----------
        moved_px : ndarray, shape (2,)
            Pixels that need a missing one are missing.
        """
        if self.n_found is None:
            return Block(_shift(self.found, moved_px), None, self.n_frames)
        estimate = np.where(self.is_known, self.estimate(), np.nan)
        shifted = _shift(estimate, moved_px)
        known = np.isfinite(shifted)
        return Block(np.where(known, shifted, 0.0), known * self.n_frames, self.n_frames)

    def join(self, later: Block) -> Block:
        """Return this block and the one that follows as one.

        Parameters
        ----------
        later : Block
        """
        counts = [
            np.full(part.found.shape, part.n_frames) if part.n_found is None else part.n_found
            for part in (self, later)
        ]
        n_found = None if self.n_found is later.n_found is None else counts[0] + counts[1]
        return Block(self.found + later.found, n_found, self.n_frames + later.n_frames)

    @property
    def is_known(self) -> Array:
        """Return whether a pixel is sound in at least half of the frames."""
        if self.n_found is None:
            return np.ones(self.found.shape, bool)
        return 2 * self.n_found >= self.n_frames

    def estimate(self) -> Array:
        """Return what the sum would be over all frames; 0 where the pixel is not known."""
        if self.n_found is None:
            return self.found
        factor = np.where(self.is_known, self.n_frames / np.maximum(self.n_found, 1), 0.0)
        estimate: Array = self.found * factor
        return estimate


def _shift(image: Array, moved_px: Array) -> Array:
    shifted: Array = ndimage.shift(image, -moved_px, order=1, mode="nearest")
    return shifted


@dataclass
class _Lost:
    """Counts of what is not sound, per pixel, and by how much estimates exceed what was found."""

    surplus: Array
    n_frames: Array
    n_blocks: Array


class TemporalSums:
    """Sums over the blocks of a movie, to which blocks are added in order.

    How many there will be need not be known. An incomplete block counts for the mean only and
    must be the last.

    Parameters
    ----------
    shape : (int, int)
        Of a frame.
    n_per_block : int
        Frames of a block.
    ends : sequence of int
        After how many blocks each segment ends, ascending; a range for a movie without end.

    Attributes
    ----------
    n_frames, n_whole : int
        Frames and whole blocks so far.
    segments : list of ndarray
        Averages of the blocks of each segment, in time order, binned if they are large.
    bin_px : int
        Pixels of the movie in a pixel of a segment, along each axis.
    samples : ndarray, shape (n_frames, n), or None
        Some pixels of every frame.
    """

    def __init__(self, shape: tuple[int, int], n_per_block: int, ends: Sequence[int]) -> None:
        self.n_per_block, self._ends = n_per_block, ends
        self.n_frames, self.n_whole = 0, 0
        self._total, self._squares = np.zeros(shape), np.zeros(shape)
        self._rest: Array | None = None
        self._lost: _Lost | None = None
        self._segment_begins = 0
        self._earlier: Array | None = None
        self._earlier_lost: Array | int = 0
        self.bin_px = choose_bin_px(shape)
        self.segments: list[Array] = []
        self.samples: Array | None = None

    @classmethod
    def of_movie(cls, shape: tuple[int, int], n_frames: int) -> TemporalSums:
        """Return empty sums for a movie of known length, which is cut into eight segments.

        Parameters
        ----------
        shape : (int, int)
            Of a frame.
        n_frames : int
            Of the movie.
        """
        n_per_block = frames_per_block(n_frames)
        return cls(shape, n_per_block, segment_ends(n_frames // n_per_block))

    @classmethod
    def from_device(
        cls, rest: Array, total: Array, squares: Array, n_frames: int, totals: list[Array]
    ) -> TemporalSums:
        """Return the sums that a GPU has added up, of frames whose pixels are all finite.

        Parameters
        ----------
        rest, total, squares : ndarray, shape (n_rows, n_cols), float64
            As the kernel ``temporal_sums`` returns them.
        n_frames : int
        totals : list of ndarray
            ``total`` at the end of each segment.
        """
        sums = cls.of_movie(total.shape, n_frames)
        sums._total, sums._squares = total.copy(), squares.copy()
        sums.n_frames, sums.n_whole = n_frames, n_frames // sums.n_per_block
        sums._rest = rest.copy() if n_frames % sums.n_per_block else None
        for n_done, so_far in zip(sums._ends, totals, strict=True):
            sums._end_segment(so_far, n_done)
        return sums

    def add(self, block: Block) -> None:
        """Add the next block.

        Parameters
        ----------
        block : Block
        """
        self.n_frames += block.n_frames
        self.n_whole += block.n_frames == self.n_per_block
        self._include(block, 1)
        if block.n_frames == self.n_per_block and self.n_whole in self._ends:
            self._end_segment(self._total, self.n_whole)

    def swap(self, before: Block, after: Block) -> None:
        """Replace a block that was added.

        Parameters
        ----------
        before, after : Block
        """
        self._include(before, -1)
        self._include(after, 1)

    def _include(self, block: Block, sign: int) -> None:
        if block.n_found is not None:
            self._count_lost(block, block.n_found, sign)
        if block.n_frames < self.n_per_block:  # an incomplete last block counts for the mean only
            rest = np.zeros_like(self._total) if self._rest is None else self._rest
            self._rest = rest + sign * block.found
            return
        sums = block.estimate()
        if sign > 0:
            self._total += sums
            self._squares += np.multiply(sums, sums, out=sums)
        else:
            self._total -= sums
            self._squares -= np.multiply(sums, sums, out=sums)

    def _count_lost(self, block: Block, n_found: Array, sign: int) -> None:
        if self._lost is None:
            shape = block.found.shape
            self._lost = _Lost(
                np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
            )
        self._lost.n_frames += sign * (block.n_frames - n_found)
        if block.n_frames == self.n_per_block:
            self._lost.surplus += sign * (block.estimate() - block.found)
            self._lost.n_blocks += sign * ~block.is_known

    def _end_segment(self, total: Array, n_done: int) -> None:
        n_blocks: Array | int = n_done - self._segment_begins
        if self._lost is not None:
            n_blocks = n_blocks - (self._lost.n_blocks - self._earlier_lost)
            self._earlier_lost = self._lost.n_blocks.copy()
        with np.errstate(invalid="ignore", divide="ignore"):
            average = (total if self._earlier is None else total - self._earlier) / n_blocks
        self.segments.append(bin_image(average, self.bin_px))
        is_last = n_done == self._ends[-1]
        self._earlier, self._segment_begins = None if is_last else total.copy(), n_done

    def average(self) -> tuple[Array, Array, Array | None]:
        """Return mean and variance, and the share of sound frames where it is not 1 everywhere."""
        n_frames, n_whole = self.n_frames, self.n_whole
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            if self._lost is None:
                variance = self._squares / n_whole
                square = self._total / n_whole
                variance -= np.square(square, out=square)
                del square
                np.maximum(variance, 0, out=variance)
                variance /= self.n_per_block**2
                total = self._total if self._rest is None else self._total + self._rest
                return total / n_frames, variance, None
            n_known = n_whole - self._lost.n_blocks
            variance = self._squares / n_known - (self._total / n_known) ** 2
            variance = np.where(n_known > 0, np.maximum(variance, 0), np.nan)
            found = self._total - self._lost.surplus
            if self._rest is not None:
                found += self._rest
            n_sound = n_frames - self._lost.n_frames
            mean = np.where(n_sound > 0, found / n_sound, np.nan)
        return mean, variance / self.n_per_block**2, n_sound / n_frames

    def mean_with(self, block: Block) -> Array:
        """Return the mean of the whole blocks so far and one that is not whole yet.

        Parameters
        ----------
        block : Block
            May be empty.
        """
        n_sound: Array | int = self.n_frames + block.n_frames
        found = self._total + block.found
        if self._lost is not None:
            found -= self._lost.surplus
            n_sound = n_sound - self._lost.n_frames
        if block.n_found is not None:
            n_sound = n_sound - (block.n_frames - block.n_found)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Array = np.where(n_sound > 0, found / n_sound, np.nan)
        return mean


def segment_ends(n_blocks: int) -> list[int]:
    """Return after how many whole blocks each segment of a movie ends.

    Parameters
    ----------
    n_blocks : int
    """
    n_segments = min(N_SEGMENTS, n_blocks)
    return [(i + 1) * n_blocks // n_segments for i in range(n_segments)]


def choose_bin_px(shape: tuple[int, int]) -> int:
    """Return how many pixels of an image are averaged along each axis before registration.

    Parameters
    ----------
    shape : (int, int)
    """
    n_pixels = shape[0] * shape[1]
    return 1 if n_pixels <= BINNED_FROM else 2 if n_pixels <= BINNED_TWICE_FROM else 4


def bin_image(image: Array, bin_px: int) -> Array:
    """Return averages of squares of pixels, float32; incomplete squares at the edge are left out.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_cols)
    bin_px : int
    """
    if bin_px == 1:
        return image.astype(np.float32)
    n_rows, n_cols = (size // bin_px for size in image.shape)
    trimmed = image[: n_rows * bin_px, : n_cols * bin_px]
    summed = trimmed.reshape(n_rows, bin_px, n_cols * bin_px).sum(axis=1)
    binned: Array = summed.reshape(n_rows, n_cols, bin_px).mean(axis=2) / bin_px
    return binned.astype(np.float32)
