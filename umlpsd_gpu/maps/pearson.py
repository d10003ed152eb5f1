"""Pearson correlation of every pixel with one pixel, with the domains, or with all pixels."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import DTypeLike
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.maps.standardise import blocks, centre, over_blocks, row_dots, standardise

# rows of one single-threaded product, fixed so that the result does not depend on the threads
ROWS_PER_PRODUCT = 256


def correlation_with(
    values: np.ndarray,
    reference: np.ndarray,
    detrend_frames: int = 0,
    n_threads: int | None = None,
) -> np.ndarray:
    """Return the Pearson correlation of every trace with one trace.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; may be mapped from a file, since only blocks of it are copied.
    reference : ndarray, shape (n_frames,)
        Counts.
    detrend_frames : int
        See :func:`umlpsd_gpu.maps.standardise.centre`; 0 compares the raw traces.
    n_threads : int, optional
        Default: all cores. The result does not depend on it.

    Returns
    -------
    ndarray, shape (n_traces,), float64
        −1…1; NaN for constant and non-finite traces, and everywhere if the reference is one.

    Raises
    ------
    SettingsError
        If ``detrend_frames`` is negative or longer than the traces.
    """
    (reference_row,) = standardise(np.asarray(reference)[None], detrend_frames)

    def part(rows: slice) -> np.ndarray:
        return row_dots(standardise(values[rows], detrend_frames), reference_row)

    correlation: np.ndarray = np.clip(
        np.concatenate(over_blocks(part, values.shape, n_threads)), -1, 1
    )
    return correlation


def correlation_with_domains(
    values: np.ndarray,
    labels: np.ndarray,
    detrend_frames: int = 0,
    n_threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate every trace with the mean trace of each domain, and these means with each other.

    A pixel is left out of the mean with which it is compared. Otherwise its own noise would raise
    the correlation, most of all in small domains.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; may be mapped from a file.
    labels : ndarray, shape (n_traces,), int
        Domain of each trace from 1; 0 for none.
    detrend_frames : int
        As for :func:`correlation_with`.
    n_threads : int, optional
        Default: all cores. The result does not depend on it.

    Returns
    -------
    with_domains : ndarray, shape (n_domains, n_traces)
        In rising order of the domain numbers. NaN for constant and non-finite traces, which are in
        no mean, and for the only pixel of a domain with itself.
    between_domains : ndarray, shape (n_domains, n_domains)
        Of the mean traces.

    Raises
    ------
    SettingsError
        If ``detrend_frames`` is negative or longer than the traces.
    """
    domains = np.unique(labels[labels > 0])

    def sums(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        traces = centre(values[rows], detrend_frames)
        sound = np.isfinite(traces[:, 0])
        members = [(labels[rows] == domain) & sound for domain in domains]
        total = [traces[chosen].sum(axis=0) for chosen in members]
        return np.array([chosen.sum() for chosen in members]), np.array(total)

    parts = over_blocks(sums, values.shape, n_threads)
    n_members = np.sum([n for n, _ in parts], axis=0)
    # the mean of detrended traces is the detrended mean: smoothing is linear
    total = np.sum([part for _, part in parts], axis=0).reshape(domains.size, -1)

    def products(rows: slice) -> np.ndarray:
        traces = centre(values[rows], detrend_frames)
        return np.array([row_dots(traces, traces), *(row_dots(traces, sum_) for sum_ in total)])

    found = np.concatenate(over_blocks(products, values.shape, n_threads), axis=1)
    return _correlate_without_self(labels, domains, n_members, total, found), _correlate_sums(total)


def _correlate_without_self(
    labels: np.ndarray,
    domains: np.ndarray,
    n_members: np.ndarray,
    total: np.ndarray,
    found: np.ndarray,
) -> np.ndarray:
    """Return correlations with sums S over domains; for a member x, with S − x."""
    power, with_total = found[0], found[1:]
    total_power = row_dots(total, total)[:, None]
    own = labels == domains[:, None]
    covariance = np.where(own, with_total - power, with_total)
    variance = np.where(own, total_power - 2 * with_total + power, total_power)
    alone = own & (n_members[:, None] < 2)
    # if all other members are constant, S − x is only rounding error
    undefined = alone | (variance <= 1e-14 * total_power)
    norm = np.sqrt(np.where(undefined, np.nan, variance) * power)
    correlation: np.ndarray = np.clip(covariance / norm, -1, 1)
    return correlation


def _correlate_sums(total: np.ndarray) -> np.ndarray:
    products = np.einsum("ij,kj->ik", total, total)
    length = np.sqrt(np.where(products.diagonal() > 0, products.diagonal(), np.nan))
    between: np.ndarray = np.clip(products / np.outer(length, length), -1, 1)
    np.fill_diagonal(between, np.where(np.isnan(length), np.nan, 1))
    return between


def correlation_matrix(
    values: np.ndarray,
    detrend_frames: int = 0,
    dtype: DTypeLike = np.float32,
    memory_mb: float = 512,
    n_threads: int | None = None,
) -> np.ndarray:
    """Return the Pearson correlations of all pairs of traces: a product of standardised rows.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; may be mapped from a file.
    detrend_frames : int
        As for :func:`correlation_with`.
    dtype : {float32, float64}
        Of the product and the result; rows are standardised in float64.
    memory_mb : float
        Largest size of the matrix, MB (10⁶ bytes).
    n_threads : int, optional
        Default: all cores. The result does not depend on it.

    Returns
    -------
    ndarray, shape (n_traces, n_traces)
        Symmetric, 1 on the diagonal; NaN in the rows and columns of constant and non-finite traces.

    Raises
    ------
    SettingsError
        If the matrix needs more memory (the message gives the number of traces that would fit), or
        ``detrend_frames`` is negative or longer than the traces.
    """
    n_traces, n_frames = values.shape
    dtype = np.dtype(dtype)
    most = most_traces(memory_mb, dtype)
    if n_traces > most:
        raise SettingsError(
            f"the correlation matrix of {n_traces} pixels needs "
            f"{n_traces**2 * dtype.itemsize / 1e6:.0f} MB, and maps.memory_mb allows "
            f"{memory_mb:g}; {most} pixels would fit: increase it, or raise the mask's threshold"
        )
    matrix = np.empty((n_traces, n_traces), dtype)
    with threadpool_limits(limits=1), ThreadPoolExecutor(n_threads or n_cores()) as pool:
        for above in blocks(n_traces, n_frames):
            tall = _finite_rows(values[above], detrend_frames, dtype)
            for across in blocks(n_traces, n_frames):
                if across.start < above.start:
                    matrix[above, across] = matrix[across, above].T
                    continue
                wide = tall if across == above else None
                if wide is None:
                    wide = _finite_rows(values[across], detrend_frames, dtype)
                _multiply(pool, tall, wide, matrix[above, across])
            # the product may round (i, j) and (j, i) differently
            own = matrix[above, above]
            own[:] = np.triu(own) + np.triu(own, 1).T
    np.clip(matrix, -1, 1, out=matrix)
    undefined = matrix.diagonal() == 0
    matrix[undefined] = np.nan
    matrix[:, undefined] = np.nan
    np.fill_diagonal(matrix, np.where(undefined, np.nan, 1))
    return matrix


def most_traces(memory_mb: float, dtype: DTypeLike = np.float32) -> int:
    """Return the largest number of traces whose correlation matrix fits in a given memory.

    Parameters
    ----------
    memory_mb : float
        MB (10⁶ bytes).
    dtype : {float32, float64}
        Of the matrix.

    Returns
    -------
    int
    """
    return math.isqrt(int(memory_mb * 1e6 / np.dtype(dtype).itemsize))


def _finite_rows(values: np.ndarray, detrend_frames: int, dtype: np.dtype) -> np.ndarray:
    """Return standardised rows, 0 where they are undefined, since products with NaN are slow."""
    standard: np.ndarray = np.nan_to_num(standardise(values, detrend_frames), copy=False).astype(
        dtype
    )
    return standard


def _multiply(
    pool: ThreadPoolExecutor, tall: np.ndarray, wide: np.ndarray, out: np.ndarray
) -> None:
    def part(start: int) -> None:
        rows = slice(start, start + ROWS_PER_PRODUCT)
        np.matmul(tall[rows], wide.T, out=out[rows])

    list(pool.map(part, range(0, len(tall), ROWS_PER_PRODUCT)))
