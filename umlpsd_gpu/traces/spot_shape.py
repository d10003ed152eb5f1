"""Sub-pixel position and width of spots, all spots at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

N_CENTRING_STEPS = 12
FARTHEST_PX = 1.0


def measure_spots(image: Array, peaks: Array, settings: TracesSettings) -> tuple[Array, Array]:
    """Refine positions and measure widths by moments under a Gaussian window as wide as the PSF.

    For a Gaussian spot the windowed centroid is half as far from the window's centre as the true
    centre, and the windowed variance obeys 1/σ_w² = 1/σ_spot² + 1/σ_window² (the windowed
    parameters of SExtractor, Bertin & Arnouts 1996).

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_cols)
    peaks : ndarray of int, shape (n_spots, 2)
        Row and column of the brightest pixel of every spot.
    settings : TracesSettings

    Returns
    -------
    positions : ndarray, shape (n_spots, 2)
        Within 1 px of the peak in each direction.
    sizes_px : ndarray, shape (n_spots,)
        Standard deviation; 0 for a single pixel, infinite for a plateau.
    """
    window_px = settings.psf_sigma_px
    patches, rows, cols = _cut_patches(image, peaks, settings)
    centres = np.zeros((len(peaks), 2))
    for _ in range(N_CENTRING_STEPS):
        lag, _ = _measure_moments(patches, rows, cols, centres, window_px)
        centres = np.clip(centres + 2 * lag, -FARTHEST_PX, FARTHEST_PX)
    _, variance = _measure_moments(patches, rows, cols, centres, window_px)
    return peaks + centres, _correct_width(variance, window_px)


def _cut_patches(
    image: Array, peaks: Array, settings: TracesSettings
) -> tuple[Array, Array, Array]:
    """Return each spot's surroundings, flattened, minus the plane through its background ring.

    Level and slopes are medians, of ring pixels and of differences between mirrored ones, so that
    another spot in the ring does not tilt the plane.
    """
    reach = int(np.ceil(settings.ring_outer_px))
    rows, cols = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    padded = np.pad(image, reach, mode="symmetric")
    patches = padded[peaks[:, :1] + reach + rows, peaks[:, 1:] + reach + cols]
    ring = np.hypot(rows, cols) >= min(settings.ring_inner_px, reach)
    plane = np.median(patches[:, ring], axis=1, keepdims=True)
    squares = patches.reshape(-1, 2 * reach + 1, 2 * reach + 1)
    for flipped_axis, distance in ((1, rows), (2, cols)):
        rise = (squares - np.flip(squares, flipped_axis)).reshape(patches.shape)
        far = ring & (distance > reach / 2)
        slope = np.median(rise[:, far] / (2 * distance[far]), axis=1, keepdims=True)
        plane = plane + slope * distance
    return patches - plane, rows, cols


def _measure_moments(
    patches: Array, rows: Array, cols: Array, centres: Array, window_px: float
) -> tuple[Array, Array]:
    """Return centroid offsets (n_spots, 2) and the variance per direction (n_spots,)."""
    down, across = rows - centres[:, :1], cols - centres[:, 1:]
    squared = down**2 + across**2
    light = patches * np.exp(-squared / (2 * window_px**2))
    # noise may leave no light in a window: such a spot is not moved, and infinitely wide
    total = light.sum(axis=1)
    lit = total > 0
    safe_total = np.where(lit, total, 1.0)
    offsets = np.stack([(light * axis).sum(axis=1) / safe_total for axis in (down, across)], axis=1)
    variance = (light * squared).sum(axis=1) / safe_total / 2
    return np.where(lit[:, None], offsets, 0.0), np.where(lit, variance, np.inf)


def _correct_width(windowed_variance: Array, window_px: float) -> Array:
    widths = np.full(windowed_variance.shape, np.inf)
    narrow = windowed_variance <= 0
    widths[narrow] = 0.0
    between = ~narrow & (windowed_variance < window_px**2)
    widths[between] = (1 / windowed_variance[between] - 1 / window_px**2) ** -0.5
    return widths
