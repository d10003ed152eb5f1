"""Traces → centred rows, block by block: what every Pearson correlation is a product of."""

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

# [I] float64 rows worked on at once: large beside the cost of a call, small beside any memory. It
# never depends on a setting, so that sums over blocks have the same bits whatever is set.
BLOCK_BYTES = 16 << 20
# [I] What takes longer than a tenth of the movie is trend: bleaching, drift and lamp change over
# the whole of it, while blinking repeats itself many times.
TREND_SHARE = 0.1


def default_detrend_frames(n_frames: int) -> int:
    """Return the smoothing window that a trend is found with: a tenth of the frames, odd."""
    return max(3, round(TREND_SHARE * n_frames)) | 1


def blocks(n_rows: int, n_frames: int) -> Iterator[slice]:
    """Cut rows into slices of about `BLOCK_BYTES` in float64."""
    step = max(1, BLOCK_BYTES // (8 * n_frames))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def over_blocks(
    work: Callable[[slice], T], shape: tuple[int, ...], n_threads: int | None = None
) -> list[T]:
    """Return what ``work`` makes of every block of the values' rows, in order, on any threads."""
    with ThreadPoolExecutor(n_threads or n_cores()) as pool:
        return list(pool.map(work, blocks(shape[0], shape[1])))


def centred(values: np.ndarray, detrend_frames: int = 0) -> np.ndarray:
    """Subtract from every trace its mean, or its slow trend and then its mean.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; a block of them, since the result is a copy.
    detrend_frames : int
        The trend is the moving average over so many frames, the trace mirrored at its ends; 0: no
        trend is subtracted.

    Returns
    -------
    ndarray, shape (n_traces, n_frames), float64
        NaN for a trace that holds NaN or infinities, or is constant: it has no Pearson
        correlation. So has one of which nothing but rounding is left without its trend.

    Raises
    ------
    SettingsError
        If the window is longer than the traces, or negative.
    """
    n_frames = values.shape[1]
    if not 0 <= detrend_frames <= n_frames:
        raise SettingsError(
            f"a trend over {detrend_frames} frames can't be found in traces of {n_frames} frames; "
            "set maps.detrend_frames to between 2 and their length, or leave it out"
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


def standardised(values: np.ndarray, detrend_frames: int = 0) -> np.ndarray:
    """Return `centred` rows of length 1: their products are Pearson correlations."""
    rows = centred(values, detrend_frames)
    rows /= np.sqrt(row_dots(rows, rows))[:, None]
    return rows


def row_dots(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the product of each row with its partner, or with the one vector that is given."""
    # BLAS would round by the number of rows in a block
    return np.einsum("ij,ij->i" if others.ndim == 2 else "ij,j->i", rows, others)
