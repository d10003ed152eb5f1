"""Bi-cross-validation: how well a part of the samples and features predicts the rest.

Owen and Perry, Ann. Appl. Stat. 3, 564 (2009): a block of rows and columns is predicted from the
other rows and columns through their leading components. Noise need not be known.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host

# Parts of rows and of columns: each block left out is a quarter of the matrix
N_PARTS = 2
N_REPEATS = 4


def cross_validation_loss(
    matrix: Array, k_max: int, seed: int = 0, groups: np.ndarray | None = None
) -> Array:
    """Return the error of prediction of left-out blocks by the number of components.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
        Samples are independent of each other.
    k_max : int
    seed : int
    groups : ndarray of int, shape (n_features,), optional
        Features of a group are left out together, since their noise is alike. Default: features
        are independent.

    Returns
    -------
    ndarray, shape (k_max,)
        Squared error relative to predicting zero, for 1…k_max components; above 1 where they
        predict nothing.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(60, 50))
    >>> bool(cross_validation_loss(noise, 3).min() > 1)
    True
    >>> two = noise + rng.normal(size=(60, 2)) @ rng.normal(size=(2, 50))
    >>> int(cross_validation_loss(two, 3).argmin()) + 1
    2
    """
    values = on_host(matrix).astype(np.float64)
    if groups is None:
        groups = np.arange(values.shape[1])
    names, members = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    error, total = np.zeros(k_max), 0.0
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(N_REPEATS):
            rows = np.array_split(rng.permutation(values.shape[0]), N_PARTS)
            part_of_group = rng.permutation(names.size) % N_PARTS
            for some_rows in rows:
                for part in range(N_PARTS):
                    columns = np.flatnonzero(part_of_group[members] == part)
                    error += _block_errors(values, some_rows, columns, k_max)
                    total += float((values[np.ix_(some_rows, columns)] ** 2).sum())
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
