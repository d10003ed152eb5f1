"""Whole restarts of K-means in compiled code, from the distances of all pairs.

A sweep of a few hundred traces consists of many small steps, whose overhead in NumPy costs more
than the arithmetic. ``kernels/kmeans_restarts.c`` runs a restart to its end in one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from umlpsd_gpu.compute.cpu_kernel import library
from umlpsd_gpu.compute.threads import stopping_point
from umlpsd_gpu.kmeans.distance_stack import PairStack
from umlpsd_gpu.kmeans.distances import PairGeometry
from umlpsd_gpu.kmeans.geometry import Geometry
from umlpsd_gpu.kmeans.membership import Members
from umlpsd_gpu.kmeans.metrics import Metrics, metrics_of_distances

# 5,792 traces, 4,096 with Euclidean silhouettes: as far as it was measured to be faster than
# products of matrices (docs/optimisation_log.md).
MOST_PAIR_BYTES = 256 << 20


@dataclass(frozen=True)
class Restarted:
    """Restarts of K-means at one K, and their distances.

    Attributes
    ----------
    labels : ndarray, shape (n_epochs, n_traces), int16
    n_iterations : ndarray, shape (n_epochs,), int
        0 where a cluster went empty: that restart was given up, and its rows in the other arrays
        have no meaning.
    counts : ndarray, shape (n_epochs, n_clusters), int
        Cluster sizes.
    widths : ndarray, shape (n_epochs, n_clusters)
        Mean squared distance of each cluster's members to its centroid.
    inside, outside : ndarray, shape (n_epochs, n_traces)
        Mean distance of each trace to the other members of its cluster, and to those of the
        nearest other cluster (∞ where there is none).
    n_rows : ndarray, shape (n_epochs,), int
        Rows of pairs that were summed, a measure of the work done.
    flops : float
        Operations on coordinates of points, in all restarts.
    """

    labels: np.ndarray
    n_iterations: np.ndarray
    counts: np.ndarray
    widths: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    n_rows: np.ndarray
    flops: float = 0.0

    @property
    def is_done(self) -> np.ndarray:
        """Which restarts were not given up; (n_epochs,) bool."""
        return self.n_iterations > 0

    def metrics(self, geometry: Geometry, epochs: np.ndarray | slice = slice(None)) -> Metrics:
        """Return the metrics of restarts that were not given up.

        Parameters
        ----------
        geometry : Geometry
            Of the traces.
        epochs : ndarray, shape (n_epochs,), bool, or slice
            Which restarts; none of them may have been given up. Default: all.

        Returns
        -------
        Metrics
        """
        labels, counts = self.labels[epochs], self.counts[epochs]
        return metrics_of_distances(
            Members.of_all(labels, counts.shape[1]),
            labels,
            counts.T,
            (counts * self.widths[epochs]).sum(axis=1),
            self.inside[epochs],
            self.outside[epochs],
            geometry.part(epochs).total_ssd,
            geometry.n_traces,
        )


def is_compiled(
    n_traces: int, silhouette_metric: str = "sqeuclidean", judged: np.ndarray | None = None
) -> bool:
    """Return whether `kmeans_restarts` can take ensembles of this size on this machine.

    Parameters
    ----------
    n_traces : int
    silhouette_metric : {"sqeuclidean", "euclidean"}
    judged : ndarray, shape (n_judged,), int, optional
        Which traces get a silhouette; compiled code computes all of them.

    Returns
    -------
    bool
        False also where the kernel was not compiled.
    """
    n_matrices = 2 if silhouette_metric == "euclidean" else 1
    fits = 8 * n_matrices * n_traces**2 <= MOST_PAIR_BYTES
    return fits and judged is None and library() is not None


def takes(geometry: Geometry, silhouette_metric: str) -> TypeGuard[PairGeometry | PairStack]:
    """Return whether `kmeans_restarts` can take this geometry.

    Parameters
    ----------
    geometry : Geometry
    silhouette_metric : {"sqeuclidean", "euclidean"}

    Returns
    -------
    bool
    """
    has_pairs = isinstance(geometry, PairGeometry | PairStack)
    return has_pairs and is_compiled(geometry.n_traces, silhouette_metric, geometry.judged)


def kmeans_restarts(
    geometry: PairGeometry | PairStack,
    uniforms: np.ndarray,
    silhouette_metric: str,
    max_iter: int,
) -> Restarted:
    """Run whole restarts of K-means, from greedy k-means++ to the last label, one after another.

    Parameters
    ----------
    geometry : PairGeometry or PairStack
    uniforms : ndarray, shape (n_epochs, n_clusters, n_trials)
        Random numbers in [0, 1).
    silhouette_metric : {"sqeuclidean", "euclidean"}
    max_iter : int
        Lloyd iterations at most.

    Returns
    -------
    Restarted

    Raises
    ------
    MemoryError
        If the kernel can't allocate its work space.
    """
    stopping_point()
    n_epochs, n_clusters, n_trials = uniforms.shape
    n_traces = geometry.n_traces
    sqdist, matrix_of_run = geometry.sqdist, np.zeros(n_epochs, dtype=np.int64)
    if isinstance(geometry, PairStack):
        matrix_of_run = geometry.ensemble
    distance = geometry.distance if silhouette_metric == "euclidean" else sqdist
    shape = -1, n_traces, n_traces
    found = Restarted(
        labels=np.empty((n_epochs, n_traces), dtype=np.int16),
        n_iterations=np.empty(n_epochs, dtype=np.int64),
        counts=np.empty((n_epochs, n_clusters), dtype=np.int64),
        widths=np.empty((n_epochs, n_clusters)),
        inside=np.empty((n_epochs, n_traces)),
        outside=np.empty((n_epochs, n_traces)),
        n_rows=np.empty(n_epochs, dtype=np.int64),
    )
    failed = library().kmeans_restarts(
        sqdist.reshape(shape),
        distance.reshape(shape),
        n_traces,
        matrix_of_run,
        uniforms,
        n_epochs,
        n_clusters,
        n_trials,
        max_iter,
        found.labels,
        found.n_iterations,
        found.counts,
        found.widths,
        found.inside,
        found.outside,
        found.n_rows,
    )
    if failed:
        raise MemoryError(f"no memory for K-means of {n_clusters} clusters and {n_traces} traces")
    return found
