"""Silhouettes of many labellings at once, from mean distances to clusters."""

from __future__ import annotations

import numpy as np


def counts_of_traces(labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the size of each trace's cluster.

    Parameters
    ----------
    labels : ndarray, shape (n_epochs, n_traces), int
    counts : ndarray, shape (n_clusters, n_epochs), int

    Returns
    -------
    ndarray, shape (n_epochs, n_traces), int
    """
    sizes: np.ndarray = counts[labels, np.arange(len(labels))[:, None]]
    return sizes


def distances_inside_and_out(
    mean_distance: np.ndarray, labels: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two mean distances behind a silhouette, of each trace in each labelling.

    Parameters
    ----------
    mean_distance : ndarray, shape (n_clusters, n_epochs, n_traces)
        Mean over all members of the cluster, the trace itself (distance 0) included.
    labels : ndarray, shape (n_epochs, n_traces), int
    counts : ndarray, shape (n_clusters, n_epochs), int
        Cluster sizes.

    Returns
    -------
    inside : ndarray, shape (n_epochs, n_traces)
        a_i: mean distance to the other members of the trace's own cluster; 0 where there are none.
    outside : ndarray, shape (n_epochs, n_traces)
        b_i: smallest mean distance to another cluster; ∞ where there is none.
    """
    epochs, traces = np.ogrid[: labels.shape[0], : labels.shape[1]]
    own_cluster = labels, epochs, traces
    size = counts_of_traces(labels, counts)
    inside = mean_distance[own_cluster] * (size / np.maximum(size - 1, 1))
    others = np.where(counts[:, :, None] > 0, mean_distance, np.inf)
    others[own_cluster] = np.inf
    return inside, others.min(axis=0)


def silhouettes_from_distances(
    inside: np.ndarray, outside: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """Return the silhouette s_i = (b_i − a_i) / max(a_i, b_i) of each trace [1]_.

    Parameters
    ----------
    inside, outside : ndarray, shape (n_epochs, n_traces)
        a_i and b_i, as `distances_inside_and_out` returns them.
    size : ndarray, shape (n_epochs, n_traces), int
        Size of each trace's cluster.

    Returns
    -------
    ndarray, shape (n_epochs, n_traces)
        0 for a trace alone in its cluster, as in scikit-learn, and where a_i = b_i = 0.

    References
    ----------
    .. [1] P. J. Rousseeuw, J. Comput. Appl. Math. 20, 53 (1987).
    """
    larger = np.maximum(inside, outside)
    comparable = (size > 1) & (larger > 0) & np.isfinite(outside)
    silhouettes = np.zeros_like(inside)
    np.divide(outside - inside, larger, out=silhouettes, where=comparable)
    return silhouettes
