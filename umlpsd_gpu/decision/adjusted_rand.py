"""Agreement of labellings: the adjusted Rand index of all pairs at once."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.kmeans.result import Sweep


def stability(sweep: Sweep, k: int) -> float:
    """Return the mean adjusted Rand index between all pairs of epochs at one K.

    Parameters
    ----------
    sweep : Sweep
    k : int
        One of ``sweep.k_values``.

    Returns
    -------
    float
        1 where every start ends in the same partition; NaN for a single epoch.

    Raises
    ------
    ValueError
        If K = k was not tried.
    """
    if sweep.n_epochs < 2:
        return float("nan")
    return mean_adjusted_rand(sweep.labels[sweep.index_of(k)])


def mean_adjusted_rand(labellings: np.ndarray) -> float:
    """Return the mean adjusted Rand index over all pairs of labellings.

    Parameters
    ----------
    labellings : ndarray, shape (n_labellings, n_traces), int
        At least two; from 0 up.

    Returns
    -------
    float
    """
    n_labellings = len(labellings)
    with_itself = n_labellings  # 1 for each labelling
    of_pairs = adjusted_rand(labellings).sum() - with_itself
    return float(of_pairs / (n_labellings * (n_labellings - 1)))


def adjusted_rand(labellings: np.ndarray) -> np.ndarray:
    """Return the adjusted Rand index [1]_ between all pairs of labellings.

    Parameters
    ----------
    labellings : ndarray, shape (n_labellings, n_traces), int
        From 0 up.

    Returns
    -------
    ndarray, shape (n_labellings, n_labellings)
        1 where two labellings are the same but for the numbering; 0 on average by chance.

    References
    ----------
    .. [1] L. Hubert and P. Arabie, J. Classif. 2, 193 (1985).
    """
    n_labellings, n_traces = labellings.shape
    n_clusters = int(labellings.max()) + 1
    # whole numbers up to n_traces: exact in float32 as in float64, and half the memory
    onehot = (labellings[:, None] == np.arange(n_clusters)[:, None]).astype(np.float32)
    flat = onehot.reshape(-1, n_traces)
    shared = (flat @ flat.T).reshape(n_labellings, n_clusters, n_labellings, n_clusters)
    together = np.einsum("ikjl,ikjl->ij", shared, shared - 1, dtype=np.float64) / 2
    alone = np.diagonal(together)
    expected = alone[:, None] * alone / (n_traces * (n_traces - 1) / 2)
    largest = (alone[:, None] + alone) / 2
    differ = largest != expected
    index: np.ndarray = np.ones_like(together)
    np.divide(together - expected, largest - expected, out=index, where=differ)
    return index
