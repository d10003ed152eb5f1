"""Temporal images → isolated, diffraction-limited emitters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.images import MovieImages
from umlpsd_gpu.traces.photometry import aperture_reach_px
from umlpsd_gpu.traces.spot_shape import measure_spots

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

NOISE_TILE_PX = 64
MASKED_SNR = 4.0
N_MASKINGS = 3
# a neighbour fainter than this fraction adds less to a trace than shot noise
HARMLESS_NEIGHBOUR = 0.1
NARROWEST_RATIO = 0.4  # a weak spot in the deviation image, ∝ PSF², measures 0.7


@dataclass(frozen=True)
class Candidate:
    """The brightest spot in the images, for the message when no emitter is found.

    Attributes
    ----------
    row, col : float
        In pixels.
    snr : float
        Signal-to-noise ratio.
    """

    row: float
    col: float
    snr: float


@dataclass(frozen=True)
class Detection:
    """Emitters found in a movie.

    Attributes
    ----------
    rows, cols : ndarray, shape (n_emitters,)
        Sub-pixel positions in the first frame, by row, then column; pixel (0, 0) has its centre at
        (0.0, 0.0).
    snr : ndarray, shape (n_emitters,)
        Height in the matched-filtered image over its local noise; the higher one of both images.
    size_ratio : ndarray, shape (n_emitters,)
        Width over ``psf_sigma_px``.
    other_rows, other_cols : ndarray, shape (n_candidates − n_emitters,)
        Positions of the dropped candidates, which background rings avoid.
    dropped : dict of str to int
        Candidates dropped, by reason.
    threshold : float
        Lowest signal-to-noise ratio of an emitter.
    brightest : Candidate
    """

    rows: Array
    cols: Array
    snr: Array
    size_ratio: Array
    other_rows: Array
    other_cols: Array
    dropped: dict[str, int]
    threshold: float
    brightest: Candidate

    @property
    def n_emitters(self) -> int:
        """Return the number of emitters."""
        return self.rows.size

    @property
    def n_candidates(self) -> int:
        """Return the number of emitters and dropped candidates."""
        return self.rows.size + self.other_rows.size


def detect_emitters(images: MovieImages, settings: TracesSettings) -> Detection:
    """Find isolated spots in the temporal mean and the temporal standard deviation.

    The deviation shows emitters that are dark most of the time; so would the temporal maximum, but
    the heavy tail of its noise gives false spots (in 3 % of empty 512 × 512 movies).

    Both images are filtered with a difference of Gaussians matched to the PSF and divided by their
    own local noise (median absolute deviation in tiles), so that the threshold does not depend on
    uneven background and shot noise. Peaks above ``detection_snr`` in the larger of both are
    candidates; those are dropped whose aperture would leave the image, that are wider than
    ``max_size_ratio`` or narrower than 0.4 times ``psf_sigma_px`` (hot pixels), or that have a
    neighbour nearer than ``min_separation_px``, unless it is ten times fainter in both images.

    Parameters
    ----------
    images : MovieImages
        Pixels that are not finite are filled with the image's median.
    settings : TracesSettings

    Returns
    -------
    Detection
        May contain no emitter.
    """
    from skimage.feature import peak_local_max

    searched = [_fill_gaps(image) for image in (images.mean, np.sqrt(images.variance))]
    snr_maps = np.stack([_filter_matched(image, settings.psf_sigma_px) for image in searched])
    best_map = snr_maps.max(axis=0)
    peaks = peak_local_max(
        best_map,
        min_distance=max(1, round(settings.psf_sigma_px)),
        threshold_abs=settings.detection_snr,
        exclude_border=False,
    )
    peaks = peaks[np.lexsort((peaks[:, 1], peaks[:, 0]))]
    strengths = snr_maps[:, peaks[:, 0], peaks[:, 1]]
    positions, sizes = _measure_in_better_image(searched, strengths, peaks, settings)
    reasons = _find_reasons_to_drop(positions, sizes, strengths, images, settings)
    return _make_detection(positions, sizes, strengths, reasons, best_map, settings)


def _fill_gaps(image: Array) -> Array:
    finite = np.isfinite(image)
    if finite.all():
        return image
    return np.where(finite, image, np.median(image[finite]) if finite.any() else 0.0)


def _filter_matched(image: Array, psf_sigma_px: float) -> Array:
    filtered = ndimage.gaussian_filter(image, psf_sigma_px)
    filtered -= ndimage.gaussian_filter(image, 2 * psf_sigma_px)
    rounding = 1e-12 * float(np.abs(image).max()) + 1e-300
    snr: Array = filtered / _measure_local_noise(filtered, psf_sigma_px, rounding)
    return snr


def _measure_local_noise(filtered: Array, psf_sigma_px: float, rounding: float) -> Array:
    """Return the robust standard deviation around each pixel, at least ``rounding``.

    Spots would raise it where they are dense, so they and their surroundings are masked and it is
    measured again.
    """
    noise = np.maximum(
        _measure_tiled_sigma(filtered, np.zeros(filtered.shape, dtype=bool)), rounding
    )
    for _ in range(N_MASKINGS):
        strong = np.abs(filtered) > MASKED_SNR * noise
        near = ndimage.uniform_filter(strong.astype(np.float32), 2 * round(2 * psf_sigma_px) + 1)
        noise = np.maximum(_measure_tiled_sigma(filtered, near > 1e-6), rounding)
    return noise


def _measure_tiled_sigma(values: Array, masked: Array) -> Array:
    """Interpolate 1.4826 × the median absolute deviation of each tile's unmasked pixels."""
    from skimage.transform import resize

    n_down, n_across = (max(1, round(size / NOISE_TILE_PX)) for size in values.shape)
    clear = np.where(masked, np.nan, np.abs(values)) if not masked.all() else np.abs(values)
    tiles = np.array(
        [
            [_take_median(tile) for tile in np.array_split(band, n_across, axis=1)]
            for band in np.array_split(clear, n_down, axis=0)
        ]
    )
    tiles[np.isnan(tiles)] = _take_median(tiles)
    sigma: Array = 1.4826 * resize(tiles, values.shape, order=1, mode="edge", anti_aliasing=False)
    return sigma


