"""Fewer samples of many curves and fewer pixels of images, which look the same on a page."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.storage.blocks import row_blocks

# pixels of a picture: finer ones would not be visible on a page
MOST_PIXELS = 400_000


def thin_curves(
    x: np.ndarray, y: np.ndarray, n_columns: int, is_log: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and largest value of every curve in each of some columns.

    Drawn as lines they look like the whole curves.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        Common to all curves, in rising order.
    y : ndarray, shape (n_rows, n_samples)
        NaN is left out of a column that has numbers.
    n_columns : int
    is_log : bool
        Whether columns are equally wide on a logarithmic axis.

    Returns
    -------
    x : ndarray, shape (n_kept,)
    y : ndarray, shape (n_rows, n_kept)
        The same arrays if there are at most twice as many samples as columns.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.explorer.thinning import thin_curves
    >>> x, y = thin_curves(np.arange(100.0), np.arange(100.0)[None] % 10, n_columns=2)
    >>> x.tolist(), y.tolist()
    ([12.5, 37.5, 62.25, 86.75], [[0.0, 9.0, 0.0, 9.0]])
    """
    n = y.shape[1]
    if n <= 2 * n_columns:
        return x, y
    starts = _starts(x, n_columns, is_log)
    ends = np.append(starts[1:], n)
    low, high = x[starts], x[np.minimum(ends, n - 1)]
    if is_log:
        low, high = np.log(np.maximum(low, x[x > 0][0])), np.log(high)
    places = np.stack([low + (high - low) / 4, low + 3 * (high - low) / 4], axis=1).ravel()
    kept = np.empty((len(y), 2 * starts.size))
    for rows in row_blocks(y):
        # fmin and fmax leave NaN out
        values = np.asarray(y[rows], dtype=np.float64)
        kept[rows, ::2] = np.fmin.reduceat(values, starts, axis=1)
        kept[rows, 1::2] = np.fmax.reduceat(values, starts, axis=1)
    return np.exp(places) if is_log else places, kept


def _starts(x: np.ndarray, n_columns: int, is_log: bool) -> np.ndarray:
    """Return the first sample of each column, none of them empty."""
    if not is_log:
        return np.arange(n_columns, dtype=np.int64) * x.size // n_columns
    edges = np.geomspace(x[x > 0][0], x[-1], n_columns, endpoint=False)
    starts: np.ndarray = np.unique(np.append(0, np.searchsorted(x, edges)))
    return starts[starts < x.size]


def thin_image(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return an image of few enough pixels: means over squares, NaN left out.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_cols)

    Returns
    -------
    values : ndarray, shape (ceil(n_rows / width), ceil(n_cols / width))
    width : int
        Of the squares, in pixels; 1: all pixels are there.
    """
    width = 1
    while -(-values.shape[0] // width) * -(-values.shape[1] // width) > MOST_PIXELS:
        width += 1
    return average_squares(values, width), width


def average_squares(values: np.ndarray, width: int) -> np.ndarray:
    """Return the means of an image over squares.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_cols)
    width : int
        Of the squares, in pixels; those at the right and lower edge may be smaller.

    Returns
    -------
    ndarray, shape (ceil(n_rows / width), ceil(n_cols / width))
        Without values that are not finite; NaN where a square has no others. The same array for
        squares of one pixel.
    """
    if width == 1:
        return values
    finite = np.isfinite(values)
    sums, counts = np.where(finite, values, 0.0), finite.astype(np.int64)
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], width)
        sums = np.add.reduceat(sums, starts, axis=axis)
        counts = np.add.reduceat(counts, starts, axis=axis)
    thinned: np.ndarray = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return thinned
