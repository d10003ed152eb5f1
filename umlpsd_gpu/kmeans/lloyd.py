"""K-means for many restarts at once: greedy k-means++ starts, then Lloyd's iterations.

Every array of a batch of E restarts with K clusters has the shape (K, E, n_traces) or a part of
it, so that each cluster's plane is contiguous. Restarts that have converged drop out.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.threads import stopping_point
from umlpsd_gpu.kmeans.geometry import Geometry


def n_local_trials(n_clusters: int) -> int:
    """Return how many candidates each step of greedy k-means++ tries: 2 + ⌊ln K⌋.

    Parameters
    ----------
    n_clusters : int
        K, at least 1.

    Returns
    -------
    int
        The number that scikit-learn uses.
    """
    return 2 + int(np.log(n_clusters))


def draw_uniforms(n_clusters: int, n_epochs: int, seed: int) -> np.ndarray:
    """Return the random numbers of all starts at one K.

    They are drawn on the host and depend on ``seed`` and K only: engines, devices, blocks and
    threads get the same ones.

    Parameters
    ----------
    n_clusters : int
        K.
    n_epochs, seed : int

    Returns
    -------
    ndarray, shape (n_epochs, n_clusters, n_trials)
        In [0, 1).
    """
    generator = np.random.default_rng([seed, n_clusters])
    return generator.random((n_epochs, n_clusters, n_local_trials(n_clusters)))


def starting_traces(geometry: Geometry, uniforms: np.ndarray) -> np.ndarray:
    """Choose starting centroids by greedy k-means++ [1]_, for all epochs together.

    Parameters
    ----------
    geometry : Geometry
    uniforms : ndarray, shape (n_epochs, n_clusters, n_trials)
        Random numbers in [0, 1).

    Returns
    -------
    ndarray, shape (n_epochs, n_clusters), int
        Which traces the centroids start at.

    References
    ----------
    .. [1] D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
       Greedy: of several candidates the one that lowers the potential most is kept.
    """
    n_epochs, n_clusters, _ = uniforms.shape
    epochs = np.arange(n_epochs)
    chosen = np.empty((n_epochs, n_clusters), dtype=np.intp)
    chosen[:, 0] = (uniforms[:, 0, 0] * geometry.n_traces).astype(np.intp)
    nearest = geometry.sqdist_from(chosen[:, 0])
    for step in range(1, n_clusters):
        stopping_point()
        candidates = _draw_in_proportion(nearest, uniforms[:, step]).T
        lowered = geometry.sqdist_from(candidates)
        np.minimum(lowered, nearest, out=lowered)
        best = lowered.sum(axis=-1).argmin(axis=0)
        chosen[:, step] = candidates[best, epochs]
        nearest = lowered[best, epochs]
    return chosen


def _draw_in_proportion(mass: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Return, for each row, indices drawn with probability proportional to its ``mass``."""
    cumulated = np.cumsum(mass, axis=1)
    targets = uniforms * cumulated[:, -1:]
    # the first that reaches the target: the last always does
    drawn: np.ndarray = np.argmax(cumulated[:, None] >= targets[:, :, None], axis=-1)
    return drawn


def nearest_centroid(sqdist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Assign each trace to its nearest centroid, the one of lowest number among equally near ones.

    Parameters
    ----------
    sqdist : ndarray, shape (n_clusters, n_epochs, n_traces)
        Squared distances to the centroids.

    Returns
    -------
    labels : ndarray, shape (n_epochs, n_traces), int16
    least : ndarray, shape (n_epochs, n_traces)
        Squared distance to that centroid.
    """
    n_clusters = len(sqdist)
    least = sqdist.min(axis=0)
    # a few large array operations instead of a loop over clusters: threads then seldom wait for
    # the interpreter's lock
    rank = np.arange(n_clusters, 0, -1, dtype=np.min_scalar_type(n_clusters))
    nearest = (sqdist == least) * rank[:, None, None]
    return (n_clusters - nearest.max(axis=0)).astype(np.int16), least


def lloyd(
    geometry: Geometry, sqdist: np.ndarray, max_iter: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Run Lloyd's iterations of all epochs until no label changes.

    An empty cluster restarts at the trace farthest from its own centroid, which leaves its
    cluster (as scikit-learn does; MATLAB's "singleton").

    Parameters
    ----------
    geometry : Geometry
    sqdist : ndarray, shape (n_clusters, n_epochs, n_traces)
        Squared distances to the starting centroids; overwritten.
    max_iter : int
        Updates of the centroids at most.

    Returns
    -------
    labels : ndarray, shape (n_epochs, n_traces), int16
    n_iterations : ndarray, shape (n_epochs,), int
        Updates done.
    """
    n_clusters, n_epochs, n_traces = sqdist.shape
    labels = np.empty((n_epochs, n_traces), dtype=np.int16)
    n_iterations = np.empty(n_epochs, dtype=np.intp)
    running = np.arange(n_epochs)
    assigned, least = nearest_centroid(sqdist)
    centroids = geometry.centroids(n_clusters, n_epochs)
    averaged, changed = assigned, np.ones((n_clusters, n_epochs), dtype=bool)
    for iteration in range(1, max_iter + 1):
        stopping_point()
        rows, counts = centroids.sqdist(averaged, changed)
        if not counts.all():
            least = np.where(least > geometry.equal_below, least, 0)
            averaged = _fill_empty_clusters(assigned, least, n_clusters)
            changed |= _changed_clusters(assigned, averaged, n_clusters)
            rows, counts = centroids.sqdist(averaged, changed)
        rows[counts == 0] = np.inf
        sqdist[changed] = rows
        vacant = np.zeros_like(changed)
        vacant[changed] = counts == 0
        following, least = nearest_centroid(sqdist)
        going_on = (following != assigned).any(axis=1)
        labels[running] = following
        n_iterations[running] = iteration
        if not going_on.any():
            break
        # a cluster that gave its only trace to an empty one is refilled next
        changed = vacant | _changed_clusters(averaged, following, n_clusters)
        assigned = averaged = following
        if not going_on.all():
            running, sqdist, changed = running[going_on], sqdist[:, going_on], changed[:, going_on]
            assigned = averaged = following[going_on]
            least, centroids = least[going_on], centroids.part(going_on)
    return labels, n_iterations


def _changed_clusters(before: np.ndarray, after: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return which clusters gained or lost a trace; (n_clusters, n_epochs) bool.

    The centroids of all others stay where they are, and so do the distances to them.
    """
    changed = np.zeros((n_clusters, len(after)), dtype=bool)
    moved = np.flatnonzero(before != after)
    epoch = moved // after.shape[1]
    changed[before.take(moved), epoch] = True
    changed[after.take(moved), epoch] = True
    return changed


def _fill_empty_clusters(labels: np.ndarray, least: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return labels in which every empty cluster has taken the trace farthest from its centroid.

    Where all traces sit on their centroids there is nothing to move: the cluster stays empty.
    """
    filled = (labels == np.arange(n_clusters)[:, None, None]).any(axis=2)
    with_empty = np.flatnonzero(~filled.all(axis=0) & (least.max(axis=1) > 0))
    labels = labels.copy()
    for epoch in with_empty:
        empty = np.flatnonzero(~filled[:, epoch])
        # argpartition, not a sort: its choice among equals is scikit-learn's
        farthest = np.argpartition(least[epoch], -empty.size)[: -empty.size - 1 : -1]
        labels[epoch, farthest] = empty
    return labels
