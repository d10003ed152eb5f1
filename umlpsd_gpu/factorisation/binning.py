"""Counts summed over neighbouring pixels and channels, which raises them above their noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.subspace import inverse_of, row_blocks

# Pixels along each side of a bin, and channels of a bin
PIXELS, CHANNELS = (1, 2, 4, 8), (1, 2, 4, 8)
# Bins are left out if there are fewer of them, or more
FEWEST, MOST_PIXELS, MOST_CHANNELS = 24, 70_000, 1_200


@dataclass(frozen=True)
class BinnedSpectrum:
    """Singular values of counts that are summed over bins and scaled to noise of unit variance.

    Attributes
    ----------
    values : ndarray
        Largest first.
    shape : tuple of int
        Bins of pixels and bins of channels that have counts.
    pixels : int
        Pixels along each side of a bin.
    channels : int
        Channels of a bin.
    counts_of_bin : float
        Mean counts of a bin of pixels.
    """

    values: Array
    shape: tuple[int, int]
    pixels: int
    channels: int
    counts_of_bin: float


def binned_spectra(counts: Array, shape: tuple[int, int] | None) -> Iterator[BinnedSpectrum]:
    """Yield singular values of counts in all bins that are neither too few nor too many.

    Parameters
    ----------
    counts : ndarray, shape (n_pixels, n_channels)
    shape : tuple of int or None
        Rows and columns of the image whose pixels are the rows of ``counts``, row by row; None
        where samples have no neighbours.

    Yields
    ------
    BinnedSpectrum
        The finest bins first.
    """
    fewest = min(FEWEST, *counts.shape)
    for pixels in PIXELS if shape is not None else PIXELS[:1]:
        binned = counts if shape is None or pixels == 1 else sum_pixels(counts, shape, pixels)
        if not fewest <= binned.shape[0] <= MOST_PIXELS:
            continue
        row_sums, column_sums, gram = _weighted_gram(binned)
        n_rows = int(np.count_nonzero(row_sums))
        for channels in CHANNELS:
            n_channels = counts.shape[1] // channels
            if fewest <= n_channels <= MOST_CHANNELS:
                values = _singular_values(column_sums, gram, channels)
                mean = float(row_sums.sum()) / n_rows
                yield BinnedSpectrum(values, (n_rows, values.size), pixels, channels, mean)


def sum_pixels(counts: Array, shape: tuple[int, int], size: int) -> Array:
    """Return sums over squares of pixels; rows and columns beyond the last square are left out.

    Parameters
    ----------
    counts : ndarray, shape (n_pixels, n_channels)
    shape : tuple of int
        Rows and columns of the image.
    size : int
        Pixels along each side of a square.

    Returns
    -------
    ndarray, shape (n_squares, n_channels)
    """
    xp = xp_of(counts)
    n_rows, n_columns = shape[0] // size, shape[1] // size
    image = counts.reshape(*shape, -1)
    total = xp.zeros((n_rows, n_columns, image.shape[2]), np.float32)
    for row in range(size):
        for column in range(size):
            total += image[row : n_rows * size : size, column : n_columns * size : size]
    summed: Array = total.reshape(n_rows * n_columns, -1)
    return summed


def sum_channels(counts: Array, size: int) -> Array:
    """Return sums over neighbouring columns; those beyond the last whole bin are left out.

    Parameters
    ----------
    counts : ndarray, shape (..., n_channels)
    size : int

    Returns
    -------
    ndarray, shape (..., n_channels // size)
    """
    n_bins = counts.shape[-1] // size
    kept = counts[..., : n_bins * size]
    summed: Array = kept.reshape(*counts.shape[:-1], n_bins, size).sum(axis=-1)
    return summed


def _weighted_gram(counts: Array) -> tuple[Array, Array, Array]:
    """Return sums of rows and of columns, and the Gram matrix of rows over the root of their sums.

    Channels can be summed in the Gram matrix itself, so that one pass serves all bins of channels.
    """
    xp = xp_of(counts)
    row_sums = xp.zeros(counts.shape[0])
    column_sums = xp.zeros(counts.shape[1])
    gram = xp.zeros((counts.shape[1], counts.shape[1]))
    for rows, block in row_blocks(counts):
        row_sums[rows] = block.sum(axis=1)
        column_sums += block.sum(axis=0)
        # counts are small integers: single precision is exact but for the weights
        block = (block * xp.sqrt(inverse_of(row_sums[rows]))[:, None]).astype(np.float32)
        gram += block.T @ block
    return on_host(row_sums), on_host(column_sums), on_host(gram)


def _singular_values(column_sums: Array, gram: Array, channels: int) -> Array:
    sums = sum_channels(column_sums, channels)
    binned = sum_channels(sum_channels(gram, channels).T, channels)
    has_counts = sums > 0
    weights = np.sqrt(sums.sum() / sums[has_counts])
    scaled = binned[np.ix_(has_counts, has_counts)] * np.outer(weights, weights)
    values: Array = np.sqrt(np.maximum(np.linalg.eigvalsh(scaled)[::-1], 0))
    return values