def _take_median(values: Array) -> float:
    clear = values[~np.isnan(values)]
    return float(np.median(clear)) if clear.size else float("nan")


def _measure_in_better_image(
    searched: list[Array], strengths: Array, peaks: Array, settings: TracesSettings
) -> tuple[Array, Array]:
    positions = np.empty((len(peaks), 2))
    sizes = np.empty(len(peaks))
    better = strengths.argmax(axis=0)
    for i, image in enumerate(searched):
        here = better == i
        positions[here], sizes[here] = measure_spots(image, peaks[here], settings)
    return positions, sizes


def _find_reasons_to_drop(
    positions: Array,
    sizes: Array,
    strengths: Array,
    images: MovieImages,
    settings: TracesSettings,
) -> Array:
    """Return one reason per candidate, "" for those that are kept."""
    ratio = sizes / settings.psf_sigma_px
    return np.select(
        [
            _crosses_border(positions, images, settings),
            ratio > settings.max_size_ratio,
            ratio < NARROWEST_RATIO,
            _has_neighbour(positions, strengths, settings.min_separation_px),
        ],
        ["at the border", "too wide", "too narrow", "too near another"],
        default="",
    )


def _crosses_border(positions: Array, images: MovieImages, settings: TracesSettings) -> Array:
    reach_px = aperture_reach_px(settings)
    top, bottom, left, right = images.lost_px
    lowest = np.array([top, left]) + reach_px
    highest = np.array(images.mean.shape) - 1 - reach_px - np.array([bottom, right])
    crosses: Array = ((positions < lowest) | (positions > highest)).any(axis=1)
    return crosses


def _has_neighbour(positions: Array, strengths: Array, min_separation_px: float) -> Array:
    disturbed = np.zeros(len(positions), dtype=bool)
    pairs = cKDTree(positions).query_pairs(min_separation_px, output_type="ndarray")
    for one, other in (pairs.T, pairs.T[::-1]):
        matters = strengths[:, other] > HARMLESS_NEIGHBOUR * strengths[:, one]
        disturbed[one[matters.any(axis=0)]] = True
    return disturbed


def _make_detection(
    positions: Array,
    sizes: Array,
    strengths: Array,
    reasons: Array,
    best_map: Array,
    settings: TracesSettings,
) -> Detection:
    kept = np.flatnonzero(reasons == "")
    kept = kept[np.lexsort((positions[kept, 1], positions[kept, 0]))]
    others = positions[reasons != ""]
    row, col = np.unravel_index(np.argmax(best_map), best_map.shape)
    names, counts = np.unique(reasons[reasons != ""], return_counts=True)
    return Detection(
        rows=positions[kept, 0],
        cols=positions[kept, 1],
        snr=strengths[:, kept].max(axis=0, initial=0.0),
        size_ratio=sizes[kept] / settings.psf_sigma_px,
        other_rows=others[:, 0],
        other_cols=others[:, 1],
        dropped=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        threshold=settings.detection_snr,
        brightest=Candidate(float(row), float(col), float(best_map[row, col])),
    )
