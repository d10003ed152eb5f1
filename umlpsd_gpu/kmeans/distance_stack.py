"""Squared distances within many small ensembles of one size, swept as if they were one.

Calls from Python take most of the time of a sweep of 100 traces; fifty ensembles at once need
hardly more calls than one.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.kmeans.centroids import RenewedCentroids
from umlpsd_gpu.kmeans.membership import Members


class PairStack:
    """The pair matrices of several ensembles, and which ensemble each epoch belongs to.

    A `Geometry`; its methods are described there.

    Parameters
    ----------
    sqdist : ndarray, shape (n_ensembles, n_traces, n_traces), float64
        Squared distances within each ensemble: symmetric, zero on the diagonal.
    ensemble : ndarray, shape (n_epochs,), int
        Which ensemble each epoch labels.
    """

    judged: np.ndarray | None = None

    def __init__(self, sqdist: np.ndarray, ensemble: np.ndarray) -> None:
        self.sqdist = sqdist
        self.ensemble = ensemble
        self.n_traces = sqdist.shape[1]
        self.equal_below = np.zeros(self.n_traces)

    @property
    def total_ssd(self) -> np.ndarray:
        """Sum of squared distances of each epoch's traces to their mean; (n_epochs,)."""
        total: np.ndarray = self.sqdist.sum(axis=(1, 2))[self.ensemble] / (2 * self.n_traces)
        return total

    @property
    def distance(self) -> np.ndarray:
        """Euclidean distances within each ensemble; (n_ensembles, n_traces, n_traces)."""
        distance: np.ndarray = np.sqrt(self.sqdist)
        return distance

    def part(self, epochs: np.ndarray | slice) -> PairStack:
        """Return the same for some of the epochs."""
        return PairStack(self.sqdist, self.ensemble[epochs])

    def centroids(self, n_clusters: int, n_epochs: int) -> RenewedCentroids:
        """Return what follows the centroids of a batch of restarts."""
        return RenewedCentroids(self)

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        """Return squared distances of the given traces to all; ``(*traces.shape, n_traces)``."""
        sqdist: np.ndarray = self.sqdist[self.ensemble, traces]
        return sqdist

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        """Return squared distances of all traces to each cluster's mean; (n_rows, n_traces)."""
        sqdist = self._average(members, self.sqdist)
        sqdist -= members.average(sqdist)[:, None] / 2
        return sqdist

    def mean_distance(self, members: Members) -> np.ndarray:
        """Return mean Euclidean distances of all traces to each cluster; (n_rows, n_traces)."""
        return self._average(members, self.distance)

    def _average(self, members: Members, matrices: np.ndarray) -> np.ndarray:
        """Multiply each row of weights by the matrix of its ensemble."""
        ensemble = self.ensemble[members.epoch]
        order = np.argsort(ensemble, kind="stable")
        ends = np.cumsum(np.bincount(ensemble, minlength=len(matrices))).tolist()
        weights = members.weights()[order]
        products = np.empty_like(weights)
        start = 0
        for matrix, end in zip(matrices, ends, strict=True):
            np.matmul(weights[start:end], matrix, out=products[start:end])
            start = end
        averaged = np.empty_like(products)
        averaged[order] = products
        return averaged
