"""Counts summed over neighbouring pixels and channels, which raises them above their noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of

# Pixels along each side of a bin, and channels of a bin
PIXELS, CHANNELS = (1, 2, 4, 8), (1, 2, 4, 8)
# A binned matrix is left out if it has fewer rows or columns, or more of them
FEWEST, MOST_ROWS, MOST_COLUMNS = 24, 20_000, 1_200


@dataclass(frozen=True)
class Binned:
    """A matrix of counts summed over bins.

    Attributes
    ----------
    counts : ndarray, shape (n_bins, n_channels)
        Without bins and channels that have no counts.
    pixels : int
        Pixels along each side of a bin.
    channels : int
        Channels of a bin.
    """

    counts: Array
    pixels: int
    channels: int


def binnings(counts: Array, shape: tuple[int, int] | None) -> Iterator[Binned]:
    """Yield counts in all bins that leave enough rows and columns, the finest first.

    Parameters
    ----------
    counts : ndarray, shape (n_pixels, n_channels)
    shape : tuple of int or None
        Rows and columns of the image whose pixels are the rows of ``counts``, row by row; None
        where samples have no neighbours.

    Yields
    ------
    Binned
    """
    smallest = min(FEWEST, *counts.shape)
    for pixels in PIXELS if shape is not None else PIXELS[:1]:
        by_pixels = counts if shape is None or pixels == 1 else _sum_pixels(counts, shape, pixels)
        for channels in CHANNELS:
            summed = _sum_channels(by_pixels, channels)
            n_rows, n_columns = summed.shape
            is_usable = smallest <= n_rows <= MOST_ROWS and smallest <= n_columns <= MOST_COLUMNS
            if is_usable or (pixels == channels == 1 and shape is None):
                kept = summed[summed.sum(axis=1) > 0][:, summed.sum(axis=0) > 0]
                if min(kept.shape) >= min(2, smallest):
                    yield Binned(kept, pixels, channels)


def _sum_pixels(counts: Array, shape: tuple[int, int], size: int) -> Array:
    """Return sums over squares of pixels; rows and columns beyond the last square are left out."""
    xp = xp_of(counts)
    n_rows, n_columns = shape[0] // size, shape[1] // size
    image = counts.reshape(*shape, -1)
    total = xp.zeros((n_rows, n_columns, image.shape[2]))
    for row in range(size):
        for column in range(size):
            total += image[row : n_rows * size : size, column : n_columns * size : size]
    summed: Array = total.reshape(n_rows * n_columns, -1)
    return summed


def _sum_channels(counts: Array, size: int) -> Array:
    if size == 1:
        return counts
    n_bins = counts.shape[1] // size
    kept = counts[:, : n_bins * size]
    total: Array = kept.reshape(-1, n_bins, size).sum(axis=2, dtype=np.float64)
    return total
