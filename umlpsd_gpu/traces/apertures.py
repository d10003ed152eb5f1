"""Positions of emitters → the weights of pixels that give their intensities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.special import erf

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.traces.saturation import FullScale

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

FEWEST_RING_PIXELS = 8
GAUSSIAN_REACH = 3.0


@dataclass(frozen=True)
class Extras:
    """What else photometry takes into account and measures.

    Attributes
    ----------
    valid : ndarray of bool, shape (n_rows, n_cols), optional
        Pixels that rings may use. Default: all.
    moments_of : ndarray of int, optional
        Spots whose first moments along rows and columns are measured, too.
    fills : tuple of float
        Values of constant areas that come and go, which count as NaN.
    full_scale : FullScale, optional
        Takes note of the counts at the centre of each spot.
    """

    valid: Array | None = None
    moments_of: Array | None = None
    fills: tuple[float, ...] = ()
    full_scale: FullScale | None = None

    @property
    def n_moments(self) -> int:
        """Return how many spots' moments are measured."""
        return 0 if self.moments_of is None else len(self.moments_of)


NOTHING_ELSE = Extras()


def aperture_reach_px(settings: TracesSettings) -> float:
    """Return the distance from the centre pixel up to which a spot is measured.

    Parameters
    ----------
    settings : TracesSettings
    """
    if settings.photometry == "box":
        return float(settings.box_radius_px)
    return GAUSSIAN_REACH * settings.psf_sigma_px


@dataclass(frozen=True)
class Weights:
    """Weights of pixels, a row for each thing that is measured.

    Attributes
    ----------
    pixels : ndarray of int, shape (n_pixels,)
        In the flattened image, ascending.
    combined : csr_array, shape (n_measured, n_pixels)
        The aperture, minus its total spread evenly over the ring.
    """

    pixels: Array
    combined: csr_array
    _parts: tuple[Array, Array, Array, Array]  # aperture, ring, row of each weight, its column

    @property
    def aperture(self) -> csr_array:
        """Return the weights without background."""
        return self._of(self._parts[0])

    @property
    def ring(self) -> csr_array:
        """Return the weights of the background, of sum 1 in each row that has one."""
        return self._of(self._parts[1])

    @property
    def area(self) -> Array:
        """Return by what the background is multiplied; shape (n_measured,)."""
        has_ring = np.asarray(self.ring.sum(axis=1)) > 0
        area: Array = np.where(has_ring, np.asarray(self.aperture.sum(axis=1)), 0.0)
        return area

    def _of(self, weights: Array) -> csr_array:
        used = weights != 0
        where = (self._parts[2][used], self._parts[3][used])
        return csr_array((weights[used], where), shape=self.combined.shape)


def weights_at_rest(
    rows: Array,
    cols: Array,
    settings: TracesSettings,
    shape: tuple[int, int],
    others: Array | None = None,
    extras: Extras = NOTHING_ELSE,
) -> tuple[Array, csr_array]:
    """Return the pixels of all apertures and rings, and the weights that give intensities.

    Parameters
    ----------
    rows, cols, settings
        As for `measure_emitters`.
    shape : (int, int)
        Rows and columns of the image.
    others : ndarray, shape (n_others, 2), optional
        Other spots that the background rings avoid.
    extras : Extras
        What else to measure.

    Returns
    -------
    pixels : ndarray of int, shape (n_pixels,)
        In the flattened image, ascending.
    weights : csr_array, shape (n_emitters + 2 n_moments, n_pixels)

    Raises
    ------
    SettingsError
        If the background ring begins inside the box.
    TracesError
        If a position is outside the image.
    """
    check_ring(settings)
    weights = make_weights(*stack_places(rows, cols, others), settings, shape, extras)
    return weights.pixels, weights.combined


def stack_places(rows: Array, cols: Array, others: Array | None) -> tuple[Array, Array]:
    """Return the spots, and all spots that background rings avoid; shape (n, 2) each.

    Parameters
    ----------
    rows, cols : ndarray, shape (n_emitters,)
    others : ndarray, shape (n_others, 2), or None
    """
    spots = np.stack([rows, cols], axis=1).astype(np.float64)
    return spots, spots if others is None else np.concatenate([spots, others])


def check_ring(settings: TracesSettings) -> None:
    """Raise SettingsError if the background ring begins inside the box.

    Parameters
    ----------
    settings : TracesSettings
    """
    if settings.ring_inner_px <= settings.box_radius_px:
        raise SettingsError(
            f"the background ring begins at ring_inner_px = {settings.ring_inner_px}, inside the "
            f"box of box_radius_px = {settings.box_radius_px}; make ring_inner_px larger"
        )


