"""Squared distances between traces and centroids on the device, for many labellings in one product.

The GPU counterpart of distances.py. Weights that average over each cluster times one matrix give
*products*, from which the kernels compute d = scale · product + offset of the cluster + sqnorm of
the trace.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans.distances import EQUAL_BELOW

# Products are cut into panels of one height, so that every panel is summed by the same library
# routine whatever the memory left: results then don't depend on the blocks of restarts.
# High enough to fill a card with the tiles of a product.
PANEL_BYTES = 1 << 30
ROWS_MULTIPLE = 64
TRACES_PER_TILE = 2048
PAIR_BLOCK = 128
ROW_BLOCK = 256
WARP = 32
PAIR_TILE = 32
# Squared differences of one launch: half a second of a card that drives a display, which ends what
# takes longer than some seconds, and does 1e11 float64 operations per second; four milliseconds
# of an H100, so that further launches cost nothing
MOST_TERMS_OF_LAUNCH = 3 * 10**10
MAX_PAIR_BYTES = 4 << 30
# Up to here the n² distances are read faster from the cache than products pass through memory.
# By counting bytes (docs/optimisation_log.md); benchmarks/gpu_proof.py times both sides of it.
MOST_TRACES_OF_RESTART = 1024
# An iteration costs n_traces for each row with pairs, twice n_samples with points.
PAIRS_PER_SAMPLE = 2

# what every kernel that reads distances takes first
ProductArguments: TypeAlias = tuple[Array, Array, Array | None, float, float]


@dataclass(frozen=True)
class Products:
    """Squared distances of all traces to some centroids, as the kernels take them.

    d[r, i] = ``scale`` · ``values[r, i]`` + ``offsets[r]`` + ``sqnorms[i]``.

    Attributes
    ----------
    values : CuPy array, shape (≥ n_rows, n_traces), float64
    offsets : CuPy array, shape (≥ n_rows,), float64
    sqnorms : CuPy array, shape (n_traces,), float64, or None
        None: 0.
    scale : float
    equal_below : float
        d counts as 0 below this many times ``sqnorms[i] + offsets[r]``; 0: never.
    """

    values: Array
    offsets: Array
    sqnorms: Array | None
    scale: float
    equal_below: float

    @property
    def arguments(self) -> ProductArguments:
        """The first arguments of the kernels."""
        return self.values, self.offsets, self.sqnorms, self.scale, self.equal_below


class JudgedGeometry(Protocol):
    """What the metrics of labellings need to know about the traces."""

    @property
    def panel(self) -> int:
        """Number of rows that are multiplied at a time."""

    @property
    def n_traces(self) -> int:
        """Number of traces."""

    @property
    def total_ssd(self) -> Array:
        """Sum of squared distances of all traces to their mean; () or (n_runs,), on the device."""

    def products(self, weights: Array) -> Products:
        """Return the distances of all traces to each cluster's mean.

        Parameters
        ----------
        weights : CuPy array, shape (n_rows, n_traces), float64
            Each row has 1/n_c for the members of a cluster and 0 elsewhere; whole panels.

        Returns
        -------
        Products
        """

    def mean_distance(self, weights: Array) -> Array:
        """Return mean Euclidean distances of all traces to each cluster's members.

        Parameters
        ----------
        weights : CuPy array, shape (n_rows, n_traces), float64
            As for `products`.

        Returns
        -------
        CuPy array, shape (n_rows, n_traces), float64
        """


class DeviceGeometry(JudgedGeometry, Protocol):
    """What K-means needs in addition."""

    def sqdist_from(self, traces: Array) -> Array:
        """Return squared distances of the given traces to all.

        Parameters
        ----------
        traces : CuPy array of int64
            Of any shape.

        Returns
        -------
        CuPy array, shape (traces.size, n_traces), float64
        """


def pairwise_sqeuclidean(points: Array, rows: Array | None = None, root: bool = False) -> Array:
    """Return squared distances of some traces to all; the twin of that in distances.py.

    Parameters
    ----------
    points : CuPy array, shape (n_traces, n_samples) or (n_ensembles, n_traces, n_samples), float64
        Distances are those within each ensemble.
    rows : CuPy array, shape (n_rows,), int64, optional
        Which traces, the same of each ensemble. Default: all.
    root : bool
        Return distances instead of their squares.

    Returns
    -------
    CuPy array, shape (n_rows, n_traces) or (n_ensembles, n_rows, n_traces), float64
        Exactly 0 between equal traces.
    """
    xp = xp_of(points)
    points = xp.ascontiguousarray(points)
    *of_ensembles, n_traces, n_samples = points.shape
    n_ensembles = math.prod(of_ensembles)
    n_rows = n_traces if rows is None else rows.size
    macros = {"BLOCK": PAIR_BLOCK, "ROOT": 1} if root else {"BLOCK": PAIR_BLOCK}
    out: Array = xp.empty((*of_ensembles, n_rows, n_traces))
    run = kernel("pairwise_sqeuclidean", **macros)
    n_columns_of_tiles, n_rows_of_tiles = -(-n_traces // PAIR_TILE), -(-n_rows // PAIR_TILE)
    terms_of_row = PAIR_TILE * n_traces * n_samples * n_ensembles
    at_once = max(1, MOST_TERMS_OF_LAUNCH // max(1, terms_of_row))
    for first in range(0, n_rows_of_tiles, at_once):
        tiles = n_columns_of_tiles, min(at_once, n_rows_of_tiles - first), n_ensembles
        sizes = n_traces, n_samples, rows, n_rows, PAIR_TILE * first
        run(tiles, PAIR_BLOCK, points, *sizes, out)
    return out


def row_dots(left: Array, right: Array, scale: float = 1.0) -> Array:
    """Return ``scale`` times the dot product of each row with the same row of the other array.

    Parameters
    ----------
    left, right : CuPy array, shape (n_rows, n_columns), float64
    scale : float

    Returns
    -------
    CuPy array, shape (n_rows,), float64
    """
    dots: Array = xp_of(left, right).empty(len(left))
    n_blocks = -(-len(left) * WARP // ROW_BLOCK)
    kernel("row_dots")(n_blocks, ROW_BLOCK, left, right, *left.shape, scale, dots)
    return dots


def n_panel_rows(n_traces: int, n_rows_in_all: int) -> int:
    """Return the height of a panel, which depends on the size of the problem only.

    Parameters
    ----------
    n_traces : int
    n_rows_in_all : int
        Clusters of all restarts of the sweep together.

    Returns
    -------
    int
        A multiple of 64 rows.
    """
    most = max(1, PANEL_BYTES // (8 * n_traces * ROWS_MULTIPLE)) * ROWS_MULTIPLE
    return min(most, -(-n_rows_in_all // ROWS_MULTIPLE) * ROWS_MULTIPLE)


def _multiply_in_panels(left: Array, right: Array, height: int) -> Array:
    """Return ``left @ right``; ``left`` has a whole number of panels."""
    xp = xp_of(left, right)
    # cuBLAS repeats its bits on several streams only with a workspace for each of them
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    out: Array = xp.empty((len(left), right.shape[1]))
    for start in range(0, len(left), height):
        xp.matmul(left[start : start + height], right, out=out[start : start + height])
    return out


@dataclass(frozen=True)
class DevicePairs:
    """All squared distances between traces, as one matrix; a `DeviceGeometry`.

    Attributes
    ----------
    sqdist : CuPy array, shape (n_traces, n_traces), float64
        Symmetric, 0 on the diagonal.
    panel : int
        Number of rows that are multiplied at a time.
    """

    sqdist: Array
    panel: int

    @property
    def n_traces(self) -> int:
        """Number of traces."""
        return len(self.sqdist)

    @property
    def total_ssd(self) -> Array:
        """Sum of squared distances of all traces to their mean; shape (), on the device."""
        total: Array = self.sqdist.sum() / (2 * self.n_traces)
        return total

    def sqdist_from(self, traces: Array) -> Array:
        """Return squared distances of the given traces to all; (traces.size, n_traces)."""
        sqdist: Array = self.sqdist[traces.ravel()]
        return sqdist

    def products(self, weights: Array) -> Products:
        """Return the distances of all traces to each cluster's mean."""
        values = _multiply_in_panels(weights, self.sqdist, self.panel)
        offsets = row_dots(weights, values, -0.5)
        return Products(values, offsets, None, 1.0, 0.0)

    def mean_distance(self, weights: Array) -> Array:
        """Return mean Euclidean distances of all traces to each cluster; shape of ``weights``."""
        return _multiply_in_panels(weights, xp_of(weights).sqrt(self.sqdist), self.panel)


