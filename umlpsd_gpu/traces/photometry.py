"""Movie + positions → trajectories: aperture sum minus background ring, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.apertures import (
    NOTHING_ELSE,
    Extras,
    Weights,
    check_ring,
    make_weights,
    stack_places,
)
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, is_fast, stretches
from umlpsd_gpu.traces.unsound import Unsound

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

FRAMES_PER_TILE = 32  # a tile of gathered pixels stays in the cache; drift is constant within one
LEAST_RING = 0.25  # share of a ring's pixels that must be finite

Tile = tuple[int, int]


def measure_emitters(
    movie: Movie,
    rows: Array,
    cols: Array,
    settings: TracesSettings,
    drift: Array | None = None,
    others: Array | None = None,
    n_threads: int | None = None,
    extras: Extras = NOTHING_ELSE,
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
    extras : Extras
        What else to measure.

    Returns
    -------
    ndarray, shape (n_emitters + 2 n_moments, n_frames), float64, counts
        NaN in frames in which a pixel of the emitter, or most of its ring, is NaN or infinite.
        Then the first moments in counts · px: of all spots along rows, of all along columns.

    Raises
    ------
    SettingsError
        If the background ring begins inside the box.
    TracesError
        If a position is outside the image.
    """
    n_at_once = frames_at_once(movie, n_threads)
    shape = (movie.n_rows, movie.n_cols)
    at_rest = Photometry(shape, *stack_places(rows, cols, others), settings, extras)
    values = np.empty((at_rest.n_measured, movie.n_frames))

    def measure(first: int, stop: int) -> None:
        for begin, end in _tiles(first, stop, drift):
            here = at_rest if drift is None else at_rest.moved(drift[begin:end].mean(axis=0))
            for start in range(begin, end, n_at_once):
                stop_at = min(start + n_at_once, end)
                # no frames are held while the next are read: their memory is used again
                values[:, start:stop_at] = here.measure(movie.read_frames(start, stop_at))

    for _ in in_order(measure, stretches(movie, FRAMES_PER_TILE), n_threads):
        pass
    return values


class Photometry:
    """Measures the same spots in any frames; every frame is computed independently.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a frame.
    spots : ndarray, shape (n_spots, 2)
        Rows and columns of what is measured, in pixels.
    avoided : ndarray, shape (n_avoided, 2)
        All spots that background rings avoid, those that are measured included.
    settings : TracesSettings
    extras : Extras
        What else to measure.

    Raises
    ------
    SettingsError
        If the background ring begins inside the box.
    TracesError
        If a position is outside the image.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        spots: Array,
        avoided: Array,
        settings: TracesSettings,
        extras: Extras = NOTHING_ELSE,
    ) -> None:
        check_ring(settings)
        self._shape, self._spots, self._avoided = shape, spots, avoided
        self._settings, self._extras = settings, extras
        self._weights = make_weights(spots, avoided, settings, shape, extras)

    @property
    def n_measured(self) -> int:
        """Return the number of spots and moments."""
        return len(self._spots) + 2 * self._extras.n_moments

    def moved(self, moved_px: Array) -> Photometry:
        """Return the photometry of the same spots where the sample has moved.

        Parameters
        ----------
        moved_px : ndarray, shape (2,)
            Displacement in rows and columns.
        """
        spots, avoided = self._spots + moved_px, self._avoided + moved_px
        return Photometry(self._shape, spots, avoided, self._settings, self._extras)

    def measure(self, frames: Array) -> Array:
        """Return what is measured in some frames.

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols), counts

        Returns
        -------
        ndarray, shape (n_measured, n), float64, counts
            As `measure_emitters`.
        """
        values = _sum_weighted(frames, self._weights, self._extras, self._spots)
        values[~np.isfinite(values)] = np.nan
        return values


def _tiles(first: int, stop: int, drift: Array | None) -> list[Tile]:
    """Return tiles of frames, divided where the sample moves fast."""
    tiles = []
    for begin in range(first, stop, FRAMES_PER_TILE):
        waiting = [(begin, min(begin + FRAMES_PER_TILE, stop))]
        while waiting:
            start, end = waiting.pop()
            if drift is not None and end - start > 1 and is_fast(drift[start:end]):
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
            else:
                tiles.append((start, end))
    return tiles


def _take_centres(frames: Array, places: Array) -> Array:
    shape = frames.shape[1:]
    rows, cols = (
        np.clip(np.rint(places[:, axis]).astype(np.int64), 0, shape[axis] - 1) for axis in (0, 1)
    )
    centres: Array = frames.reshape(len(frames), -1).take(
        rows * shape[1] + cols, axis=1, mode="clip"
    )
    return centres


def _sum_weighted(frames: Array, weights: Weights, extras: Extras, places: Array) -> Array:
    """Return what is measured in some frames; (n_measured, n_frames)."""
    if extras.full_scale is not None:
        extras.full_scale.look_at(_take_centres(frames, places))
    light = _gather(frames, weights.pixels, extras.fills)
    sums: Array = weights.combined @ light
    may_miss = frames.dtype.kind == "f" or bool(extras.fills)
    if may_miss and not np.isfinite(light).all():
        return _sum_finite(light, weights, sums)
    return sums


def _gather(frames: Array, pixels: Array, fills: tuple[float, ...] = ()) -> Array:
    """Return the counts of some pixels, (n_pixels, n_frames) float64; NaN in constant areas."""
    if fills:
        constant = Unsound(fills=fills)
        frames = frames.astype(np.float64)
        for frame in frames:
            frame[constant.mark(0, frame)] = np.nan
    light = frames.reshape(len(frames), -1).take(pixels, axis=1, mode="clip")
    gathered: Array = np.ascontiguousarray(light.T, dtype=np.float64)
    return gathered


def _sum_finite(light: Array, weights: Weights, sums: Array) -> Array:
    """Return the sums again, with the rings' finite pixels where some are not."""
    finite = np.isfinite(light)
    known = np.where(finite, light, 0.0)
    missing = (~finite).astype(np.float64)
    present = [_present(part) for part in (weights.combined, weights.aperture)]
    is_touched, is_hit = (part @ missing > 0 for part in present)
    ring_share = weights.ring @ finite.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = (weights.ring @ known) / ring_share
    needs_ring = weights.area[:, None] > 0
    background = np.where(needs_ring, weights.area[:, None] * level, 0.0)
    unknown = is_hit | (needs_ring & (ring_share < LEAST_RING))
    sums = np.where(is_touched, weights.aperture @ known - background, weights.combined @ known)
    whole: Array = np.where(unknown, np.nan, sums)
    return whole


def _present(weights: csr_array) -> csr_array:
    return csr_array((np.ones_like(weights.data), weights.indices, weights.indptr), weights.shape)
