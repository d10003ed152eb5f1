"""Traces → rows of mean 0, block by block, whose products are Pearson correlations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.storage.blocks import give_back
from umlpsd_gpu.traces.traces import ROUNDING, varies

T = TypeVar("T")

# [I] Size of the float64 rows processed at once: large compared with the cost of a call, small
# compared with the memory. It is fixed, so that sums over blocks do not depend on the settings.
BLOCK_BYTES = 16 << 20
# [I] Changes over more than a tenth of the movie are trend: bleaching, drift and lamp power change
# throughout the movie, whereas blinking repeats many times.
TREND_SHARE = 0.1


def default_detrend_frames(n_frames: int) -> int:
    """Return the default length of the moving average that estimates the trend.

    Parameters
    ----------
    n_frames : int
        Frames of a trace.

    Returns
    -------
    int
        A tenth of the frames, odd, at least 3.
    """
    return max(3, round(TREND_SHARE * n_frames)) | 1


def blocks(n_rows: int, n_frames: int) -> Iterator[slice]:
    """Divide rows into slices of about `BLOCK_BYTES` in float64.

    Parameters
    ----------
    n_rows : int
    n_frames : int
        Length of a row.

    Yields
    ------
    slice
        Of rows.
    """
    step = max(1, BLOCK_BYTES // (8 * n_frames))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def over_blocks(
    work: Callable[[slice], T], shape: tuple[int, ...], n_threads: int | None = None
) -> list[T]:
    """Apply a function to every block of rows, on several threads.

    Parameters
    ----------
    work : callable
        Takes the slice of a block's rows.
    shape : (n_rows, n_frames)
        Of the array that is divided into blocks.
    n_threads : int, optional
        Default: all cores.

    Returns
    -------
    list
        Results in the order of the blocks.
    """
    with ThreadPoolExecutor(n_threads or n_cores()) as pool:
        return list(pool.map(work, blocks(shape[0], shape[1])))


def centre(values: np.ndarray, detrend_frames: int = 0) -> np.ndarray:
    """Subtract the mean of every trace, or its slow trend and then its mean.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts, of any real dtype. Pass a block of traces, since the result is a float64 copy.
    detrend_frames : int
        The trend is the moving average over this number of frames, with the trace mirrored at its
        ends; 0 subtracts no trend.

    Returns
    -------
    ndarray, shape (n_traces, n_frames), float64
        NaN for a trace that contains NaN or infinity, and for one without a Pearson correlation:
        constant, or zero up to rounding without its trend.

    Raises
    ------
    SettingsError
        If the window is longer than the traces, or negative.
    """
    n_frames = values.shape[1]
    if not 0 <= detrend_frames <= n_frames:
        raise SettingsError(
            f"a trend over {detrend_frames} frames can't be estimated in traces of {n_frames} "
            "frames; set maps.detrend_frames to at least 2 and at most their length, or remove it"
        )
    rows = np.array(values, dtype=np.float64)
    give_back(values)
    usable = np.asarray(np.isfinite(rows).all(axis=1))
    usable[usable] = varies(rows[usable])
    rows[~usable] = 0
    rounding = ROUNDING * np.abs(rows).max(axis=1, initial=0)
    if detrend_frames:
        from scipy.ndimage import uniform_filter1d

        rows -= uniform_filter1d(rows, detrend_frames, axis=1, mode="reflect")
    rows -= rows.mean(axis=1, keepdims=True)
    usable &= row_dots(rows, rows) > n_frames * rounding**2
    rows[~usable] = np.nan
    return rows


def standardise(values: np.ndarray, detrend_frames: int = 0) -> np.ndarray:
    """Return rows of `centre` divided by their lengths: their products are Pearson correlations.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts, of any real dtype.
    detrend_frames : int
        As for `centre`.

    Returns
    -------
    ndarray, shape (n_traces, n_frames), float64
        NaN as for `centre`.
    """
    rows = centre(values, detrend_frames)
    rows /= np.sqrt(row_dots(rows, rows))[:, None]
    return rows


def row_dots(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the scalar product of each row with its partner, or with a single vector.

    Parameters
    ----------
    rows : ndarray, shape (n_rows, n)
    others : ndarray, shape (n_rows, n) or (n,)

    Returns
    -------
    ndarray, shape (n_rows,)
    """
    # not BLAS: its rounding depends on the number of rows in a block
    products: np.ndarray = np.einsum("ij,ij->i" if others.ndim == 2 else "ij,j->i", rows, others)
    return products
