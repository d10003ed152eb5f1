"""Movie + positions → trajectories: aperture sum minus background ring, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.special import erf

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, stretches

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

FRAMES_PER_TILE = 32  # a tile of gathered pixels stays in the cache; drift is constant within one
FEWEST_RING_PIXELS = 8
GAUSSIAN_REACH = 3.0


def aperture_reach_px(settings: TracesSettings) -> float:
    """Return the distance from the centre pixel up to which a spot is measured.

    Parameters
    ----------
    settings : TracesSettings
    """
    if settings.photometry == "box":
        return float(settings.box_radius_px)
    return GAUSSIAN_REACH * settings.psf_sigma_px


def measure_emitters(
    movie: Movie,
    rows: Array,
    cols: Array,
    settings: TracesSettings,
    drift: Array | None = None,
    others: Array | None = None,
    n_threads: int | None = None,
) -> Array:
    """Measure the intensity of every emitter in every frame, in one pass over the movie.

    ``box``: sum over a square of 2 r + 1 pixels around the sub-pixel centre (partly covered pixels
    count partly) minus the mean of the background ring times the square's area.
    ``gaussian``: least-squares amplitude of the PSF, Σ g·I / Σ g², an estimate of the spot's total
    counts. Rings leave out pixels near any spot. Every frame is computed independently in a fixed
    order: the result is the same, bit for bit, for any memory bound and number of threads.

    Parameters
    ----------
    movie : Movie
    rows, cols : ndarray, shape (n_emitters,)
        Positions in the first frame, in pixels.
    settings : TracesSettings
    drift : ndarray, shape (n_frames, 2), optional
        Displacement of the sample at each frame, in pixels, which the apertures follow.
    others : ndarray, shape (n_others, 2), optional
        Other spots that the background rings avoid.
    n_threads : int, optional
        Default: all cores.

    Returns
    -------
    ndarray, shape (n_emitters, n_frames), float64, counts
        NaN in frames in which a pixel of the emitter or its ring is NaN or infinite.

    Raises
    ------
    SettingsError
        If the background ring begins inside the box.
    TracesError
        If a position is outside the image.
    """
    spots, avoided = _stack_places(rows, cols, others)
    shape = (movie.n_rows, movie.n_cols)
    n_at_once = frames_at_once(movie, n_threads)
    at_rest = weights_at_rest(rows, cols, settings, shape, others)
    values = np.empty((len(spots), movie.n_frames))

    def measure(first: int, stop: int) -> None:
        for begin in range(first, stop, FRAMES_PER_TILE):
            end = min(begin + FRAMES_PER_TILE, stop)
            pixels, weights = at_rest
            if drift is not None:
                moved = drift[begin:end].mean(axis=0)
                pixels, weights = _make_weights(spots + moved, avoided + moved, settings, shape)
            for start in range(begin, end, n_at_once):
                frames = movie.read_frames(start, min(start + n_at_once, end))
                values[:, start : start + len(frames)] = _sum_weighted(frames, pixels, weights)

    for _ in in_order(measure, stretches(movie, FRAMES_PER_TILE), n_threads):
        pass
    values[~np.isfinite(values)] = np.nan
    return values


def weights_at_rest(
    rows: Array,
    cols: Array,
    settings: TracesSettings,
    shape: tuple[int, int],
    others: Array | None = None,
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

    Returns
    -------
    pixels : ndarray of int, shape (n_pixels,)
        In the flattened image, ascending.
    weights : csr_array, shape (n_emitters, n_pixels)

    Raises
    ------
    SettingsError
        If the background ring begins inside the box.
    TracesError
        If a position is outside the image.
    """
    _check_ring(settings)
    return _make_weights(*_stack_places(rows, cols, others), settings, shape)


def _stack_places(rows: Array, cols: Array, others: Array | None) -> tuple[Array, Array]:
    """Return the spots, and all spots that background rings avoid; shape (n, 2) each."""
    spots = np.stack([rows, cols], axis=1).astype(np.float64)
    return spots, spots if others is None else np.concatenate([spots, others])


def _sum_weighted(frames: Array, pixels: Array, weights: csr_array) -> Array:
    light = frames.reshape(len(frames), -1).take(pixels, axis=1, mode="clip")
    sums: Array = weights @ np.ascontiguousarray(light.T, dtype=np.float64)
    return sums


def _check_ring(settings: TracesSettings) -> None:
    if settings.ring_inner_px <= settings.box_radius_px:
        raise SettingsError(
            f"the background ring begins at ring_inner_px = {settings.ring_inner_px}, inside the "
            f"box of box_radius_px = {settings.box_radius_px}; make ring_inner_px larger"
        )


def _make_weights(
    spots: Array, avoided: Array, settings: TracesSettings, shape: tuple[int, int]
) -> tuple[Array, csr_array]:
    """Return weights of pixels: the aperture, minus its total spread evenly over the ring."""
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
    aperture = _weigh_aperture(rows - spots[:, :1], cols - spots[:, 1:], settings) * inside
    ring = _weigh_ring(rows, cols, spots, avoided, inside, settings)
    combined = aperture - aperture.sum(axis=1, keepdims=True) * ring
    used = combined != 0
    pixels, where = np.unique((rows * shape[1] + cols)[used], return_inverse=True)
    emitter = np.nonzero(used)[0]
    weights = csr_array((combined[used], (emitter, where)), shape=(len(spots), pixels.size))
    return pixels, weights


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
