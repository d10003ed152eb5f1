"""The size of the particles of an image, before they are told apart."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from umlpsd_gpu.images.segmentation.background import SIGNS, Polarity, reduce_mean

# Sides of the reduced images in which particles are sought: faint particles need coarse pixels
REDUCED_SIDES = (512, 256, 128)
# Particles narrower than this in a reduced image are measured in the full one
FEWEST_REDUCED_PX = 6.0
# A reduced image will do if the contrast of particles is this many times its noise
ENOUGH_CONTRAST = 4.0
# Diameter of the circle of the same area over that of the inscribed circle: 1.1…1.2 for ellipses,
# polygons and stars of the simulated images
INSCRIBED = 1.15
# Particles are at least this many pixels wide
SMALLEST_PX = 4.0
# Blobs are sought in an image of this side, at standard deviations of the filter in these limits
BLOB_SIDE, BLOB_SIGMAS_PX = 512, (1.5, 40.0, 14)
# Responses below this share of the largest are rounding
LEAST_RESPONSE = 1e-3
EIGHT = np.ones((3, 3), dtype=bool)


def estimate_size(flat: np.ndarray) -> float:
    """Estimate the diameter of the particles of an image, from the widths of what stands out.

    Parameters
    ----------
    flat : ndarray of float32, shape (n_rows, n_columns)
        The image less its background; particles are positive.

    Returns
    -------
    float
        Pixels. From the diameters of inscribed circles, the median over their area; touching
        particles hardly change it.
    """
    for side in REDUCED_SIDES:
        step = max(1, min(flat.shape) // side)
        found, is_clear = _width_in(reduce_mean(flat, step))
        if is_clear:
            if step > 1 and found < FEWEST_REDUCED_PX:
                found, step = _width_in(ndimage.gaussian_filter(flat, 1.0))[0], 1
            break
    return max(float(INSCRIBED * step * found), SMALLEST_PX)


def size_of_blobs(image: np.ndarray, polarity: Polarity) -> float:
    """Estimate the diameter of particles on a support that is more contrasted than they are.

    Parameters
    ----------
    image : ndarray of float32, shape (n_rows, n_columns)
    polarity : {"dark", "bright"}
        Of the particles.

    Returns
    -------
    float
        Pixels. The median over the maxima of the Laplacian of Gaussians, normalised by its scale,
        in places and scales; each weighs its response squared. On simulated scenes 0.9 of the
        diameter; within a factor of two where particles are the most contrasted blobs.
    """
    step = max(1, min(image.shape) // BLOB_SIDE)
    small = SIGNS[polarity] * reduce_mean(image, step)
    sigmas = np.geomspace(*BLOB_SIGMAS_PX)
    cube = np.stack([-(sigma**2) * ndimage.gaussian_laplace(small, sigma) for sigma in sigmas])
    is_peak = (cube == ndimage.maximum_filter(cube, 3)) & (cube > LEAST_RESPONSE * cube.max())
    # the ends of the scale have no neighbours beyond them
    is_peak[0] = is_peak[-1] = False
    numbers = np.nonzero(is_peak)[0]
    if not numbers.size:
        return SMALLEST_PX
    weight = np.bincount(numbers, np.square(cube[is_peak], dtype=np.float64), sigmas.size)
    middle = int(np.searchsorted(np.cumsum(weight), 0.5 * weight.sum()))
    # a disc of radius r responds most at r / √2
    return max(float(2 * np.sqrt(2) * sigmas[middle] * step), SMALLEST_PX)


def _width_in(small: np.ndarray) -> tuple[float, bool]:
    """Return the typical width in an image, and whether particles are clear of the noise."""
    is_particle = small > _two_means(small)
    inside, outside = small[is_particle], small[~is_particle]
    if not inside.size or not outside.size:
        return 0.0, False
    contrast = float(np.median(inside) - np.median(outside))
    spread = 1.4826 * float(np.median(np.abs(outside - np.median(outside))))
    return _typical_width(is_particle), contrast >= ENOUGH_CONTRAST * spread


def _two_means(values: np.ndarray) -> float:
    """Return the threshold between two groups of values (Otsu)."""
    low, high = np.percentile(values, (0.1, 99.9))
    counts, edges = np.histogram(np.clip(values, low, high), bins=256)
    centres = 0.5 * (edges[:-1] + edges[1:])
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between[:-1]))])


def _typical_width(is_particle: np.ndarray) -> float:
    opened = ndimage.binary_opening(is_particle, EIGHT)
    if not opened.any():
        opened = is_particle
    # the edge of the image is no outline
    distance = ndimage.distance_transform_edt(np.pad(opened, 1, mode="edge"))[1:-1, 1:-1]
    # pixels are weighted equally: most of the area is near the middle of the radii
    reach = 2 * int(np.percentile(distance[opened], 90)) + 1
    is_peak = opened & (distance == ndimage.maximum_filter(distance, reach))
    radii = np.sort(distance[is_peak])
    share = np.cumsum(radii**2) / np.sum(radii**2)
    return float(2.0 * radii[np.searchsorted(share, 0.5)] - 1.0)
