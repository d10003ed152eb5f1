"""Join again what was cut without a reason in the image: arms of concave particles, bits of noise.

Shapes with long arms are described badly by one outline r(θ), so that two outlines explain their
pixels better. What tells such a cut from two particles is the seam itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from umlpsd_gpu.images.segmentation.refinement import contrasts_of
from umlpsd_gpu.images.segmentation.seams import find_seams

# The next pixel to the right, and below
BESIDE = [(0, 1), (1, 0)]
# Where two particles meet, the outline has a neck: its width over that of the narrower part is
# above this where there is none
LEAST_NECK = 0.9
# Contrasts of both parts and of their seam agree if they differ by less than this share, and this
# many standard errors
MOST_STEP, N_ERRORS = 0.05, 1.0
# A seam is measured where it is this far from the background, beyond the blur
INNER_PX = 2.5
# Parts with less area than the first share of a circle of the particle size join a neighbour over
# a neck that is above the second share, and where it is no darker than the third: a lens of an
# overlap is
FRAGMENT_AREA, FRAGMENT_NECK, FRAGMENT_DARK = 0.19, 0.6, 1.2
# Those that stay alone are no particles below this share
LEAST_COUNTED_AREA = 0.15


@dataclass(frozen=True)
class _Seams:
    """Where parts meet, with a row for each pair."""

    first: np.ndarray
    second: np.ndarray
    neck: np.ndarray
    contrast: np.ndarray
    n_px: np.ndarray


def rejoin(
    labels: np.ndarray, smoothed: np.ndarray, noise: float, size_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """Join parts whose seam has neither a neck nor a contrast of its own.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1; 0: background.
    smoothed : ndarray of float32, shape (n_rows, n_columns)
        The flattened image.
    noise : float
        Standard deviation of its pixels.
    size_px : float
        Of the particles.

    Returns
    -------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1, without gaps; 0: background.
    is_fragment : ndarray of bool, shape (n_labels + 1,)
        What is too small for a particle and touches one, without being joined.
    """
    n = int(labels.max()) + 1
    padded = np.pad(labels > 0, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    peaks = np.zeros(n)
    np.maximum.at(peaks, labels.ravel(), depth.ravel())
    n_px = np.bincount(labels.ravel(), minlength=n)
    seams = _find_seams(labels, smoothed, depth)
    one, other = seams.first, seams.second
    contrasts = contrasts_of(labels, smoothed)
    neck = seams.neck / np.minimum(peaks[one], peaks[other])
    joins = (neck >= LEAST_NECK) & _agrees(seams, contrasts, n_px, noise)
    joins |= _fragments_that_join(seams, neck, contrasts, n_px / (np.pi / 4 * size_px**2))
    pairs = one[joins], other[joins]
    graph = coo_array((np.ones(pairs[0].size, dtype=np.int8), pairs), shape=(n, n))
    _, groups = connected_components(graph, directed=False)
    present, joined = np.unique(groups[labels], return_inverse=True)
    joined = joined.reshape(labels.shape).astype(np.int32)
    is_touching = np.isin(present, groups[np.concatenate([one[~joins], other[~joins]])])
    area = np.bincount(joined.ravel()) / (np.pi / 4 * size_px**2)
    return joined, is_touching & (area < LEAST_COUNTED_AREA)


def _agrees(seams: _Seams, contrasts: np.ndarray, n_px: np.ndarray, noise: float) -> np.ndarray:
    """Return where both parts and their seam have the same contrast."""
    one, other = contrasts[seams.first], contrasts[seams.second]
    larger = np.maximum(one, other)
    error = noise * np.sqrt(1 / n_px[seams.first] + 1 / n_px[seams.second])
    is_same = np.abs(one - other) <= MOST_STEP * larger + N_ERRORS * error
    error = noise / np.sqrt(np.maximum(seams.n_px, 1))
    differs = np.abs(seams.contrast - 0.5 * (one + other))
    found: np.ndarray = (
        is_same & (seams.n_px > 0) & (differs <= MOST_STEP * larger + N_ERRORS * error)
    )
    return found


def _fragments_that_join(
    seams: _Seams, neck: np.ndarray, contrasts: np.ndarray, area: np.ndarray
) -> np.ndarray:
    """Return the widest seam of each fragment, where it is no neck and no lens."""
    larger = np.maximum(contrasts[seams.first], contrasts[seams.second])
    is_small = np.minimum(area[seams.first], area[seams.second]) < FRAGMENT_AREA
    is_lens = (seams.n_px > 0) & (seams.contrast > FRAGMENT_DARK * larger)
    allowed = is_small & (neck >= FRAGMENT_NECK) & ~is_lens
    fragment = np.where(area[seams.first] < area[seams.second], seams.first, seams.second)
    widest = np.zeros(area.size)
    np.maximum.at(widest, fragment[allowed], seams.neck[allowed])
    found: np.ndarray = allowed & (seams.neck >= widest[fragment])
    return found


def _find_seams(labels: np.ndarray, smoothed: np.ndarray, depth: np.ndarray) -> _Seams:
    """Measure where parts meet: half the width of the neck, and the contrast away from its ends."""
    n = int(labels.max()) + 1
    of_pixels, pixels = find_seams(labels, BESIDE)
    pairs, places = np.unique(of_pixels, return_inverse=True)
    neck = np.zeros(pairs.size)
    np.maximum.at(neck, places, depth.ravel()[pixels])
    inner = depth.ravel()[pixels] >= INNER_PX
    n_px = np.bincount(places[inner], minlength=pairs.size)
    sums = np.bincount(places[inner], smoothed.ravel()[pixels[inner]], minlength=pairs.size)
    return _Seams(pairs // n, pairs % n, neck, sums / np.maximum(n_px, 1), n_px)
