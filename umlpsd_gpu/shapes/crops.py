"""Crops of particles from an image and its labels, of any sizes, in one flat array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from umlpsd_gpu.errors import SettingsError

# Pixels this near to another particle hold light of both
NEIGHBOUR_PX = 2


@dataclass(frozen=True)
class Crops:
    """The surroundings of each particle.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        Label of each particle, in rising order.
    values : ndarray of float64, shape (n_pixels,)
        All crops, one after another, row by row; 0 where the image is NaN.
    is_usable : ndarray of bool, shape (n_pixels,)
        Pixels that belong to this particle and its background alone, and are finite.
    is_inside : ndarray of bool, shape (n_pixels,)
        Pixels with the particle's label.
    starts : ndarray of int64, shape (n,)
        Position of the first pixel of each crop.
    n_rows, n_cols, tops, lefts : ndarray of int64, shape (n,)
        Size of each crop, and its first row and column in the image.
    touches_edge : ndarray of bool, shape (n,)
        Whether the particle reaches the edge of the image.
    """

    labels: np.ndarray
    values: np.ndarray
    is_usable: np.ndarray
    is_inside: np.ndarray
    starts: np.ndarray
    n_rows: np.ndarray
    n_cols: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    touches_edge: np.ndarray

    def __len__(self) -> int:
        """Return the number of particles."""
        return len(self.labels)

    def view(self, number: int, values: np.ndarray) -> np.ndarray:
        """Return one crop of a flat array, in rows and columns.

        Parameters
        ----------
        number : int
            Position of the particle.
        values : ndarray, shape (n_pixels,)
            ``values``, ``is_usable``, ``is_inside`` or another array of all pixels.

        Returns
        -------
        ndarray, shape (n_rows, n_cols)
            A view.
        """
        n_rows, n_cols = int(self.n_rows[number]), int(self.n_cols[number])
        first = int(self.starts[number])
        return values[first : first + n_rows * n_cols].reshape(n_rows, n_cols)

    def take(self, image: np.ndarray) -> np.ndarray:
        """Return the pixels of all crops from another image of the same size.

        Parameters
        ----------
        image : ndarray of float, shape (n_rows, n_columns)

        Returns
        -------
        ndarray of float64, shape (n_pixels,)
        """
        found = np.empty(len(self.values))
        for number in range(len(self)):
            top, left = int(self.tops[number]), int(self.lefts[number])
            view = self.view(number, found)
            view[:] = image[top : top + view.shape[0], left : left + view.shape[1]]
        return found


def cut_crops(image: np.ndarray, labels: np.ndarray, margin_px: int = 6) -> Crops:
    """Cut each labelled particle out of an image, with the background around it.

    Parameters
    ----------
    image : ndarray of float or int, shape (n_rows, n_columns)
        NaN: not measured; such pixels are left out.
    labels : ndarray of int, shape (n_rows, n_columns)
        0: background.
    margin_px : int, optional
        Width of the background that is kept around a particle.

    Returns
    -------
    Crops

    Raises
    ------
    SettingsError
        If image and labels are not two matrices of one shape.

    Examples
    --------
    >>> labels = np.zeros((20, 30), dtype=int)
    >>> labels[8:12, 9:15] = 4
    >>> crops = cut_crops(np.ones((20, 30)), labels, margin_px=3)
    >>> crops.labels, crops.n_rows, crops.n_cols, crops.tops
    (array([4]), array([10]), array([12]), array([5]))
    """
    values = np.asarray(image, dtype=np.float64)
    if values.ndim != 2 or np.shape(labels) != values.shape:
        raise SettingsError(
            f"the image has the shape {np.shape(image)} and the labels {np.shape(labels)}; give "
            "two matrices of one shape"
        )
    marks = np.asarray(labels).astype(np.int64, copy=False)
    boxes = ndimage.find_objects(marks)
    present = [number for number, box in enumerate(boxes, start=1) if box is not None]
    limits = np.array(
        [[(part.start, part.stop) for part in boxes[number - 1]] for number in present],
        dtype=np.int64,
    ).reshape(-1, 2, 2)
    low = np.maximum(limits[:, :, 0] - margin_px, 0)
    high = np.minimum(limits[:, :, 1] + margin_px, values.shape)
    owner, highest, lowest = _owners(marks, margin_px)
    sizes = high - low
    ends = np.cumsum(sizes.prod(axis=1))
    n_pixels = int(ends[-1]) if len(ends) else 0
    flat, usable, inside = np.empty(n_pixels), np.empty(n_pixels, bool), np.empty(n_pixels, bool)
    starts = ends - sizes.prod(axis=1)
    for number, label in enumerate(present):
        box = tuple(map(slice, low[number], high[number]))
        part = slice(starts[number], ends[number])
        own = marks[box] == label
        alone = (highest[box] <= label) & ((lowest[box] >= label) | (lowest[box] == 0))
        crop, is_finite = values[box], np.isfinite(values[box])
        flat[part] = np.where(is_finite, crop, 0.0).ravel()
        usable[part] = (is_finite & alone & (owner[box] == label)).ravel()
        inside[part] = own.ravel()
    touches = ((limits[:, :, 0] == 0) | (limits[:, :, 1] == values.shape)).any(axis=1)
    return Crops(
        labels=np.array(present, dtype=np.int64),
        values=flat,
        is_usable=usable,
        is_inside=inside,
        starts=starts,
        n_rows=sizes[:, 0].copy(),
        n_cols=sizes[:, 1].copy(),
        tops=low[:, 0].copy(),
        lefts=low[:, 1].copy(),
        touches_edge=touches,
    )


def _owners(marks: np.ndarray, margin_px: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nearest label up to the margin, and the highest and lowest label close by."""
    if not marks.any():
        return marks, marks, marks
    distance, (rows, columns) = ndimage.distance_transform_edt(marks == 0, return_indices=True)
    owner = np.where(distance <= margin_px, marks[rows, columns], 0)
    reach = 2 * NEIGHBOUR_PX + 1
    highest = ndimage.maximum_filter(marks, reach, mode="constant")
    beyond = marks.max() + 1
    lowest = ndimage.minimum_filter(
        np.where(marks > 0, marks, beyond), reach, mode="constant", cval=beyond
    )
    return owner, highest, np.where(lowest == beyond, 0, lowest)
