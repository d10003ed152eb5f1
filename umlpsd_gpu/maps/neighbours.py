"""Neighbouring pixels: their pairs, the correlation of each pair, and its mean for each pixel."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.maps.standardise import BLOCK_BYTES, row_dots, standardise

# half of the 8 neighbours, so that every pair is counted once
OFFSETS = ((0, 1), (1, -1), (1, 0), (1, 1))


def neighbour_pairs(rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return all pairs of pixels that share an edge or a corner.

    Parameters
    ----------
    rows, cols : ndarray, shape (n_pixels,), int
        Distinct pixels inside the image.
    shape : (n_rows, n_cols)
        Of the movie's images.

    Returns
    -------
    ndarray, shape (n_pairs, 2), int
        Indices of pixels, sorted by the first.
    """
    index = np.full((shape[0] + 1, shape[1] + 2), -1, dtype=np.intp)
    index[rows, cols + 1] = np.arange(rows.size)
    neighbours = [index[rows + down, cols + 1 + right] for down, right in OFFSETS]
    pairs = np.stack(
        [np.repeat(np.arange(rows.size), len(OFFSETS)), np.stack(neighbours, 1).ravel()]
    )
    return pairs[:, pairs[1] >= 0].T


def pair_correlation(values: np.ndarray, pairs: np.ndarray, detrend_frames: int = 0) -> np.ndarray:
    """Return the Pearson correlation of the two traces of each pair.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; may be mapped from a file.
    pairs : ndarray, shape (n_pairs, 2), int
        Indices of traces.
    detrend_frames : int
        See :func:`umlpsd_gpu.maps.standardise.centre`; 0 compares the raw traces.

    Returns
    -------
    ndarray, shape (n_pairs,), float64
        −1…1; NaN where one of the two traces is constant or not finite.
    """
    step = max(1, BLOCK_BYTES // (8 * values.shape[1]))
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), step):
        here = slice(start, start + step)
        traces, places = np.unique(pairs[here], return_inverse=True)
        rows = standardise(values[traces], detrend_frames)
        one, other = places.reshape(-1, 2).T
        found[here] = row_dots(rows[one], rows[other])
    return np.clip(found, -1, 1)


def neighbour_mean(pairs: np.ndarray, correlation: np.ndarray, n_pixels: int) -> np.ndarray:
    """Return the mean correlation of each pixel with its neighbours in the mask.

    Parameters
    ----------
    pairs : ndarray, shape (n_pairs, 2), int
        Indices of pixels.
    correlation : ndarray, shape (n_pairs,)
        NaN pairs are ignored.
    n_pixels : int

    Returns
    -------
    ndarray, shape (n_pixels,)
        NaN for a pixel without a defined pair.
    """
    defined = np.isfinite(correlation)
    ends = pairs[defined].T.ravel()
    total = np.bincount(ends, np.tile(correlation[defined], 2), minlength=n_pixels)
    n_defined = np.bincount(ends, minlength=n_pixels)
    means: np.ndarray = np.divide(
        total, n_defined, out=np.full(n_pixels, np.nan), where=n_defined > 0
    )
    return means
