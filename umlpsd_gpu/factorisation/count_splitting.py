"""Counts split at random into independent parts: components of one must predict the other.

Neufeld, Dharamshi, Gao and Witten, J. Mach. Learn. Res. 25, 57 (2024).
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host

# Share of the counts from which components are found, and repetitions of the split
TRAINING_SHARE, N_SPLITS = 0.9, 4


def count_splitting_loss(counts: Array, k_max: int, seed: int = 0) -> Array:
    """Return how well the leading components of a part of the counts predict the other part.

    Parameters
    ----------
    counts : ndarray of counts, shape (n_samples, n_features)
        Every sample and feature has some.
    k_max : int
    seed : int

    Returns
    -------
    ndarray, shape (k_max,)
        Mean squared error of 1…k_max components relative to none, in units of the variance of all
        elements; smallest for the number of components that the data support.
    """
    whole = on_host(counts).astype(np.int64)
    rng = np.random.default_rng(seed)
    row_sums, column_sums = whole.sum(axis=1), whole.sum(axis=0)
    weights = 1.0 / np.sqrt(np.outer(row_sums, column_sums / row_sums.sum()))
    k_max = min(k_max, *whole.shape)
    gain = np.zeros(k_max)
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(N_SPLITS):
            training = rng.binomial(whole, TRAINING_SHARE)
            left, values, right = _leading(training * weights, k_max)
            overlap = np.einsum(
                "ik,ij,kj->k", left, (whole - training) * weights, right, optimize=True
            )
            predicted = (1 - TRAINING_SHARE) / TRAINING_SHARE * values
            gain += predicted**2 - 2 * predicted * overlap
    loss: Array = np.cumsum(gain) / (N_SPLITS * whole.size)
    return loss


def _leading(matrix: Array, rank: int) -> tuple[Array, Array, Array]:
    is_tall = matrix.shape[0] >= matrix.shape[1]
    tall = matrix if is_tall else matrix.T
    _, vectors = np.linalg.eigh(tall.T @ tall)
    right = vectors[:, ::-1][:, :rank]
    left = tall @ right
    values = np.linalg.norm(left, axis=0)
    left = left / np.where(values > 0, values, 1.0)
    return (left, values, right.T) if is_tall else (right, values, left.T)
