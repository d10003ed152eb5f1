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
from functools import partial

import numpy as np

from umlpsd_gpu.compute.threads import stopping_point
from umlpsd_gpu.kmeans.centroids import FollowedCentroids, RenewedCentroids
from umlpsd_gpu.kmeans.columns import centred_blocks
from umlpsd_gpu.kmeans.membership import Members
from umlpsd_gpu.kmeans.principal import PrincipalPoints

# Two traces closer than this, relative to their squared distances from the ensemble mean, are
# equal: rounding of |x|² + |y|² − 2xy in float64 leaves a few 1e-16 of |x|².
EQUAL_BELOW = 1e-14
ROWS_PER_TILE = 64
MAX_PAIR_BYTES = 1 << 30
# With points too, distances between all traces are kept for k-means++ up to this size: it asks for
# those from each trace about a hundred times.
KEPT_PAIR_BYTES = 64 << 20


def geometry_of(
    values: np.ndarray,
    pool: Executor,
    silhouette_metric: str = "sqeuclidean",
    judged: np.ndarray | None = None,
    prefer_pairs: bool = False,
) -> PairGeometry | PointGeometry:
    """Choose the cheaper of the two: an iteration costs n per row with pairs, 2 d with points.

    Euclidean silhouettes need all distances for every labelling: these are kept where they fit.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples), finite
    pool : Executor
        Runs the tiles of the pair matrix; each tile is one single-threaded product, so that the
        bits do not depend on the number of threads.
    silhouette_metric : {"sqeuclidean", "euclidean"}
    judged : ndarray, shape (n_judged,), int, optional
        Traces that get a silhouette; default: all.
    prefer_pairs : bool
        Take pairs whatever is cheaper: for an engine that works on pairs only.

    Returns
    -------
    PairGeometry or PointGeometry
    """
    n_traces, n_samples = values.shape
    euclidean = silhouette_metric == "euclidean"
    if prefer_pairs or (n_traces <= 2 * n_samples and 8 * n_traces**2 <= MAX_PAIR_BYTES):
        pairs = PairGeometry(pairwise_sqeuclidean(values, pool), judged)
        if euclidean:
            pairs.keep_distances()
        return pairs
    centred = np.asarray(values, dtype=np.float64)
    points = PointGeometry(centred - centred.mean(axis=0), judged)
    if 8 * n_traces**2 <= KEPT_PAIR_BYTES:
        points.keep_pairs(pool)
    if euclidean and 8 * n_traces * points.n_judged <= MAX_PAIR_BYTES:
        points.keep_distances(pool)
    return points


class PairGeometry:
    """All squared distances between traces, held as one matrix.

    A `Geometry`; its methods are described there.

    Parameters
    ----------
    sqdist : ndarray, shape (n_traces, n_traces), float64
        Symmetric, zero on the diagonal.
    judged : ndarray, shape (n_judged,), int, optional
        Traces that get a silhouette; default: all.
    """

    def __init__(self, sqdist: np.ndarray, judged: np.ndarray | None = None) -> None:
        self.sqdist = sqdist
        self.n_traces = len(sqdist)
        self.total_ssd = float(sqdist.sum() / (2 * self.n_traces))
        self.equal_below = np.zeros(self.n_traces)
        self.judged = judged
        self._distance: np.ndarray | None = None

    def centroids(self, n_clusters: int, n_epochs: int) -> RenewedCentroids:
        """Return what follows the centroids of a batch of restarts."""
        return RenewedCentroids(self)

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        """Return squared distances of the given traces to all; ``(*traces.shape, n_traces)``."""
        sqdist: np.ndarray = self.sqdist[traces]
        return sqdist

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        """Return squared distances of all traces to each cluster's mean; (n_rows, n_traces)."""
        sqdist: np.ndarray = members.weights() @ self.sqdist
        sqdist -= members.average(sqdist)[:, None] / 2
        return sqdist

    def mean_distance(self, members: Members) -> np.ndarray:
        """Return mean Euclidean distances of judged traces to each cluster; (n_rows, n_judged)."""
        mean: np.ndarray = members.weights() @ self.distance
        return mean

    def part(self, epochs: np.ndarray | slice) -> PairGeometry:
        """Return the same: all epochs label the same traces."""
        return self

    @property
    def distance(self) -> np.ndarray:
        """Euclidean distances of all traces to the judged ones; (n_traces, n_judged)."""
        if self._distance is not None:
            return self._distance
        sqdist = self.sqdist if self.judged is None else self.sqdist[:, self.judged]
        distance: np.ndarray = np.sqrt(sqdist)
        return distance

    def keep_distances(self) -> None:
        """Keep `distance`, which Euclidean silhouettes need for every labelling."""
        self._distance = self.distance


