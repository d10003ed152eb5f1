"""The published segmentation of nanocrystals, with its constants in pixels.

Williamson et al., Nanoscale 2022, doi 10.1039/d2nr04292d: contrast, median filter, one threshold,
watershed of the distance transform. Written anew in scikit-image from the description.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# As published, in pixels
MEDIAN_PX, DILATION_PX, LEAST_AREA_PX, LEAST_DEPTH_PX = 10, 5, 900, 1.0
# Shares of pixels that the first step lets saturate
SATURATED = (1.0, 99.0)


def segment_as_published(image: np.ndarray, is_bright: bool) -> np.ndarray:
    """Find particles with the published steps.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Without NaN.
    is_bright : bool
        Whether particles are brighter than the background; the image is inverted then.

    Returns
    -------
    ndarray of int32, shape (n_rows, n_columns)
        Labels from 1, without gaps; 0: background, and particles at the edge.
    """
    from skimage.exposure import equalize_adapthist, rescale_intensity
    from skimage.filters import threshold_otsu
    from skimage.morphology import disk
    from skimage.segmentation import clear_border, watershed

    values = np.asarray(image, dtype=np.float64) * (-1 if is_bright else 1)
    low, high = np.percentile(values, SATURATED)
    stretched = rescale_intensity(values, in_range=(low, high), out_range=(0.0, 1.0))
    equal = (255 * equalize_adapthist(stretched)).astype(np.uint8)
    smooth = ndimage.median_filter(equal, MEDIAN_PX)
    background = smooth > threshold_otsu(smooth)
    background = ndimage.binary_dilation(background, disk(DILATION_PX))
    particles = _without_small(~background)
    particles = clear_border(particles)
    distance = ndimage.distance_transform_edt(particles).astype(np.float32)
    markers = _deep_maxima(distance)
    labels = watershed(-distance, markers, mask=particles)
    return np.asarray(_dilate_back(labels, disk(DILATION_PX)), dtype=np.int32)


def _without_small(particles: np.ndarray) -> np.ndarray:
    groups, _ = ndimage.label(particles)
    is_large = np.bincount(groups.ravel()) >= LEAST_AREA_PX
    is_large[0] = False
    kept: np.ndarray = is_large[groups]
    return kept


def _deep_maxima(distance: np.ndarray) -> np.ndarray:
    """Label the maxima that are higher than their passes by the published depth."""
    from skimage.morphology import reconstruction

    low = reconstruction(np.maximum(distance - LEAST_DEPTH_PX, 0), distance)
    above = distance - low
    is_maximum = (distance > 0) & (above >= LEAST_DEPTH_PX - 1e-6)
    markers, _ = ndimage.label(is_maximum, np.ones((3, 3)))
    return np.asarray(markers)


def _dilate_back(labels: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Grow labels by what the dilation of the background took away."""
    grown = ndimage.grey_dilation(labels, footprint=footprint)
    kept: np.ndarray = np.where(labels > 0, labels, grown)
    return kept
