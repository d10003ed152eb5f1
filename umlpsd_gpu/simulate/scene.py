"""Positions of simulated emitters and the distribution of their light over the pixels."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.special import erf

from umlpsd_gpu.errors import SettingsError

TRIALS_PER_SPOT = 5_000


def place_spots(
    rng: np.random.Generator, shape: tuple[int, int], separations_px: np.ndarray, edge_px: float
) -> np.ndarray:
    """Draw random positions that keep a minimum distance from each other.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (n_rows, n_cols)
        Of the image.
    separations_px : ndarray, shape (n,), px
        Minimum distance of each spot from all others; for two spots, the larger value applies.
    edge_px : float
        Minimum distance from the outermost pixel centres, px.

    Returns
    -------
    ndarray, shape (n, 2), px
        Rows and columns.

    Raises
    ------
    SettingsError
        If there is not enough room.
    """
    placed = np.empty((0, 2))
    high = np.array(shape) - 1 - edge_px
    for i, separation_px in enumerate(separations_px):
        free_px = np.maximum(separation_px, separations_px[:i])
        trial = _first_free_trial(rng, placed, free_px, edge_px, high)
        if trial is None:
            raise SettingsError(
                f"only {i} of {len(separations_px)} spots fit into {shape[0]} × {shape[1]} pixels "
                f"at a distance of {separation_px:g} px; choose fewer spots, a smaller "
                "min_separation_px, or a larger image"
            )
        placed = np.vstack([placed, trial])
    return placed


def _first_free_trial(
    rng: np.random.Generator,
    placed: np.ndarray,
    free_px: np.ndarray,
    edge_px: float,
    high: np.ndarray,
) -> np.ndarray | None:
    if (high < edge_px).any():
        return None
    for _ in range(TRIALS_PER_SPOT):
        trial = rng.uniform(edge_px, high)
        if (np.hypot(*(placed - trial).T) >= free_px).all():
            return trial
    return None


def spot_images(positions: np.ndarray, sigmas_px: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """Return the share of each spot's light in every pixel: a Gaussian integrated over pixels.

    Parameters
    ----------
    positions : ndarray, shape (n_spots, 2), px
        Rows and columns.
    sigmas_px : ndarray, shape (n_spots,), px
        Standard deviations.
    shape : (n_rows, n_cols)
        Of the image.

    Returns
    -------
    scipy.sparse.csr_array, shape (n_spots, n_rows · n_cols)
        Rows add up to 1, less the light outside the image or beyond 5 σ.
    """
    n_rows, n_cols = shape
    images = []
    for (row, col), sigma_px in zip(positions, sigmas_px, strict=True):
        rows, row_share = _pixel_shares(row, sigma_px, n_rows)
        cols, col_share = _pixel_shares(col, sigma_px, n_cols)
        pixels = (rows[:, None] * n_cols + cols).ravel()
        images.append((pixels, np.outer(row_share, col_share).ravel()))
    offsets = np.cumsum([0, *(pixels.size for pixels, _ in images)])
    pixels = np.concatenate([pixels for pixels, _ in images] or [np.empty(0, dtype=np.int64)])
    shares = np.concatenate([shares for _, shares in images] or [np.empty(0)])
    return csr_array((shares, pixels, offsets), shape=(len(images), n_rows * n_cols))


def _pixel_shares(centre: float, sigma_px: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    reach_px = 5 * sigma_px
    first = max(0, int(np.floor(centre - reach_px)))
    last = min(size - 1, int(np.ceil(centre + reach_px)))
    edges = np.arange(first, last + 2) - 0.5
    cumulative = erf((edges - centre) / (np.sqrt(2) * sigma_px)) / 2
    return np.arange(first, last + 1), np.diff(cumulative)
