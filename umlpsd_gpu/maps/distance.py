"""Pearson correlation of two pixels as a function of their distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class DistanceProfile:
    """Mean correlation of all pairs of pixels at each distance.

    Attributes
    ----------
    distance_px : ndarray, shape (n_bins,), px
        Distances rounded to whole pixels, without those that do not occur.
    correlation_mean, correlation_stderr : ndarray, shape (n_bins,)
        Standard error: sample standard deviation / √n, NaN for one pair. It is a lower bound
        because pairs share pixels.
    n_pairs : ndarray, shape (n_bins,), int
    """

    distance_px: np.ndarray
    correlation_mean: np.ndarray
    correlation_stderr: np.ndarray
    n_pairs: np.ndarray


def correlation_against_distance(
    matrix: np.ndarray, rows: np.ndarray, cols: np.ndarray
) -> DistanceProfile:
    """Average the correlations of all pairs by distance.

    Parameters
    ----------
    matrix : ndarray, shape (n_pixels, n_pixels)
        Pearson correlations; pairs that are NaN are ignored.
    rows, cols : ndarray, shape (n_pixels,), px
        Positions of the pixels.

    Returns
    -------
    DistanceProfile
    """
    n_bins = int(np.ceil(np.hypot(np.ptp(rows), np.ptp(cols)))) + 2
    n_pairs, total, squares = np.zeros(n_bins, dtype=np.int64), *np.zeros((2, n_bins))
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        here = slice(start, start + ROWS_AT_ONCE)
        distance = np.hypot(rows[here, None] - rows, cols[here, None] - cols)
        counted = np.triu(np.isfinite(matrix[here]), start + 1)
        place = np.rint(distance[counted]).astype(np.intp)
        correlation = matrix[here][counted].astype(np.float64)
        n_pairs += np.bincount(place, minlength=n_bins)
        total += np.bincount(place, correlation, minlength=n_bins)
        squares += np.bincount(place, correlation**2, minlength=n_bins)
    return _profile(n_pairs, total, squares)


def _profile(n_pairs: np.ndarray, total: np.ndarray, squares: np.ndarray) -> DistanceProfile:
    (found,) = np.nonzero(n_pairs)
    n_pairs, total, squares = n_pairs[found], total[found], squares[found]
    mean = total / n_pairs
    several = n_pairs > 1
    variance = np.full(found.size, np.nan)
    np.divide(np.maximum(squares - total * mean, 0), n_pairs - 1, out=variance, where=several)
    return DistanceProfile(found.astype(np.float64), mean, np.sqrt(variance / n_pairs), n_pairs)
