"""Squared distances between traces and centroids on the device, for many labellings in one product.

The twins of geometry.py. Weights that average over each cluster times one matrix give *products*,
from which the kernels read off d = scale · product + offset of the cluster + sqnorm of the trace.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans.distances import EQUAL_BELOW

# Products are cut into panels of one height, so that every panel is summed by the same library
# routine whatever the memory left: the blocks of restarts then never touch a bit.
# High enough to fill a card with the tiles of a product.
PANEL_BYTES = 1 << 30
ROWS_MULTIPLE = 64
TRACES_PER_TILE = 2048
PAIR_BLOCK = 128
ROW_BLOCK = 256
WARP = 32
PAIR_TILE = 32
MAX_PAIR_BYTES = 4 << 30
# Up to here the n² distances are read faster from the cache than products pass through memory.
# By counting bytes (docs/optimisation_log.md); benchmarks/gpu_proof.py times both sides of it.
MOST_TRACES_OF_RESTART = 1024
# An iteration costs n_traces for each row with pairs, twice n_samples with points.
PAIRS_PER_SAMPLE = 2


@dataclass(frozen=True)
class Products:
    """What the kernels need to know the squared distances of all traces to some centroids.

    Attributes
    ----------
    values : CuPy array, shape (≥ n_rows, n_traces)
    offsets : CuPy array, shape (≥ n_rows,)
    sqnorms : CuPy array, shape (n_traces,), or None
    scale, equal_below : float
    """

    values: Any
    offsets: Any
    sqnorms: Any
    scale: float
    equal_below: float

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The kernels' first arguments."""
        return self.values, self.offsets, self.sqnorms, self.scale, self.equal_below


class DeviceGeometry(Protocol):
    """What K-means and its metrics need to know about the traces."""

    @property
    def panel(self) -> int:
        """Height of the pieces that weights are multiplied in."""

    @property
    def n_traces(self) -> int:
        """How many traces there are."""

    @property
    def total_ssd(self) -> Any:
        """Sum of squared distances to the mean of all: a number on the device."""

    def sqdist_from(self, traces: Any) -> Any:
        """Return squared distances of the given traces to all; (traces.size, n_traces)."""

    def products(self, weights: Any) -> Products:
        """Return what tells the distances of all traces to each cluster's mean."""

    def mean_distance(self, weights: Any) -> Any:
        """Return mean Euclidean distances of all traces to each cluster; like ``weights``."""


def pairwise_sqeuclidean(points: Any, rows: Any = None, root: bool = False) -> Any:
    """Return squared distances of some traces (default: all) to all; twin of geometry.py's.

    Parameters
    ----------
    points : CuPy array, shape (n_traces, n_samples), float64
    rows : CuPy array of int64, optional
        Which traces.
    root : bool
        Distances instead of their squares.
    """
    xp = xp_of(points)
    n_traces, n_samples = points.shape
    n_rows = n_traces if rows is None else rows.size
    macros = {"BLOCK": PAIR_BLOCK, "ROOT": 1} if root else {"BLOCK": PAIR_BLOCK}
    out = xp.empty((n_rows, n_traces))
    tiles = -(-n_traces // PAIR_TILE), -(-n_rows // PAIR_TILE)
    kernel("pairwise_sqeuclidean", **macros)(
        tiles, PAIR_BLOCK, points, n_traces, n_samples, rows, n_rows, out
    )
    return out


def row_dots(left: Any, right: Any, scale: float = 1.0) -> Any:
    """Return ``scale`` times the dot product of each row with the same row of the other array."""
    dots = xp_of(left, right).empty(len(left))
    n_blocks = -(-len(left) * WARP // ROW_BLOCK)
    kernel("row_dots")(n_blocks, ROW_BLOCK, left, right, *left.shape, scale, dots)
    return dots


def n_panel_rows(n_traces: int, n_rows_in_all: int) -> int:
    """Return the height of a panel: a matter of the problem's size, not of the memory left."""
    most = max(1, PANEL_BYTES // (8 * n_traces * ROWS_MULTIPLE)) * ROWS_MULTIPLE
    return min(most, -(-n_rows_in_all // ROWS_MULTIPLE) * ROWS_MULTIPLE)


def _multiply_in_panels(left: Any, right: Any, height: int) -> Any:
    """Return ``left @ right``; ``left`` has a whole number of panels."""
    xp = xp_of(left, right)
    # cuBLAS repeats its bits on several streams only with a workspace for each of them
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    out = xp.empty((len(left), right.shape[1]))
    for start in range(0, len(left), height):
        xp.matmul(left[start : start + height], right, out=out[start : start + height])
    return out


@dataclass(frozen=True)
class DevicePairs:
    """All squared distances between traces, as one matrix."""

    sqdist: Any
    panel: int

    @property
    def n_traces(self) -> int:
        return len(self.sqdist)

    @property
    def total_ssd(self) -> Any:
        return self.sqdist.sum() / (2 * self.n_traces)

    def sqdist_from(self, traces: Any) -> Any:
        return self.sqdist[traces.ravel()]

    def products(self, weights: Any) -> Products:
        values = _multiply_in_panels(weights, self.sqdist, self.panel)
        offsets = row_dots(weights, values, -0.5)
        return Products(values, offsets, None, 1.0, 0.0)

    def mean_distance(self, weights: Any) -> Any:
        return _multiply_in_panels(weights, xp_of(weights).sqrt(self.sqdist), self.panel)


@dataclass(frozen=True)
class DevicePoints:
    """The centred traces; distances between them exist only as tiles."""

    points: Any
    transposed: Any
    sqnorms: Any
    panel: int

    @property
    def n_traces(self) -> int:
        return len(self.points)

    @property
    def total_ssd(self) -> Any:
        return self.sqnorms.sum()

    def sqdist_from(self, traces: Any) -> Any:
        return pairwise_sqeuclidean(self.points, traces.ravel())

    def products(self, weights: Any) -> Products:
        centroids = _multiply_in_panels(weights, self.points, self.panel)
        offsets = row_dots(centroids, centroids)
        values = _multiply_in_panels(centroids, self.transposed, self.panel)
        return Products(values, offsets, self.sqnorms, -2.0, EQUAL_BELOW)

    def mean_distance(self, weights: Any) -> Any:
        xp = xp_of(weights)
        mean = xp.zeros(weights.shape)
        for start in range(0, self.n_traces, TRACES_PER_TILE):
            traces = xp.arange(start, min(start + TRACES_PER_TILE, self.n_traces))
            distance = pairwise_sqeuclidean(self.points, traces, root=True)
            own = xp.ascontiguousarray(weights[:, start : start + len(traces)])
            mean += _multiply_in_panels(own, distance, self.panel)
        return mean


def device_geometry_of(
    curves: Any, n_rows_in_all: int, silhouette_metric: str
) -> DevicePairs | DevicePoints:
    """Choose the cheaper of the two; pairs also where a block can run a whole restart on them.

    Parameters
    ----------
    curves : CuPy array, shape (n_traces, n_samples), float64
    n_rows_in_all : int
        Clusters of all restarts of the sweep together.
    silhouette_metric : {"sqeuclidean", "euclidean"}
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
