"""Sub-pixel position, widths and smoothness of spots, all spots at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

N_CENTRING_STEPS = 12
FARTHEST_PX = 1.0
# Widths of the Gaussian a spot is compared with, and the radius within which, relative to the PSF.
# Narrower ones could follow single pixels.
NARROWEST_MODEL, WIDEST_MODEL, MODEL_RADIUS = 0.68, 3.0, 2.5


@dataclass(frozen=True)
class Spots:
    """Shapes of spots.

    Attributes
    ----------
    positions : ndarray, shape (n_spots, 2)
        Rows and columns in pixels, within 1 px of the peak in each direction.
    sizes_px : ndarray, shape (n_spots,)
        Standard deviation, averaged over directions; 0 for a single pixel, infinite for a plateau.
    narrow_px, wide_px : ndarray, shape (n_spots,)
        Standard deviations along the principal axes.
    angle : ndarray, shape (n_spots,)
        Of the wide axis, from the rows' axis towards the columns', in radians.
    roughness : ndarray, shape (n_spots,)
        What a smooth spot of these widths leaves unexplained, less the noise, relative to what it
        explains: about 0 for the image of an emitter, above 0.8 for single pixels.
    """

    positions: Array
    sizes_px: Array
    narrow_px: Array
    wide_px: Array
    angle: Array
    roughness: Array

    @classmethod
    def of_number(cls, n_spots: int) -> Spots:
        """Return room for some spots.

        Parameters
        ----------
        n_spots : int
        """
        return cls(np.empty((n_spots, 2)), *np.empty((5, n_spots)))

    def put(self, where: Array, spots: Spots) -> None:
        """Copy the shapes of some spots here.

        Parameters
        ----------
        where : ndarray of bool
        spots : Spots
        """
        for own, theirs in zip(vars(self).values(), vars(spots).values(), strict=True):
            own[where] = theirs


def measure_spots(image: Array, peaks: Array, settings: TracesSettings) -> Spots:
    """Refine positions and measure widths by moments under a Gaussian window as wide as the PSF.

    For a Gaussian spot the windowed centroid is half as far from the window's centre as the true
    centre, and the windowed variance obeys 1/σ_w² = 1/σ_spot² + 1/σ_window² (the windowed
    parameters of SExtractor, Bertin & Arnouts 1996), along each principal axis.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_cols)
    peaks : ndarray of int, shape (n_spots, 2)
        Row and column of the brightest pixel of every spot.
    settings : TracesSettings

    Returns
    -------
    Spots
    """
    window_px = settings.psf_sigma_px
    patches, rows, cols = _cut_patches(image, peaks, settings)
    centres = np.zeros((len(peaks), 2))
    for _ in range(N_CENTRING_STEPS):
        lag, _ = _measure_moments(patches, rows, cols, centres, window_px)
        centres = np.clip(centres + 2 * lag, -FARTHEST_PX, FARTHEST_PX)
    _, variance = _measure_moments(patches, rows, cols, centres, window_px)
    wide, narrow, angle = _measure_axes(patches, rows, cols, centres, window_px)
    roughness = _measure_roughness(
        patches, rows - centres[:, :1], cols - centres[:, 1:], (wide, narrow, angle), window_px
    )
    sizes_px = _correct_width(variance, window_px)
    return Spots(peaks + centres, sizes_px, narrow, wide, angle, roughness)


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


def _measure_axes(
    patches: Array, rows: Array, cols: Array, centres: Array, window_px: float
) -> tuple[Array, Array, Array]:
    """Return the standard deviations along the principal axes, and the angle of the wide one."""
    down, across = rows - centres[:, :1], cols - centres[:, 1:]
    light = patches * np.exp(-(down**2 + across**2) / (2 * window_px**2))
    total = light.sum(axis=1)
    safe_total = np.where(total > 0, total, np.nan)
    of_rows, mixed, of_cols = (
        (light * product).sum(axis=1) / safe_total
        for product in (down * down, down * across, across * across)
    )
    middle, half_gap = (of_rows + of_cols) / 2, np.hypot((of_rows - of_cols) / 2, mixed)
    with np.errstate(invalid="ignore"):
        wide, narrow = (
            _correct_width(np.where(total > 0, variance, np.inf), window_px)
            for variance in (middle + half_gap, middle - half_gap)
        )
    return wide, narrow, np.nan_to_num(np.arctan2(2 * mixed, of_rows - of_cols) / 2)


def _measure_roughness(
    patches: Array, down: Array, across: Array, axes: tuple[Array, Array, Array], window_px: float
) -> Array:
    """Return the unexplained part of each spot; see `Spots`."""
    wide, narrow = (
        np.clip(axis, NARROWEST_MODEL * window_px, WIDEST_MODEL * window_px)[:, None]
        for axis in axes[:2]
    )
    cosine, sine = np.cos(axes[2])[:, None], np.sin(axes[2])[:, None]
    along, beside = down * cosine + across * sine, across * cosine - down * sine
    model = np.exp(-((along / wide) ** 2 + (beside / narrow) ** 2) / 2)
    distance_px = np.hypot(down, across)
    model *= distance_px <= MODEL_RADIUS * window_px
    inside = model > 0
    height = (model * patches).sum(axis=1) / (model**2).sum(axis=1)
    left = np.where(inside, patches - height[:, None] * model, 0.0)
    far = np.where(inside, np.nan, np.abs(patches))
    noise = 1.4826 * np.nanmedian(far, axis=1)
    unexplained = (left**2).sum(axis=1) - inside.sum(axis=1) * noise**2
    explained = height**2 * (model**2).sum(axis=1)
    roughness: Array = unexplained / np.maximum(explained, 1e-300)
    return roughness


def _correct_width(windowed_variance: Array, window_px: float) -> Array:
    widths = np.full(windowed_variance.shape, np.inf)
    narrow = windowed_variance <= 0
    widths[narrow] = 0.0
    between = ~narrow & (windowed_variance < window_px**2)
    widths[between] = (1 / windowed_variance[between] - 1 / window_px**2) ** -0.5
    return widths