class PointGeometry:
    """The centred traces; distances between them are computed in tiles, unless kept.

    A `Geometry`; its methods are described there.

    Parameters
    ----------
    points : ndarray, shape (n_traces, n_samples), float64
        Mean over the traces subtracted, against cancellation in |x|² + |y|² − 2xy.
    judged : ndarray, shape (n_judged,), int, optional
        Traces that get a silhouette; default: all.
    """

    def __init__(self, points: np.ndarray, judged: np.ndarray | None = None) -> None:
        self.points = points
        self.n_traces = len(points)
        self.sqnorms = np.einsum("id,id->i", points, points)
        self.total_ssd = float(self.sqnorms.sum())
        self.equal_below = 2 * EQUAL_BELOW * self.sqnorms
        self.judged = judged
        self.n_judged = self.n_traces if judged is None else judged.size
        self.principal: PrincipalPoints | None = None
        self._pairs: np.ndarray | None = None
        self._distance: np.ndarray | None = None
        # one product gives |c|² + |x|² − 2cx: two more terms cost less than passes over the result
        self._columns = np.vstack([points.T, np.ones(self.n_traces), self.sqnorms])

    def centroids(self, n_clusters: int, n_epochs: int) -> FollowedCentroids:
        """Return what follows the centroids of a batch of restarts."""
        return FollowedCentroids.empty(self, n_clusters, n_epochs)

    def sqdist_to_points(self, others: np.ndarray) -> np.ndarray:
        """Return squared distances of all traces to any points, with their rounding errors.

        Parameters
        ----------
        others : ndarray, shape (n_others, n_samples)

        Returns
        -------
        ndarray, shape (n_others, n_traces)
            May be ±1e-16 |x|² where it should be 0.
        """
        sqnorms = np.einsum("rd,rd->r", others, others)
        rows = np.column_stack([-2 * others, sqnorms, np.ones(len(others))])
        sqdist: np.ndarray = rows @ self._columns
        return sqdist

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        """Return squared distances of the given traces to all; ``(*traces.shape, n_traces)``."""
        if self._pairs is not None:
            kept: np.ndarray = self._pairs[traces]
            return kept
        picked = traces.ravel()
        sqdist = self._sqdist_without_rounding(self.points[picked])
        sqdist[np.arange(picked.size), picked] = 0
        return sqdist.reshape(*traces.shape, self.n_traces)

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        """Return squared distances of all traces to each cluster's mean; (n_rows, n_traces)."""
        return self._sqdist_without_rounding(members.weights() @ self.points)

    def mean_distance(self, members: Members) -> np.ndarray:
        """Return mean Euclidean distances of judged traces to each cluster; (n_rows, n_judged)."""
        weights, mean = members.weights(), np.zeros((members.n_rows, self.n_judged))
        if self._distance is not None:
            return np.matmul(weights, self._distance, out=mean)
        for rows in _tiles(self.n_traces):
            stopping_point()
            mean += weights[:, rows] @ self._distances_from(rows)
        return mean

    def part(self, epochs: np.ndarray | slice) -> PointGeometry:
        """Return the same: all epochs label the same traces."""
        return self

    def keep_principal(self) -> None:
        """Keep principal coordinates for compiled K-means; 12 n_traces n_samples bytes."""
        self.principal = PrincipalPoints.of(self.points)

    def keep_pairs(self, pool: Executor) -> None:
        """Keep all squared distances between traces for ``sqdist_from``; 8 n_traces² bytes.

        Parameters
        ----------
        pool : Executor
            Computes the tiles.
        """
        self._pairs = pairwise_sqeuclidean(self.points, pool, is_centred=True)

    def keep_distances(self, pool: Executor) -> None:
        """Keep all distances to judged traces for ``mean_distance``; 8 n_traces n_judged bytes.

        Parameters
        ----------
        pool : Executor
            Computes the tiles.
        """
        self._distance = np.empty((self.n_traces, self.n_judged))

        def fill(distance: np.ndarray, rows: slice) -> None:
            distance[rows] = self._distances_from(rows)

        list(pool.map(partial(fill, self._distance), _tiles(self.n_traces)))

    def _distances_from(self, rows: slice) -> np.ndarray:
        """Return Euclidean distances of some traces to the judged ones."""
        sqdist = self.sqdist_from(np.arange(rows.start, rows.stop))
        distances: np.ndarray = np.sqrt(sqdist if self.judged is None else sqdist[:, self.judged])
        return distances

    def _sqdist_without_rounding(self, others: np.ndarray) -> np.ndarray:
        sqdist = self.sqdist_to_points(others)
        np.copyto(sqdist, 0, where=sqdist < self.equal_below)
        return sqdist


def pairwise_sqeuclidean(
    values: np.ndarray, pool: Executor, is_centred: bool = False
) -> np.ndarray:
    """Return |x_i − x_j|² = |x_i|² + |x_j|² − 2 x_i·x_j, tile by tile, mirrored at the diagonal.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
    pool : Executor
        Runs the tiles.
    is_centred : bool
        Whether the mean over the traces, which would cause cancellation, was subtracted already.

    Returns
    -------
    ndarray, shape (n_traces, n_traces), float64
        Symmetric; 0 on the diagonal and where two traces are equal within rounding
        (`EQUAL_BELOW`).
    """
    n_traces = len(values)
    matrix = np.zeros((n_traces, n_traces))
    tiles = _tiles(n_traces)

    def add_to_gram(centred: np.ndarray, rows: slice) -> None:
        matrix[rows, : rows.stop] += centred[rows] @ centred[: rows.stop].T

    def to_sqdist(rows: slice) -> None:
        scale = sqnorms[rows, None] + sqnorms[: rows.stop]
        sqdist = scale - 2 * matrix[rows, : rows.stop]
        sqdist[sqdist < EQUAL_BELOW * scale] = 0
        own = sqdist[:, rows.start :]
        sqdist[:, rows.start :] = np.tril(own, -1) + np.tril(own, -1).T
        matrix[rows, : rows.stop] = sqdist
        matrix[: rows.start, rows] = sqdist[:, : rows.start].T

    for centred in centred_blocks(values, is_centred):
        list(pool.map(partial(add_to_gram, centred), tiles))
    sqnorms = matrix.diagonal().copy()
    list(pool.map(to_sqdist, tiles))
    return matrix


def _tiles(n_traces: int) -> list[slice]:
    starts = range(0, n_traces, ROWS_PER_TILE)
    return [slice(start, min(start + ROWS_PER_TILE, n_traces)) for start in starts]
