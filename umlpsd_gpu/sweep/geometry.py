"""Squared distances between traces and cluster centroids, for many labellings in one product.

A labelling enters as a row of weights per cluster, 1/n_c for its members and 0 elsewhere. The
product of those rows with a matrix that is the same for every K and every epoch moves all
restarts of K-means at once. There are two such matrices:

- ``PairGeometry``: D², the squared distances between traces (n × n).  With M = W D² the squared
  distance of trace i to the centroid of cluster c is M_ci − ½ Σ_j W_cj M_cj, whatever the length
  of the traces: n traces of 10,000 frames cost what n traces of n frames cost.
- ``PointGeometry``: the centred traces (n × d) themselves, for many short traces.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import cached_property
from typing import Protocol

import numpy as np

from umlpsd_gpu.sweep.members import Members

# Two traces nearer than this, relative to their squared distances from the ensemble mean, are
# equal: rounding of |x|² + |y|² − 2xy in float64 leaves a few 1e-16 of |x|².
EQUAL_BELOW = 1e-14
ROWS_PER_TILE = 64
MAX_PAIR_BYTES = 1 << 30


class Geometry(Protocol):
    """What K-means and its metrics need to know about the traces."""

    n_traces: int
    total_ssd: float

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        """Return squared distances of the given traces to all; ``(*traces.shape, n_traces)``."""

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        """Return squared distances of all traces to each cluster's mean; (n_rows, n_traces)."""

    def mean_distance(self, members: Members) -> np.ndarray:
        """Return mean Euclidean distances of all traces to each cluster; (n_rows, n_traces)."""


def geometry_of(values: np.ndarray, pool: Executor) -> PairGeometry | PointGeometry:
    """Choose the cheaper of the two: an iteration costs n per row with pairs, 2 d with points.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples), finite
    pool : Executor
        Runs the tiles of the pair matrix; each tile is one single-threaded product, so that the
        bits do not depend on the number of threads.
    """
    n_traces, n_samples = values.shape
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    if n_traces <= 2 * n_samples and 8 * n_traces**2 <= MAX_PAIR_BYTES:
        return PairGeometry(_pairwise_sqeuclidean(centred, pool))
    return PointGeometry(centred)


class PairGeometry:
    """All squared distances between traces, held as one matrix.

    Parameters
    ----------
    sqdist : ndarray, shape (n_traces, n_traces), float64
        Symmetric, zero on the diagonal.
    """

    def __init__(self, sqdist: np.ndarray) -> None:
        self.sqdist = sqdist
        self.n_traces = len(sqdist)
        self.total_ssd = float(sqdist.sum() / (2 * self.n_traces))

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        return self.sqdist[traces]

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        sqdist = members.weights() @ self.sqdist
        sqdist -= members.average(sqdist)[:, None] / 2
        return sqdist

    def mean_distance(self, members: Members) -> np.ndarray:
        return members.weights() @ self._distance

    @cached_property
    def _distance(self) -> np.ndarray:
        return np.sqrt(self.sqdist)


class PointGeometry:
    """The centred traces; distances between them exist only as tiles.

    Parameters
    ----------
    points : ndarray, shape (n_traces, n_samples), float64
        Mean over the traces subtracted, against cancellation in |x|² + |y|² − 2xy.
    """

    def __init__(self, points: np.ndarray) -> None:
        self.points = points
        self.n_traces = len(points)
        self.sqnorms = np.einsum("id,id->i", points, points)
        self.total_ssd = float(self.sqnorms.sum())

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        picked = traces.ravel()
        sqdist = self._sqdist_between(self.points[picked], self.sqnorms[picked])
        sqdist[np.arange(picked.size), picked] = 0
        return sqdist.reshape(*traces.shape, self.n_traces)

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        centroids = members.weights() @ self.points
        return self._sqdist_between(centroids, np.einsum("rd,rd->r", centroids, centroids))

    def mean_distance(self, members: Members) -> np.ndarray:
        weights = members.weights()
        mean = np.zeros_like(weights)
        for start in range(0, self.n_traces, ROWS_PER_TILE):
            rows = np.arange(start, min(start + ROWS_PER_TILE, self.n_traces))
            mean += weights[:, rows] @ np.sqrt(self.sqdist_from(rows))
        return mean

    def _sqdist_between(self, others: np.ndarray, others_sqnorms: np.ndarray) -> np.ndarray:
        sqdist = others @ self.points.T
        scale = others_sqnorms[:, None] + self.sqnorms
        sqdist *= -2
        sqdist += scale
        scale *= EQUAL_BELOW
        sqdist[sqdist < scale] = 0
        return sqdist


def _pairwise_sqeuclidean(centred: np.ndarray, pool: Executor) -> np.ndarray:
    """Return |x_i − x_j|² from tiles of the Gram matrix, mirrored so that it is symmetric."""
    n_traces = len(centred)
    gram = np.empty((n_traces, n_traces))

    def fill(start: int) -> None:
        stop = min(start + ROWS_PER_TILE, n_traces)
        gram[start:stop, :stop] = centred[start:stop] @ centred[:stop].T

    list(pool.map(fill, range(0, n_traces, ROWS_PER_TILE)))
    lower = np.tril_indices(n_traces, -1)
    gram.T[lower] = gram[lower]
    sqnorms = gram.diagonal().copy()
    scale = sqnorms[:, None] + sqnorms
    sqdist = scale - 2 * gram
    sqdist[sqdist < EQUAL_BELOW * scale] = 0
    np.fill_diagonal(sqdist, 0)
    return sqdist
