"""Curves with more samples than a figure has pixels: extremes and means of each pixel column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.compute.arrays import Array

# Horizontal coordinates: an array, or a function that returns those of some samples
Places = Array | Callable[[Array], Array]

# Pixel columns of a panel: more than the widest one has in the PNG
N_COLUMNS = 1000
# Curves with fewer samples a column are drawn as they are
FEWEST_PER_COLUMN = 8
SAMPLES_AT_ONCE = 1 << 17


def _starts(n_samples: int, n_columns: int) -> Array:
    """Return the first sample of each column."""
    starts: Array = np.arange(n_columns, dtype=np.int64) * n_samples // n_columns
    return starts


def decimate_line(x: Places, y: Array, n_columns: int = N_COLUMNS) -> tuple[Array, Array]:
    """Return the two extremes of each pixel column of a line, in their order.

    Drawn as a line they look like the whole curve.

    Parameters
    ----------
    x : ndarray, shape (n_samples,), or callable
        Rises. A function takes the indices of samples.
    y : ndarray, shape (n_samples,)
        NaN is left out of a column that has numbers.
    n_columns : int

    Returns
    -------
    x, y : ndarray, shape (n_kept,)
        The same arrays if there are at most eight samples a column.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.plotting.decimate import decimate_line
    >>> x, y = decimate_line(np.arange(100), np.arange(100) % 10, n_columns=2)
    >>> x.tolist(), y.tolist()
    ([0, 9, 50, 59], [0, 9, 0, 9])
    """
    n = len(y)
    if n <= FEWEST_PER_COLUMN * n_columns:
        return _take(x, np.arange(n)), y
    width = -(-n // n_columns)
    n_whole = n // width
    whole = y[: n_whole * width].reshape(n_whole, width)
    pairs = _find_extremes(whole) + np.arange(n_whole)[:, None] * width
    if n_whole * width < n:
        pairs = np.concatenate(
            [pairs, _find_extremes(y[None, n_whole * width :]) + n_whole * width]
        )
    kept = pairs.ravel()
    return _take(x, kept), y[kept]


def _take(x: Places, samples: Array) -> Array:
    taken: Array = x(samples) if callable(x) else x[samples]
    return taken


def _find_extremes(columns: Array) -> Array:
    """Return the places of the two extremes of each row, in their order; (n_rows, 2)."""
    low, high = columns, columns
    if np.issubdtype(columns.dtype, np.floating) and np.isnan(columns).any():
        low, high = (np.where(np.isnan(columns), end, columns) for end in (np.inf, -np.inf))
    places: Array = np.sort(np.stack([low.argmin(axis=1), high.argmax(axis=1)], axis=1), axis=1)
    return places


def decimate_band(
    x: Places, low: Array, high: Array, n_columns: int = N_COLUMNS
) -> tuple[Array, Array, Array]:
    """Return the lowest and highest end of a band in each pixel column.

    Parameters
    ----------
    x : ndarray, shape (n_samples,), or callable
    low, high : ndarray, shape (n_samples,)
    n_columns : int

    Returns
    -------
    x, low, high : ndarray, shape (n_kept,)
        The same arrays if there are at most eight samples a column.
    """
    n = len(low)
    if n <= FEWEST_PER_COLUMN * n_columns:
        return _take(x, np.arange(n)), low, high
    starts = _starts(n, n_columns)
    return _take(x, starts), np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)


def decimate_rows(rows: Array, chosen: Array, n_columns: int = N_COLUMNS) -> Array:
    """Return the mean of each pixel column of an image.

    Parameters
    ----------
    rows : ndarray, shape (n_rows, n_samples)
    chosen : ndarray of int, shape (n_chosen,)
        Rows that are shown, in their order.
    n_columns : int

    Returns
    -------
    ndarray, shape (n_chosen, n_kept)
        All samples if there are at most eight a column.
    """
    n = rows.shape[1]
    if n <= FEWEST_PER_COLUMN * n_columns:
        return np.asarray(rows[chosen])
    starts = _starts(n, n_columns)
    widths = np.diff([*starts.tolist(), n])
    return np.stack([np.add.reduceat(rows[i], starts) / widths for i in chosen])


def mean_and_sd(rows: Array, chosen: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation over some rows, without a copy of all of them.

    Parameters
    ----------
    rows : ndarray, shape (n_rows, n_samples)
    chosen : ndarray of int, shape (n_chosen,)

    Returns
    -------
    mean, sd : ndarray, shape (n_samples,)
    """
    mean, sd = np.empty((2, rows.shape[1]))
    for start in range(0, rows.shape[1], SAMPLES_AT_ONCE):
        part = slice(start, start + SAMPLES_AT_ONCE)
        values = rows[chosen, part]
        mean[part], sd[part] = values.mean(axis=0), values.std(axis=0)
    return mean, sd


def squared_distances(rows: Array, chosen: Array, mean: Array) -> Array:
    """Return the squared distances of some rows to a mean, without a copy of all of them.

    Parameters
    ----------
    rows : ndarray, shape (n_rows, n_samples)
    chosen : ndarray of int, shape (n_chosen,)
    mean : ndarray, shape (n_samples,)

    Returns
    -------
    ndarray, shape (n_chosen,)
    """
    distances = np.zeros(len(chosen))
    for start in range(0, rows.shape[1], SAMPLES_AT_ONCE):
        part = slice(start, start + SAMPLES_AT_ONCE)
        distances += [np.square(rows[row, part] - mean[part]).sum() for row in chosen]
    return distances
