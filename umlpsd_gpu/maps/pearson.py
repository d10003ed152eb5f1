"""Pearson correlation of every pixel with one pixel, with the domains, or with all pixels."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.maps.standardise import blocks, centred, over_blocks, row_dots, standardised

# rows of one single-threaded product: the bits depend on neither threads nor their number
ROWS_PER_PRODUCT = 256


def correlation_with(
    values: np.ndarray,
    reference: np.ndarray,
    detrend_frames: int = 0,
    n_threads: int | None = None,
) -> np.ndarray:
    """Correlate every trace with one.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; may be mapped from a file, only blocks of it are copied.
    reference : ndarray, shape (n_frames,)
    detrend_frames : int
        See :func:`umlpsd_gpu.maps.standardise.centred`; 0 compares the raw traces.
    n_threads : int, optional

    Returns
    -------
    ndarray, shape (n_traces,), float64
        −1…1; NaN for constant and non-finite traces, everywhere if the reference is one.
    """
    (wanted,) = standardised(np.asarray(reference)[None], detrend_frames)

    def part(rows: slice) -> np.ndarray:
        return row_dots(standardised(values[rows], detrend_frames), wanted)

    return np.clip(np.concatenate(over_blocks(part, values.shape, n_threads)), -1, 1)


def correlation_with_domains(
    values: np.ndarray,
    labels: np.ndarray,
    detrend_frames: int = 0,
    n_threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate every trace with the mean trace of each domain, and the means with each other.

    A pixel is left out of the mean it is compared with: otherwise the noise that it shares with
    itself would raise the correlation, the more the smaller its domain is.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
    labels : ndarray, shape (n_traces,), int
        Domain of each trace from 1; 0 for none.
    detrend_frames, n_threads : int
        As for :func:`correlation_with`.

    Returns
    -------
    with_domains : ndarray, shape (n_domains, n_traces)
        In the order of the domain numbers that occur. NaN for constant and non-finite traces,
        which are in no mean, and for the one pixel of a domain with itself.
    between_domains : ndarray, shape (n_domains, n_domains)
        Of the mean traces.
    """
    domains = np.unique(labels[labels > 0])

    def sums(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        traces = centred(values[rows], detrend_frames)
        sound = np.isfinite(traces[:, 0])
        members = [(labels[rows] == domain) & sound for domain in domains]
        total = [traces[chosen].sum(axis=0) for chosen in members]
        return np.array([chosen.sum() for chosen in members]), np.array(total)

    parts = over_blocks(sums, values.shape, n_threads)
    n_members = np.sum([n for n, _ in parts], axis=0)
    # the mean of detrended traces is the detrended mean: smoothing is linear
    total = np.sum([part for _, part in parts], axis=0).reshape(domains.size, -1)

    def products(rows: slice) -> np.ndarray:
        traces = centred(values[rows], detrend_frames)
        return np.array([row_dots(traces, traces), *(row_dots(traces, sum_) for sum_ in total)])

    found = np.concatenate(over_blocks(products, values.shape, n_threads), axis=1)
    return _without_itself(labels, domains, n_members, total, found), _between(total)


def _without_itself(
    labels: np.ndarray,
    domains: np.ndarray,
    n_members: np.ndarray,
    total: np.ndarray,
    found: np.ndarray,
) -> np.ndarray:
    """Return correlations with sums S of domains; of a member x with S − x."""
    power, with_total = found[0], found[1:]
    total_power = row_dots(total, total)[:, None]
    own = labels == domains[:, None]
    covariance = np.where(own, with_total - power, with_total)
    variance = np.where(own, total_power - 2 * with_total + power, total_power)
    alone = own & (n_members[:, None] < 2)
    # what is left of S − x when all others are constant is rounding
    nothing = alone | (variance <= 1e-14 * total_power)
    scale = np.sqrt(np.where(nothing, np.nan, variance) * power)
    return np.clip(covariance / scale, -1, 1)


def _between(total: np.ndarray) -> np.ndarray:
    products = np.einsum("ij,kj->ik", total, total)
    length = np.sqrt(np.where(products.diagonal() > 0, products.diagonal(), np.nan))
    between: np.ndarray = np.clip(products / np.outer(length, length), -1, 1)
    np.fill_diagonal(between, np.where(np.isnan(length), np.nan, 1))
    return between


def correlation_matrix(
    values: np.ndarray,
    detrend_frames: int = 0,
    dtype: Any = np.float32,
    memory_mb: float = 512,
    n_threads: int | None = None,
) -> np.ndarray:
    """Correlate every trace with every other: a matrix product of standardised rows.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
    detrend_frames : int
        As for :func:`correlation_with`.
    dtype : {float32, float64}
        Of the product and the result; rows are standardised in float64.
    memory_mb : float
        Upper bound of the matrix, in MB of 10⁶ bytes.
    n_threads : int, optional

    Returns
    -------
    ndarray, shape (n_traces, n_traces)
        Symmetric, 1 on the diagonal; NaN in the rows and columns of constant and non-finite traces.

    Raises
    ------
    SettingsError
        If the matrix needs more memory; the message says how many traces would fit.
    """
    n_traces, n_frames = values.shape
    dtype = np.dtype(dtype)
    most = most_traces(memory_mb, dtype)
    if n_traces > most:
        raise SettingsError(
            f"the correlation matrix of {n_traces} pixels needs "
            f"{n_traces**2 * dtype.itemsize / 1e6:.0f} MB where maps.memory_mb allows "
            f"{memory_mb:g}; {most} pixels would fit: allow more, or raise the mask's threshold"
        )
    matrix = np.empty((n_traces, n_traces), dtype)
    with threadpool_limits(limits=1), ThreadPoolExecutor(n_threads or n_cores()) as pool:
        for above in blocks(n_traces, n_frames):
            tall = _finite_rows(values[above], detrend_frames, dtype)
            for beside in blocks(n_traces, n_frames):
                if beside.start < above.start:
                    matrix[above, beside] = matrix[beside, above].T
                    continue
                wide = tall if beside == above else None
                if wide is None:
                    wide = _finite_rows(values[beside], detrend_frames, dtype)
                _multiply(pool, tall, wide, matrix[above, beside])
            # a product may round (i, j) and (j, i) differently
            own = matrix[above, above]
            own[:] = np.triu(own) + np.triu(own, 1).T
    np.clip(matrix, -1, 1, out=matrix)
    undefined = matrix.diagonal() == 0
    matrix[undefined] = np.nan
    matrix[:, undefined] = np.nan
    np.fill_diagonal(matrix, np.where(undefined, np.nan, 1))
    return matrix


def most_traces(memory_mb: float, dtype: Any = np.float32) -> int:
    """Return how many traces have a correlation matrix of at most so many MB (10⁶ bytes)."""
    return math.isqrt(int(memory_mb * 1e6 / np.dtype(dtype).itemsize))


def _finite_rows(values: np.ndarray, detrend_frames: int, dtype: np.dtype) -> np.ndarray:
    """Return standardised rows, zeros where they are not defined: products with NaN are slow."""
    return np.nan_to_num(standardised(values, detrend_frames), copy=False).astype(dtype)


def _multiply(
    pool: ThreadPoolExecutor, tall: np.ndarray, wide: np.ndarray, out: np.ndarray
) -> None:
    def part(start: int) -> None:
        rows = slice(start, start + ROWS_PER_PRODUCT)
        np.matmul(tall[rows], wide.T, out=out[rows])

    list(pool.map(part, range(0, len(tall), ROWS_PER_PRODUCT)))
