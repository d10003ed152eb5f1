"""Temporal images → isolated, diffraction-limited emitters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.apertures import aperture_reach_px
from umlpsd_gpu.traces.images import MovieImages
from umlpsd_gpu.traces.noise import fill_gaps, filter_matched
from umlpsd_gpu.traces.spot_shape import Spots, measure_spots
from umlpsd_gpu.traces.validity import find_valid, spread_invalid

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

# a neighbour fainter than this fraction adds less to a trace than shot noise
HARMLESS_NEIGHBOUR = 0.1
NARROWEST_RATIO = 0.4  # a weak spot in the deviation image, ∝ PSF², measures 0.7
# Roughness that simulated emitters stay below, 0.15 + 2 / SNR; groups of bright pixels begin at 0.8
MOST_ROUGHNESS, ROUGH_BY_NOISE = 0.15, 2.0
# Noise makes faint emitters elongated; a single pixel is narrow along both axes
FAINT_SNR, NARROWEST_FAINT = 12.0, 0.66
# The ratio of both widths that 99 % of simulated emitters stay below: 1.12 + 9 / SNR
MOST_ELONGATED, ELONGATED_BY_NOISE = 1.12, 9.0
# The shape of the PSF is that of most spots where there are as many, as bright
FEWEST_FOR_PSF, BRIGHT_SNR = 8, 20.0
# Light of a resolved neighbour nearer than this, relative to the PSF, makes a spot look elongated
RESOLVED_REACH = 5.0
AT_INVALID = "at an area that was left out"
ELONGATED = "elongated (two emitters?)"
TOO_WIDE, TOO_NARROW = SHAPES = ("too wide", "too narrow")


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


@dataclass(frozen=True)
class Candidates:
    """Spots in the images above the threshold, by row, then column.

    Attributes
    ----------
    spots : Spots
    strengths : ndarray, shape (2, n_candidates)
        Signal-to-noise ratio in mean and deviation.
    elongation : ndarray, shape (n_candidates,)
        Ratio of the widths along the principal axes, relative to the shape of most bright spots.
    reasons : ndarray of str, shape (n_candidates,)
        Why a candidate is no emitter by itself; "" for those that may be one.
    brightest : Candidate
    valid : ndarray of bool, shape (n_rows, n_cols), or None
        Pixels that were searched; None: all.
    n_lines : int
        Rows and columns of the sensor that were not, because they vary by themselves.
    """

    spots: Spots
    strengths: Array
    elongation: Array
    reasons: Array
    brightest: Candidate
    valid: Array | None
    n_lines: int

    @property
    def positions(self) -> Array:
        """Return rows and columns in pixels; shape (n_candidates, 2)."""
        return self.spots.positions

    @property
    def snr(self) -> Array:
        """Return the signal-to-noise ratio in the better image."""
        best: Array = self.strengths.max(axis=0, initial=0.0)
        return best


def detect_emitters(images: MovieImages, settings: TracesSettings) -> Detection:
    """Find isolated spots in the temporal mean and the temporal standard deviation.

    The deviation shows emitters that are dark most of the time; so would the temporal maximum, but
    the heavy tail of its noise gives false spots (in 3 % of empty 512 × 512 movies).

    Both images are filtered with a difference of Gaussians matched to the PSF and divided by their
    own local noise (median absolute deviation in tiles), so that the threshold does not depend on
    uneven background and shot noise. Only valid pixels count: those that are finite in half of the
    frames, vary in time and are not part of a sensor row or column that varies by itself. Peaks
    above ``detection_snr`` in the larger of both are candidates; those are dropped

    - whose aperture would leave the image or contain an invalid pixel,
    - that are wider than ``max_size_ratio`` times ``psf_sigma_px``,
    - that are narrower than 0.4 times that along any axis, or not smooth (hot pixels),
    - that have a neighbour nearer than ``min_separation_px``, unless it is ten times fainter in
      both images,
    - that are elongated (two emitters).

    Parameters
    ----------
    images : MovieImages
    settings : TracesSettings

    Returns
    -------
    Detection
        May contain no emitter.
    """
    return choose_emitters(find_candidates(images, settings), settings)


def find_candidates(images: MovieImages, settings: TracesSettings) -> Candidates:
    """Find spots above the threshold, and judge each by itself.

    Parameters
    ----------
    images : MovieImages
    settings : TracesSettings

    Returns
    -------
    Candidates
    """
    from skimage.feature import peak_local_max

    (valid, n_lines), psf_px = find_valid(images), settings.psf_sigma_px
    with np.errstate(invalid="ignore"):
        searched = [images.mean, np.sqrt(images.variance)]
    if valid is not None:
        searched = [fill_gaps(image, valid, psf_px) for image in searched]
    snr_maps = np.empty((len(searched), *images.mean.shape))
    for snr_map, image in zip(snr_maps, searched, strict=True):
        snr_map[:] = filter_matched(image, psf_px, valid)
    if images.sound_share is not None:  # fewer frames, more noise
        snr_maps *= np.sqrt(ndimage.minimum_filter(images.sound_share, 2 * round(2 * psf_px) + 1))
    best_map = snr_maps.max(axis=0)
    peaks = peak_local_max(
        best_map,
        min_distance=max(1, round(psf_px)),
        threshold_abs=settings.detection_snr,
        exclude_border=False,
    )
    peaks = peaks[np.lexsort((peaks[:, 1], peaks[:, 0]))]
    strengths = snr_maps[:, peaks[:, 0], peaks[:, 1]]
    del snr_maps
    spots = _measure_in_better_image(searched, strengths, peaks, settings)
    snr = strengths.max(axis=0, initial=0.0)
    row, col = np.unravel_index(np.argmax(best_map), best_map.shape)
    return Candidates(
        spots=spots,
        strengths=strengths,
        elongation=_measure_elongation(spots, snr),
        reasons=_judge_alone(spots, snr, images, valid, settings),
        brightest=Candidate(float(row), float(col), float(best_map[row, col])),
        valid=valid,
        n_lines=n_lines,
    )


def _measure_in_better_image(
    searched: list[Array], strengths: Array, peaks: Array, settings: TracesSettings
) -> Spots:
    spots = Spots.of_number(len(peaks))
    better = strengths.argmax(axis=0)
    for i, image in enumerate(searched):
        here = better == i
        spots.put(here, measure_spots(image, peaks[here], settings))
    return spots


def _measure_elongation(spots: Spots, snr: Array) -> Array:
    """Return the ratio of widths after taking away the ellipticity that most spots share."""
    wide, narrow = spots.wide_px**2, spots.narrow_px**2
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(np.isfinite(wide), (wide - narrow) / (wide + narrow), 1.0)
    size = np.nan_to_num(size)
    vectors = size[:, None] * np.stack([np.cos(2 * spots.angle), np.sin(2 * spots.angle)], axis=1)
    bright = (snr > BRIGHT_SNR) & np.isfinite(wide) & (spots.roughness < MOST_ROUGHNESS)
    if np.count_nonzero(bright) >= FEWEST_FOR_PSF:
        vectors = vectors - np.median(vectors[bright], axis=0)
    left = np.minimum(np.hypot(*vectors.T), 1.0)
    with np.errstate(divide="ignore"):
        ratio: Array = np.sqrt((1 + left) / (1 - left))
    return ratio


def _judge_alone(
    spots: Spots, snr: Array, images: MovieImages, valid: Array | None, settings: TracesSettings
) -> Array:
    """Return a reason to drop each candidate whatever its neighbours are; "" for none."""
    ratio = spots.sizes_px / settings.psf_sigma_px
    is_narrow = spots.narrow_px < NARROWEST_RATIO * settings.psf_sigma_px
    is_narrow |= (snr < FAINT_SNR) & (spots.wide_px < NARROWEST_FAINT * settings.psf_sigma_px)
    is_rough = spots.roughness > MOST_ROUGHNESS + ROUGH_BY_NOISE / np.maximum(snr, 1e-300)
    return np.select(
        [
            _crosses_border(spots.positions, images, settings),
            _crosses_invalid(spots.positions, valid, settings),
            ratio > settings.max_size_ratio,
            is_narrow | is_rough,
        ],
        ["at the border", AT_INVALID, TOO_WIDE, TOO_NARROW],
        default="",
    )


def _crosses_border(positions: Array, images: MovieImages, settings: TracesSettings) -> Array:
    reach_px = aperture_reach_px(settings)
    top, bottom, left, right = images.lost_px
    lowest = np.array([top, left]) + reach_px
    highest = np.array(images.mean.shape) - 1 - reach_px - np.array([bottom, right])
    crosses: Array = ((positions < lowest) | (positions > highest)).any(axis=1)
    return crosses


def _crosses_invalid(positions: Array, valid: Array | None, settings: TracesSettings) -> Array:
    if valid is None:
        return np.zeros(len(positions), bool)
    near = spread_invalid(valid, max(aperture_reach_px(settings), 2 * settings.psf_sigma_px))
    rows, cols = np.rint(positions).astype(np.int64).T
    highest_row, highest_col = (size - 1 for size in valid.shape)
    crosses: Array = near[np.clip(rows, 0, highest_row), np.clip(cols, 0, highest_col)]
    return crosses


def _has_neighbour(positions: Array, strengths: Array, min_separation_px: float) -> Array:
    disturbed = np.zeros(len(positions), dtype=bool)
    pairs = cKDTree(positions).query_pairs(min_separation_px, output_type="ndarray")
    for one, other in (pairs.T, pairs.T[::-1]):
        matters = strengths[:, other] > HARMLESS_NEIGHBOUR * strengths[:, one]
        disturbed[one[matters.any(axis=0)]] = True
    return disturbed


def choose_emitters(
    candidates: Candidates, settings: TracesSettings, known_reasons: Array | None = None
) -> Detection:
    """Drop candidates that have a neighbour or are elongated, and those with a known reason.

    Parameters
    ----------
    candidates : Candidates
    settings : TracesSettings
    known_reasons : ndarray of str, shape (n_candidates,), optional
        From elsewhere; "" for none.

    Returns
    -------
    Detection
    """
    positions, snr = candidates.positions, candidates.snr
    limit = MOST_ELONGATED + ELONGATED_BY_NOISE / np.maximum(snr, 1e-300)
    # a spot that is seen by itself, and allowed to be near, is not taken for half of a pair
    near_px = RESOLVED_REACH * settings.psf_sigma_px
    is_whole = ~_has_neighbour(positions, candidates.strengths, near_px)
    known = np.full(len(snr), "") if known_reasons is None else known_reasons
    reasons = np.select(
        [
            candidates.reasons != "",
            _has_neighbour(positions, candidates.strengths, settings.min_separation_px),
            is_whole & ((candidates.elongation > limit) | (known == ELONGATED)),
            (known != "") & (known != ELONGATED),
        ],
        [
            candidates.reasons,
            "too near another",
            ELONGATED,
            known,
        ],
        default="",
    )
    kept = np.flatnonzero(reasons == "")
    kept = kept[np.lexsort((positions[kept, 1], positions[kept, 0]))]
    others = positions[reasons != ""]
    names, counts = np.unique(reasons[reasons != ""], return_counts=True)
    return Detection(
        rows=positions[kept, 0],
        cols=positions[kept, 1],
        snr=snr[kept],
        size_ratio=candidates.spots.sizes_px[kept] / settings.psf_sigma_px,
        other_rows=others[:, 0],
        other_cols=others[:, 1],
        dropped=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        threshold=settings.detection_snr,
        brightest=candidates.brightest,
    )
