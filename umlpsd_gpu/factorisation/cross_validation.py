"""Number of components by bi-cross-validation, for data whose noise is unknown.

Owen and Perry, Ann. Appl. Stat. 3, 564 (2009): a block of rows and columns is predicted from the
other rows and columns through their leading components.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host

# Parts of rows and of columns: each block left out is a quarter of the matrix
N_PARTS = 2
N_REPEATS = 4


def cross_validation_loss(matrix: Array, k_max: int, seed: int = 0) -> Array:
    """Return the error of prediction of left-out blocks by the number of components.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    k_max : int
    seed : int

    Returns
    -------
    ndarray, shape (k_max,)
        Squared error relative to predicting zero, for 1…k_max components.
    """
    values = on_host(matrix).astype(np.float64)
    rng = np.random.default_rng(seed)
    error, total = np.zeros(k_max), 0.0
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(N_REPEATS):
            rows = np.array_split(rng.permutation(values.shape[0]), N_PARTS)
            columns = np.array_split(rng.permutation(values.shape[1]), N_PARTS)
            for some_rows in rows:
                for some_columns in columns:
                    error += _block_errors(values, some_rows, some_columns, k_max)
                    total += float((values[np.ix_(some_rows, some_columns)] ** 2).sum())
    relative: Array = error / total
    return relative


def _block_errors(values: Array, rows: Array, columns: Array, k_max: int) -> Array:
    other_rows = np.setdiff1d(np.arange(values.shape[0]), rows)
    other_columns = np.setdiff1d(np.arange(values.shape[1]), columns)
    beside = values[np.ix_(rows, other_columns)]
    above = values[np.ix_(other_rows, columns)]
    left, sizes, right = np.linalg.svd(
        values[np.ix_(other_rows, other_columns)], full_matrices=False
    )
    residual = values[np.ix_(rows, columns)].copy()
    to_rows, to_columns = beside @ right.T, left.T @ above
    errors = np.empty(k_max)
    for k in range(k_max):
        if k < sizes.size and sizes[k] > 1e-12 * sizes[0]:
            residual -= np.outer(to_rows[:, k], to_columns[k]) / sizes[k]
        errors[k] = float((residual**2).sum())
    return errors
