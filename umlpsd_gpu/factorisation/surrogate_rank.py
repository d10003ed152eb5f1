"""How many components vary within a data set more than they would if nothing in it were local.

Surrogates share with the data what is the same everywhere. Principal components of the data that
are larger than any of the surrogates vary from place to place.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from scipy import special
from scipy.sparse.linalg import ArpackError, eigsh
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.result import RankDecision

# Probability at which a principal component of a stationary data set is taken for a local one
SIGNIFICANCE = 0.02
# Least relative scatter of the largest variances of surrogates, of which there are few
LEAST_SCATTER = 0.01
# Where the data's own components fall below this share of those of surrogates, phases of sharp
# lines matter and surrogates vary more than the data would
CONSERVATIVE = 0.5
# The few largest eigenvalues of matrices of this many rows and more are computed by Lanczos' method
# with this many vectors: a third of the time, and errors below 1e-12
LANCZOS_FROM, LANCZOS_VECTORS = 400, 80


def centred_variances(matrix: Array, n_leading: int) -> np.ndarray:
    """Return the largest variances of the principal components of a matrix.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    n_leading : int

    Returns
    -------
    ndarray, shape (n_leading,)
        Sums of squares, largest first.
    """
    centred = matrix - matrix.mean(axis=0)
    is_tall = centred.shape[0] >= centred.shape[1]
    with threadpool_limits(limits=1, user_api="blas"):
        gram = on_host(centred.T @ centred if is_tall else centred @ centred.T)
        values = _largest_eigenvalues(gram.astype(np.float64), n_leading)
    leading: np.ndarray = np.maximum(values, 0.0)
    return leading


def _largest_eigenvalues(matrix: np.ndarray, n: int) -> np.ndarray:
    """Return the largest eigenvalues of a symmetric matrix, largest first."""
    size = matrix.shape[0]
    if size >= LANCZOS_FROM and matrix.any():
        with suppress(ArpackError):
            values = eigsh(
                matrix,
                n,
                which="LA",
                v0=np.ones(size),
                ncv=LANCZOS_VECTORS,
                return_eigenvectors=False,
            )
            return np.sort(values)[::-1]
    return np.linalg.eigvalsh(matrix)[::-1][:n]


def p_values(variances: np.ndarray, of_surrogates: np.ndarray) -> np.ndarray:
    """Return the probability of variances at least as large if nothing is local.

    Each is compared with that of the same place in the order of surrogates (parallel analysis;
    Horn, Psychometrika 30, 179, 1965), whose logarithms are taken as normal: a new one exceeds
    them by Student's t.

    Parameters
    ----------
    variances : ndarray, shape (n,)
    of_surrogates : ndarray, shape (n_surrogates, n)
        At least 3 surrogates.

    Returns
    -------
    ndarray, shape (n,)
        0…1.
    """
    tiny = np.finfo(float).tiny
    logs = np.log(np.maximum(of_surrogates, tiny))
    n = logs.shape[0]
    scatter = np.maximum(logs.std(axis=0, ddof=1), LEAST_SCATTER) * np.sqrt(1 + 1 / n)
    excess = (np.log(np.maximum(variances, tiny)) - logs.mean(axis=0)) / scatter
    p: np.ndarray = special.stdtr(n - 1, -excess)
    return p


def decide_rank_by_surrogates(
    variances: np.ndarray,
    of_surrogates: Sequence[np.ndarray],
    k_max: int,
    n_left_out: int = 0,
) -> RankDecision:
    """Decide how many components vary locally; one alone is the same everywhere.

    Parameters
    ----------
    variances : ndarray, shape (n_leading,)
        Of the data; from `centred_variances`.
    of_surrogates : sequence of ndarray, shape (n_leading,)
        Of each surrogate; at least 3.
    k_max : int
        Largest number that is considered; less than ``n_leading``.
    n_left_out : int
        Frequencies that were left out because they are the same everywhere; for the reason.

    Returns
    -------
    RankDecision
        K is 1 if nothing is local. ``curves["p-value"]`` has the p-value of a second, third, …
        component. The probability is that of the next component being none, and of the last one
        being one.
    """
    others = np.array(of_surrogates)
    largest = others[:, 0]
    p = p_values(variances, others)
    n_local = int(np.argmax(p > SIGNIFICANCE)) if (p > SIGNIFICANCE).any() else p.size
    k = min(k_max, 1 + n_local)
    next_p = float(p[n_local]) if n_local < p.size else 1.0
    last_p = float(p[n_local - 1]) if n_local else 0.0
    curves = {
        "variance": variances,
        "surrogates": largest,
        "lowest surrogate": others.min(axis=0),
        "highest surrogate": others.max(axis=0),
        "p-value": p,
    }
    is_conservative = bool(
        n_local < variances.size and variances[n_local] < CONSERVATIVE * largest.min()
    )
    reason = _reason(k, float(p[0]), len(of_surrogates))
    if n_left_out:
        reason += (
            f"; {n_left_out} frequencies at which all windows have the same amplitude, as of one "
            "lattice, were left out"
        )
    if is_conservative:
        reason += "; sharp lattice peaks make this test conservative, so that more may be local"
    probability = (1 - last_p) * min(1.0, next_p / SIGNIFICANCE / 2 + 0.5)
    return RankDecision(k, probability, reason, {"surrogates": k}, curves)


def show_p(p: float) -> str:
    """Return a p-value with its sign of comparison, as "= 0.061" or "< 0.001".

    Parameters
    ----------
    p : float

    Returns
    -------
    str

    Examples
    --------
    >>> show_p(0.0612), show_p(3e-7)
    ('= 0.061', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def _reason(k: int, p: float, n_surrogates: int) -> str:
    if k == 1:
        return (
            f"nothing in the image is local: its windows vary no more than those of {n_surrogates} "
            f"images with the same spectrum and random phases (p {show_p(p)})"
        )
    return (
        f"{k} local spectra: {k - 1} principal component{'s' * (k > 2)} of the windows "
        f"{'vary' if k > 2 else 'varies'} more than in images with the same spectrum and "
        f"random phases (p {show_p(p)})"
    )
