"""Particles that the edge of the image cuts, and the weights that make up for leaving them out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

RULE = "clear border with Miles-Lantuéjoul weights"


def touches_edge(labels: np.ndarray) -> np.ndarray:
    """Return which particles reach the edge of the image.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1, without gaps; 0: background.

    Returns
    -------
    ndarray of bool, shape (n_particles + 1,)
        False for the background.
    """
    touching = np.zeros(int(labels.max()) + 1, dtype=bool)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[line] = True
    touching[0] = False
    return touching


def edge_weights(labels: np.ndarray) -> np.ndarray:
    """Return the Miles-Lantuéjoul weight of each particle: large ones are cut more often.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1, without gaps; 0: background.

    Returns
    -------
    ndarray of float64, shape (n_particles,)
        W H / ((W − F_x) (H − F_y)), with the sides of the image and those of the upright box of the
        particle: how many particles of this box each one that is not cut stands for. NaN for
        particles that reach the edge.

    Examples
    --------
    >>> labels = np.zeros((20, 10), dtype=np.int32)
    >>> labels[5:10, 2:4] = 1
    >>> edge_weights(labels).round(3).tolist()
    [1.667]
    """
    n_rows, n_columns = labels.shape
    boxes = ndimage.find_objects(labels)
    weights = np.full(len(boxes), np.nan)
    is_cut = touches_edge(labels)
    for number, box in enumerate(boxes, start=1):
        if box is None or is_cut[number]:
            continue
        height, width = (s.stop - s.start for s in box)
        weights[number - 1] = n_rows * n_columns / ((n_columns - width) * (n_rows - height))
    return weights
