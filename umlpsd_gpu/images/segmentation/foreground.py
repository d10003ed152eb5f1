"""What belongs to particles: a threshold at half the local contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from umlpsd_gpu.images.segmentation.background import Flattened, enlarge, reduce_mean

# Standard deviation of the smoothing: this over the contrast-to-noise ratio, in pixels, within
# these limits; the second is a share of the particle size
SMOOTHING, LEAST_SMOOTHING_PX, MOST_SMOOTHING = 4.0, 0.7, 0.07
# What is less than this many standard deviations of the smoothed noise, or less than this share of
# the typical contrast, is background
LEAST_DEVIATION, LEAST_CONTRAST = 4.0, 0.12
# Particles are faint below this share of the typical contrast, and smoothed as this share needs
FAINT_LIMIT, FAINT_SHARE = 0.5, 0.25
# Arms of dark particles are no longer than this share of the particle size
REACH_SHARE = 0.25
# Blocks in which contrasts are compared are this share of the particle size wide
BLOCK_SHARE = 1 / 10
# Holes in particles are smaller than this share of a circle of the particle size
MOST_HOLE = 0.02
# Groups with less area than this share of a circle of the particle size are no particles
LEAST_AREA = 0.08
# The step at the edge of a particle is at least this share of its contrast
LEAST_STEP = 0.5
EIGHT = np.ones((3, 3), dtype=bool)
# Half the contrast is where the outline is, whatever the blur
HALF = 0.5


@dataclass(frozen=True)
class Foreground:
    """Pixels of particles.

    Attributes
    ----------
    mask : ndarray of bool, shape (n_rows, n_columns)
    smoothed : ndarray of float32, shape (n_rows, n_columns)
        The flattened image, smoothed as its noise demands.
    level : ndarray of float32, shape (n_rows, n_columns)
        Contrast of the particles nearby.
    least : float
        Contrast below which all is background.
    smoothing_px : float
        Standard deviation of the smoothing.
    contrast : float
        Typical contrast of particles.
    noise_area_px : float
        Pixels over which the noise is correlated; 1 for white noise.
    """

    mask: np.ndarray
    smoothed: np.ndarray
    level: np.ndarray
    least: float
    smoothing_px: float
    contrast: float
    noise_area_px: float = 1.0


def find_foreground(flat: Flattened, is_annotated: np.ndarray, size_px: float) -> Foreground:
    """Find the pixels of particles.

    Parameters
    ----------
    flat : Flattened
    is_annotated : ndarray of bool, shape (n_rows, n_columns)
    size_px : float
        Of the particles.

    Returns
    -------
    Foreground
    """
    contrast = _typical_contrast(flat.values, flat.noise, size_px)
    sharp_px = _smoothing(flat.noise, contrast, size_px)
    faint_px = _smoothing(flat.noise, FAINT_SHARE * contrast, size_px)
    smoothed = ndimage.gaussian_filter(flat.values, sharp_px)
    blurred = ndimage.gaussian_filter(flat.values, faint_px)
    level = _local_level(blurred, size_px)
    # faint particles need more smoothing than the dark ones beside them
    reach = 2 * round(REACH_SHARE * size_px) + 1
    is_faint = ndimage.maximum_filter(level, reach) < FAINT_LIMIT * contrast
    smoothed = np.where(is_faint, blurred, smoothed)
    # negative values are background alone
    negative = blurred[(blurred < 0) & ~is_annotated]
    noise = float(1.4826 * np.median(-negative)) if negative.size else 0.0
    least = max(LEAST_DEVIATION * noise, LEAST_CONTRAST * contrast)
    mask = smoothed > np.maximum(HALF * level, least)
    mask = _drop_specks(_fill_holes(mask & ~is_annotated, size_px), size_px)
    # smoothing reduces white noise by the square root of this area
    area = 4 * np.pi * faint_px**2
    noise_area_px = max(1.0, area * (noise / flat.noise) ** 2) if flat.noise > 0 else 1.0
    return Foreground(mask, smoothed, level, least, sharp_px, contrast, noise_area_px)


def _smoothing(noise: float, contrast: float, size_px: float) -> float:
    sigma = SMOOTHING * noise / max(contrast, 1e-9)
    return max(min(sigma, MOST_SMOOTHING * size_px), LEAST_SMOOTHING_PX)


def _typical_contrast(values: np.ndarray, noise: float, size_px: float) -> float:
    """Return the median of what stands out in blocks that are small against particles."""
    step = max(1, round(size_px / 6))
    small = reduce_mean(values, step)
    limit = 4.0 * noise / step
    high = small[small > max(limit, 0.3 * float(np.percentile(small, 99.5)))]
    return float(np.median(high)) if high.size else float(values.max(initial=0.0))


def _local_level(smoothed: np.ndarray, size_px: float) -> np.ndarray:
    """Return the contrast of particles nearby; a small dark spot such as an overlap has no say."""
    step = max(1, round(BLOCK_SHARE * size_px))
    small = reduce_mean(smoothed, step)
    opened = ndimage.grey_opening(small, size=(3, 3))
    spread = ndimage.grey_dilation(opened, footprint=ndimage.generate_binary_structure(2, 1))
    return enlarge(ndimage.uniform_filter(spread, 3), step, smoothed.shape)


def _fill_holes(mask: np.ndarray, size_px: float) -> np.ndarray:
    labels, _ = ndimage.label(~mask)
    sizes = np.bincount(labels.ravel())
    is_hole = sizes < MOST_HOLE * np.pi / 4 * size_px**2
    is_hole[0] = False
    filled: np.ndarray = mask | is_hole[labels]
    return filled


def has_steps(groups: np.ndarray, values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return which groups end in a step; hills of the background slope gently.

    Parameters
    ----------
    groups : ndarray of int, shape (n_rows, n_columns)
        From 1; 0: background.
    values, level : ndarray of float32, shape (n_rows, n_columns)
        The flattened image, and the contrast of particles.

    Returns
    -------
    ndarray of bool, shape (n_groups + 1,)
        False for the background; True for what is enclosed by other groups.
    """
    n = int(groups.max()) + 1
    mask = groups > 0
    inner = mask & ~ndimage.binary_erosion(mask, EIGHT, iterations=3, border_value=1)
    inner &= ndimage.binary_erosion(mask, EIGHT, border_value=1)
    owners = ndimage.maximum_filter(groups, 7)
    # 0: annotated, no background
    outer = (owners > 0) & ~ndimage.binary_dilation(mask, EIGHT) & (values != 0)
    n_inner = np.bincount(groups[inner], minlength=n)
    n_outer = np.bincount(owners[outer], minlength=n)
    means = [
        np.bincount(numbers, weights=field, minlength=n) / np.maximum(count, 1)
        for numbers, field, count in (
            (groups[inner], values[inner], n_inner),
            (owners[outer], values[outer], n_outer),
            (groups[inner], level[inner], n_inner),
        )
    ]
    found: np.ndarray = (means[0] - means[1] >= LEAST_STEP * means[2]) | (n_inner == 0)
    found[0] = False
    return found


def _drop_specks(mask: np.ndarray, size_px: float) -> np.ndarray:
    labels, _ = ndimage.label(mask)
    is_large = np.bincount(labels.ravel()) >= LEAST_AREA * np.pi / 4 * size_px**2
    is_large[0] = False
    kept: np.ndarray = is_large[labels]
    return kept
