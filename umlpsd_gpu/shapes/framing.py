"""Images of single particles in one frame: the same for training and for micrographs.

A network sees what it was trained on only if polarity, margin and brightness are the same: a
particle is 1 on a background of 0, its neighbours are erased, and it fills the same part of the
frame whatever its size in pixels.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIDE = 44
# Half the frame over the largest distance of a pixel of the particle from its centroid
MARGIN = 1.4
LOWEST, HIGHEST = -0.5, 1.5


def frame_particles(image: np.ndarray, labels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Cut each particle out of a micrograph, at one size and brightness.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Particles may be darker or brighter than the background.
    labels : ndarray of int, shape (n_rows, n_columns)
        0 for the background, 1…n for the particles.
    side : int, optional
        Pixels across a frame.

    Returns
    -------
    ndarray of float32, shape (n, side, side)
        0 outside, 1 inside, clipped to −0.5…1.5. Particles larger than a frame are averaged.
    """
    found = ndimage.find_objects(labels)
    frames = np.zeros((len(found), side, side), dtype=np.float32)
    for number, place in enumerate(found, 1):
        if place is not None:
            frames[number - 1] = _frame(image, labels, number, place, side)
    return frames


def _frame(
    image: np.ndarray, labels: np.ndarray, number: int, place: tuple[slice, ...], side: int
) -> np.ndarray:
    rows, columns = np.nonzero(labels[place] == number)
    rows, columns = rows + place[0].start, columns + place[1].start
    centre = rows.mean(), columns.mean()
    half = MARGIN * (np.hypot(rows - centre[0], columns - centre[1]).max() + 0.5)
    # as many points in a pixel of the frame as it covers pixels of the image
    n_inside = int(np.ceil(2 * half / side))
    steps = (np.arange(side * n_inside) + 0.5) / (side * n_inside) * 2 - 1
    at = np.meshgrid(centre[0] + half * steps, centre[1] + half * steps, indexing="ij")
    crop = tuple(
        slice(max(int(c - half) - 2, 0), min(int(c + half) + 3, n))
        for c, n in zip(centre, image.shape, strict=True)
    )
    values = _levelled(image[crop], labels[crop], number)
    within = [each - part.start for each, part in zip(at, crop, strict=True)]
    fine = ndimage.map_coordinates(values, within, order=1, mode="nearest")
    coarse: np.ndarray = fine.reshape(side, n_inside, side, n_inside).mean(axis=(1, 3))
    clipped: np.ndarray = np.clip(coarse, LOWEST, HIGHEST)
    return clipped


def _levelled(values: np.ndarray, labels: np.ndarray, number: int) -> np.ndarray:
    """Return brightness from 0 outside to 1 inside, with neighbours erased."""
    inside, others = labels == number, (labels != 0) & (labels != number)
    near = ndimage.binary_dilation(inside, iterations=2)
    outside = ~near & ~others
    background = np.median(values[outside]) if outside.any() else np.median(values[~inside])
    contrast = np.median(values[inside]) - background
    level: np.ndarray = (values - background) / (contrast if contrast else 1.0)
    return np.where(others & ~near, 0.0, level)
