"""The data bar that scanning electron microscopes write below an image."""

from __future__ import annotations

import numpy as np

# A bar is at most this share of the rows, and at least as many rows
MOST_SHARE, FEWEST_ROWS = 0.25, 12
# Share of a row's pixels that are equal to the background of a bar, and of a bar's rows of which
# this holds; the rest is text
EQUAL_SHARE, PLAIN_ROWS = 0.6, 0.6
# Rows above a bar have at most this share of any one value
MOST_EQUAL_ABOVE = 0.4


def find_data_bar(image: np.ndarray) -> int:
    """Return the number of rows of a data bar at the bottom of an image.

    A bar is a block of rows most pixels of which have one and the same value, below rows of which
    that is not true.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)

    Returns
    -------
    int
        0 where there is none.
    """
    n_rows = image.shape[0]
    n_most = int(MOST_SHARE * n_rows)
    bottom = image[n_rows - n_most :]
    background = _most_frequent(bottom[-FEWEST_ROWS:]) if n_most >= FEWEST_ROWS else None
    if background is None:
        return 0
    shares = (bottom == background).mean(axis=1)
    is_plain = shares >= EQUAL_SHARE
    plain_rows = np.flatnonzero(is_plain)
    if not plain_rows.size:
        return 0
    # a bar may begin with a bright line, which is cut off with it
    top = int(plain_rows[0])
    while top > 0 and np.unique(bottom[top - 1]).size == 1:
        top -= 1
    n_bar = n_most - top
    is_bar = n_bar >= FEWEST_ROWS and is_plain[plain_rows[0] :].mean() >= PLAIN_ROWS
    above = image[n_rows - n_bar - FEWEST_ROWS : n_rows - n_bar]
    is_image = (above == background).mean() <= MOST_EQUAL_ABOVE
    return n_bar if is_bar and is_image and n_bar < n_most else 0


def _most_frequent(values: np.ndarray) -> np.generic:
    found, counts = np.unique(values, return_counts=True)
    most: np.generic = found[np.argmax(counts)]
    return most
