"""Particles that overlap: they are shown and counted apart, and left out of the statistics."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from umlpsd_gpu.images.segmentation.seams import find_seams

# Where particles meet, the contrast of the darkest quarter of the pixels over the larger of the
# contrasts of both
LEAST_EXCESS, DARKEST_SHARE = 1.2, 0.25
# Distances of pixels that meet, and the fewest of them
BAND_PX, FEWEST_PX = 2, 6
BAND = [
    (down, right)
    for down in range(BAND_PX + 1)
    for right in range(-BAND_PX, BAND_PX + 1)
    if (down, right) > (0, 0)
]
# A lens inside one particle: contrast over the particle's own, and share of its area
LENS_CONTRAST, LENS_SHARE = 1.4, 0.02


def find_overlapping(labels: np.ndarray, smoothed: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """Return which particles overlap: where they do, absorption adds up.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1; 0: background.
    smoothed : ndarray of float32, shape (n_rows, n_columns)
        The flattened image.
    contrasts : ndarray of float64, shape (n_particles + 1,)
        Median contrast of each particle.

    Returns
    -------
    ndarray of bool, shape (n_particles + 1,)
        False for the background.
    """
    is_overlapping = np.zeros(contrasts.size, dtype=bool)
    pairs, pixels = find_seams(labels, BAND)
    if pairs.size:
        values = smoothed.ravel()[pixels]
        order = np.lexsort((-values, pairs))
        pairs, values = pairs[order], values[order]
        unique, starts, counts = np.unique(pairs, return_index=True, return_counts=True)
        n_dark = np.maximum((DARKEST_SHARE * counts).astype(int), 1)
        sums = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
        darkest = (sums[starts + n_dark] - sums[starts]) / n_dark
        first, second = unique // contrasts.size, unique % contrasts.size
        larger = np.maximum(contrasts[first], contrasts[second])
        exceeds = (darkest >= LEAST_EXCESS * larger) & (counts >= FEWEST_PX)
        is_overlapping[first[exceeds]] = is_overlapping[second[exceeds]] = True
    found: np.ndarray = is_overlapping | _with_lens(labels, smoothed, contrasts)
    return found


def _with_lens(labels: np.ndarray, smoothed: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """Return which particles have a compact part that is much darker than the rest."""
    is_dark = smoothed > LENS_CONTRAST * contrasts[labels]
    inside = ndimage.binary_opening(is_dark & (labels > 0), np.ones((3, 3), dtype=bool))
    n_dark = np.bincount(labels[inside], minlength=contrasts.size)
    n_px = np.bincount(labels.ravel(), minlength=contrasts.size)
    found: np.ndarray = n_dark >= np.maximum(LENS_SHARE * n_px, 9)
    found[0] = False
    return found
