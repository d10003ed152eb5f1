"""Where particles meet."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def find_seams(
    labels: np.ndarray, steps: Iterable[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of particles that meet, and the pixels where they do.

    Parameters
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1; 0: background.
    steps : iterable of (int, int)
        Rows down, from 0, and columns to the right, which may be negative: pixels that are one of
        these steps apart and of two particles belong to their seam.

    Returns
    -------
    pairs : ndarray of int64, shape (n,)
        low · (number of labels) + high, ascending, for every pixel of a seam.
    pixels : ndarray of int64, shape (n,)
        Its place in the flattened image; once for each pair.
    """
    n = int(labels.max()) + 1
    n_rows, n_columns = labels.shape
    numbers = np.arange(labels.size).reshape(labels.shape)
    found = []
    for down, right in steps:
        rows = slice(0, n_rows - down), slice(down, n_rows)
        left, width = max(-right, 0), n_columns - abs(right)
        columns = slice(left, left + width), slice(left + right, left + right + width)
        one, other = (labels[r, c] for r, c in zip(rows, columns, strict=True))
        meet = (one != other) & (one > 0) & (other > 0)
        low = np.minimum(one[meet], other[meet]).astype(np.int64)
        pair = low * n + np.maximum(one[meet], other[meet])
        for r, c in zip(rows, columns, strict=True):
            found.append(pair * labels.size + numbers[r, c][meet])
    codes = np.unique(np.concatenate(found))
    return codes // labels.size, codes % labels.size