def make_weights(
    spots: Array,
    avoided: Array,
    settings: TracesSettings,
    shape: tuple[int, int],
    extras: Extras = NOTHING_ELSE,
) -> Weights:
    """Return weights of pixels: the aperture, minus its total spread evenly over the ring.

    Parameters
    ----------
    spots, avoided : ndarray, shape (n, 2)
        Positions, and those that rings avoid.
    settings : TracesSettings
    shape : (int, int)
        Rows and columns of the image.
    extras : Extras
        What else to measure.

    Returns
    -------
    Weights

    Raises
    ------
    TracesError
        If a position is outside the image.
    """
    reach = int(np.ceil(max(settings.ring_outer_px, aperture_reach_px(settings)))) + 1
    centres = np.rint(spots).astype(np.int64)
    down, across = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    rows, cols = centres[:, :1] + down, centres[:, 1:] + across
    inside = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
    if not inside[:, down.size // 2].all():
        raise TracesError(
            f"an emitter is outside the image of {shape[0]} × {shape[1]} pixels "
            "(rows and cols count from 0; drift included)"
        )
    offsets = rows - spots[:, :1], cols - spots[:, 1:]
    aperture = _weigh_aperture(*offsets, settings) * inside
    in_ring = inside
    if extras.valid is not None:
        row, col = (
            np.clip(axis, 0, size - 1) for axis, size in zip((rows, cols), shape, strict=True)
        )
        in_ring = inside & extras.valid[row, col]
    ring = _weigh_ring(rows, cols, spots, avoided, in_ring, settings)
    combined = aperture - aperture.sum(axis=1, keepdims=True) * ring
    places = rows * shape[1] + cols
    if extras.moments_of is not None and len(extras.moments_of):
        chosen = extras.moments_of
        down, across = (axis[chosen] for axis in offsets)
        moments = _weigh_moments(down, across, inside[chosen], settings)
        aperture, combined = np.vstack([aperture, moments]), np.vstack([combined, moments])
        ring = np.vstack([ring, np.zeros_like(moments)])
        places = np.vstack([places, places[chosen], places[chosen]])
    used = combined != 0
    pixels, where = np.unique(places[used], return_inverse=True)
    measured = np.nonzero(used)[0]
    weights = csr_array((combined[used], (measured, where)), shape=(len(places), pixels.size))
    return Weights(pixels, weights, (aperture[used], ring[used], measured, where))


def _weigh_moments(down: Array, across: Array, inside: Array, settings: TracesSettings) -> Array:
    """Return weights of first moments: along rows of all spots, then along columns of all."""
    sigma_px = settings.psf_sigma_px
    window = inside * np.exp(-(down**2 + across**2) / (2 * sigma_px**2))
    window *= np.hypot(down, across) <= GAUSSIAN_REACH * sigma_px
    moments = [
        window
        * (axis - (window * axis).sum(axis=1, keepdims=True) / window.sum(axis=1, keepdims=True))
        for axis in (down, across)
    ]
    return np.vstack(moments)


def _weigh_aperture(down: Array, across: Array, settings: TracesSettings) -> Array:
    """Return the weight of pixels at these distances from the spot's centre."""
    if settings.photometry == "box":
        covered = [np.clip(settings.box_radius_px + 1 - np.abs(d), 0, 1) for d in (down, across)]
        box: Array = covered[0] * covered[1]
        return box
    reach_px = aperture_reach_px(settings) + 0.5
    scale = np.sqrt(2) * settings.psf_sigma_px
    shares = [(erf((d + 0.5) / scale) - erf((d - 0.5) / scale)) / 2 for d in (down, across)]
    psf = shares[0] * shares[1] * (np.maximum(np.abs(down), np.abs(across)) <= reach_px)
    weights: Array = psf / (psf**2).sum(axis=1, keepdims=True)
    return weights


def _weigh_ring(
    rows: Array,
    cols: Array,
    spots: Array,
    avoided: Array,
    inside: Array,
    settings: TracesSettings,
) -> Array:
    """Return each ring's weights, of sum 1; a ring full of spots keeps all its pixels."""
    from scipy.spatial import cKDTree

    distance = np.hypot(rows - spots[:, :1], cols - spots[:, 1:])
    whole = inside & (distance >= settings.ring_inner_px) & (distance <= settings.ring_outer_px)
    spot_radius_px = min(GAUSSIAN_REACH * settings.psf_sigma_px, settings.ring_inner_px)
    places = np.stack([rows[whole], cols[whole]], axis=1)
    nearest_px, _ = cKDTree(avoided).query(places, distance_upper_bound=spot_radius_px)
    clear = whole.copy()
    clear[whole] = nearest_px >= spot_radius_px
    crowded = clear.sum(axis=1) < FEWEST_RING_PIXELS
    clear[crowded] = whole[crowded]
    ring: Array = clear / np.maximum(clear.sum(axis=1, keepdims=True), 1)
    return ring
