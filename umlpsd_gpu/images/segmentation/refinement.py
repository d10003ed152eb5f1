"""Move the outline of each particle to half of its own contrast."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from umlpsd_gpu.images.segmentation.foreground import HALF, Foreground

# How far an outline may move, in pixels, and how far inside contrasts are measured
REACH_PX, INNER_PX = 2, 2
EIGHT = np.ones((3, 3), dtype=bool)


def contrasts_of(labels: np.ndarray, smoothed: np.ndarray) -> np.ndarray:
    """Return the contrast of each particle, measured away from its outline.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1; 0: background.
    smoothed : ndarray of float32, shape (n_rows, n_columns)
        The flattened image.

    Returns
    -------
    ndarray of float64, shape (n_particles + 1,)
        Median; 0 for the background.
    """
    n = int(labels.max()) + 1
    inner = (labels > 0) & ndimage.binary_erosion(
        labels > 0, EIGHT, iterations=INNER_PX, border_value=1
    )
    has_inner = np.bincount(labels[inner], minlength=n) > 0
    use = inner | ((labels > 0) & ~has_inner[labels])
    numbers, values = labels[use], smoothed[use]
    order = np.lexsort((values, numbers))
    numbers, values = numbers[order], values[order]
    counts = np.bincount(numbers, minlength=n)
    ends = np.cumsum(counts)
    contrasts = np.zeros(n)
    present = counts > 0
    contrasts[present] = values[ends[present] - (counts[present] + 1) // 2]
    return contrasts


def refine_outlines(labels: np.ndarray, found: Foreground, is_annotated: np.ndarray) -> np.ndarray:
    """Move outlines towards the background or away from it; seams between particles stay.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1; 0: background.
    found : Foreground
    is_annotated : ndarray of bool, shape (n_rows, n_columns)

    Returns
    -------
    ndarray of int32, shape (n_rows, n_columns)
        Of each label, the largest part that is connected.
    """
    contrasts = contrasts_of(labels, found.smoothed)
    grown = ndimage.maximum_filter(labels, 2 * REACH_PX + 1)
    zone = np.where(labels > 0, labels, grown)
    deep = ndimage.binary_erosion(labels > 0, EIGHT, iterations=REACH_PX, border_value=1)
    is_inside = deep | (found.smoothed >= HALF * contrasts[zone])
    refined = np.where(is_inside & ~is_annotated, zone, 0)
    return _largest_parts(refined)


def _largest_parts(labels: np.ndarray) -> np.ndarray:
    """Keep the largest connected part of each label."""
    n = int(labels.max()) + 1
    # parts of one label: pixels of different labels are not connected
    is_seam = np.zeros(labels.shape, dtype=bool)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = (labels[first] != labels[second]) & (labels[first] > 0) & (labels[second] > 0)
        is_seam[first] |= meet
        is_seam[second] |= meet
    parts, n_parts = ndimage.label((labels > 0) & ~is_seam)
    owners = np.zeros(n_parts + 1, dtype=np.int64)
    owners[parts.ravel()] = labels.ravel()
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)
    largest = np.zeros(n, dtype=np.int64)
    np.maximum.at(largest, owners[1:], sizes[1:])
    is_kept = sizes >= largest[owners]
    is_kept[0] = True
    # seams stay with the particle beside them
    kept: np.ndarray = np.where(is_kept[parts] | is_seam, labels, 0).astype(np.int32)
    return kept