@dataclass(frozen=True)
class DevicePoints:
    """The centred traces; distances between them are computed in tiles. A `DeviceGeometry`.

    Attributes
    ----------
    points : CuPy array, shape (n_traces, n_samples), float64
        Mean over the traces subtracted.
    transposed : CuPy array, shape (n_samples, n_traces), float64
        The same, in C order.
    sqnorms : CuPy array, shape (n_traces,), float64
        Their squared norms.
    panel : int
        Number of rows that are multiplied at a time.
    """

    points: Array
    transposed: Array
    sqnorms: Array
    panel: int

    @property
    def n_traces(self) -> int:
        """Number of traces."""
        return len(self.points)

    @property
    def total_ssd(self) -> Array:
        """Sum of squared distances of all traces to their mean; shape (), on the device."""
        total: Array = self.sqnorms.sum()
        return total

    def sqdist_from(self, traces: Array) -> Array:
        """Return squared distances of the given traces to all; (traces.size, n_traces)."""
        return pairwise_sqeuclidean(self.points, traces.ravel())

    def products(self, weights: Array) -> Products:
        """Return the distances of all traces to each cluster's mean."""
        centroids = _multiply_in_panels(weights, self.points, self.panel)
        offsets = row_dots(centroids, centroids)
        values = _multiply_in_panels(centroids, self.transposed, self.panel)
        return Products(values, offsets, self.sqnorms, -2.0, EQUAL_BELOW)

    def mean_distance(self, weights: Array) -> Array:
        """Return mean Euclidean distances of all traces to each cluster; shape of ``weights``."""
        xp = xp_of(weights)
        mean: Array = xp.zeros(weights.shape)
        for start in range(0, self.n_traces, TRACES_PER_TILE):
            traces = xp.arange(start, min(start + TRACES_PER_TILE, self.n_traces))
            distance = pairwise_sqeuclidean(self.points, traces, root=True)
            own = xp.ascontiguousarray(weights[:, start : start + len(traces)])
            mean += _multiply_in_panels(own, distance, self.panel)
        return mean


def device_geometry_of(
    curves: Array, n_rows_in_all: int, silhouette_metric: str
) -> DevicePairs | DevicePoints:
    """Choose the cheaper of the two; pairs also where a block can run a whole restart on them.

    Parameters
    ----------
    curves : CuPy array, shape (n_traces, n_samples), float64
    n_rows_in_all : int
        Clusters of all restarts of the sweep together.
    silhouette_metric : {"sqeuclidean", "euclidean"}

    Returns
    -------
    DevicePairs or DevicePoints
    """
    n_traces, n_samples = curves.shape
    euclidean = silhouette_metric == "euclidean"
    panel = n_panel_rows(n_traces, n_rows_in_all)
    fits = 8 * n_traces**2 <= MAX_PAIR_BYTES
    cheaper = n_traces <= max(PAIRS_PER_SAMPLE * n_samples, MOST_TRACES_OF_RESTART)
    if fits and (euclidean or cheaper):
        return DevicePairs(pairwise_sqeuclidean(curves), panel)
    xp = xp_of(curves)
    centred = curves - curves.mean(axis=0)
    sqnorms = row_dots(centred, centred)
    return DevicePoints(centred, xp.ascontiguousarray(centred.T), sqnorms, panel)
