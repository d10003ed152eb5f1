"""K-means of many restarts on the device, the GPU counterpart of lloyd.py; in one of two ways.

- *restart*: a block of threads runs a whole restart, for ensembles whose distances stay in the
  cache: one launch does all K and all epochs.
- *products*: for large ensembles; every iteration moves all restarts by one product.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans import gpu_distances
from umlpsd_gpu.kmeans.gpu_distances import DeviceGeometry, DevicePairs, Products
from umlpsd_gpu.kmeans.restarts import Restarts

MOST_THREADS_OF_RESTART = 512
THREADS_PER_RUN = 256
# Iterations between two checks which restarts have converged: the host waits for the device there.
ITERATIONS_PER_LOOK = 8


def kmeans_labels(
    geometry: DeviceGeometry, restarts: Restarts, max_iter: int
) -> tuple[Array, Array]:
    """Run K-means of all restarts to the end.

    Parameters
    ----------
    geometry : DeviceGeometry
    restarts : Restarts
    max_iter : int
        Lloyd iterations at most.

    Returns
    -------
    labels : CuPy array, shape (n_runs, n_traces), int16
    n_iterations : CuPy array, shape (n_runs,), int64
    """
    fits = fits_one_block(geometry.n_traces, restarts.most_clusters)
    if isinstance(geometry, DevicePairs) and fits:
        return run_by_restart(geometry.sqdist[None], restarts, max_iter)
    return _run_by_products(geometry, restarts, max_iter)


def starting_traces(geometry: DeviceGeometry, restarts: Restarts) -> Array:
    """Choose starting centroids by greedy k-means++; the twin of that in lloyd.py.

    Parameters
    ----------
    geometry : DeviceGeometry
    restarts : Restarts
        All of the same K.

    Returns
    -------
    CuPy array, shape (n_runs, n_clusters), int64
        Which traces the centroids start at.
    """
    xp = restarts.xp
    host_uniforms = np.stack(restarts.uniforms())
    n_runs, n_clusters, n_trials = host_uniforms.shape
    uniforms = xp.asarray(host_uniforms)
    first = (host_uniforms[:, 0, 0] * geometry.n_traces).astype(np.int64)
    candidates = xp.zeros((n_runs, n_trials), dtype=xp.int64)
    candidates[:, 0] = xp.asarray(first)
    nearest = xp.empty((n_runs, geometry.n_traces))
    chosen: Array = xp.empty((n_runs, n_clusters), dtype=xp.int64)
    for step in range(n_clusters):
        n_candidates = n_trials if step else 1
        sqdist = geometry.sqdist_from(candidates[:, :n_candidates])
        kernel("kmeans_seed")(
            n_runs,
            THREADS_PER_RUN,
            sqdist,
            uniforms,
            step,
            n_candidates,
            n_clusters,
            n_trials,
            geometry.n_traces,
            candidates,
            nearest,
            chosen,
        )
    return chosen


@dataclass(frozen=True)
class ClusterWeights:
    """Weights that average over each cluster of some restarts; refilled at every iteration.

    Attributes
    ----------
    restarts : Restarts
    averaged : CuPy array, shape (n_runs, n_traces), int16
        Labels after refilling empty clusters.
    counts : CuPy array, shape (n_rows,), int64
        Cluster sizes.
    rows : CuPy array, shape (≥ n_rows, n_traces)
        1/n_c for the members of a cluster; padded with zeros to whole panels.
    """

    restarts: Restarts
    averaged: Array
    counts: Array
    rows: Array

    @classmethod
    def of(cls, restarts: Restarts, n_traces: int, panel: int) -> ClusterWeights:
        """Allocate them.

        Parameters
        ----------
        restarts : Restarts
        n_traces : int
        panel : int
            Number of rows that are multiplied at a time.

        Returns
        -------
        ClusterWeights
            Not filled yet.
        """
        xp, n_rows = restarts.xp, restarts.n_rows
        rows = xp.empty((-(-n_rows // panel) * panel, n_traces))
        rows[n_rows:] = 0
        averaged = xp.empty((len(restarts), n_traces), dtype=xp.int16)
        return cls(restarts, averaged, xp.empty(n_rows, dtype=xp.int64), rows)

    def fill(self, labels: Array, least: Array | None = None, running: Array | None = None) -> None:
        """Write the weights of a labelling.

        Parameters
        ----------
        labels : CuPy array, shape (n_runs, n_traces), int16
        least : CuPy array, shape (n_runs, n_traces), float64, optional
            Squared distance of each trace to its centroid: empty clusters take the farthest traces,
            whose entries become −1. Default: empty clusters stay empty.
        running : CuPy array, shape (n_runs,), int64, optional
            0 for restarts that have converged and keep their weights. Default: all run.
        """
        kernel("kmeans_update")(
            len(self.restarts),
            THREADS_PER_RUN,
            labels,
            self.restarts.first_row,
            running,
            labels.shape[1],
            least,
            self.averaged,
            self.counts,
            self.rows,
        )


def fits_one_block(n_traces: int, k_max: int) -> bool:
    """Return whether a block of threads runs a whole restart.

    Parameters
    ----------
    n_traces, k_max : int

    Returns
    -------
    bool
        True if the distances stay in the cache, and the means fit the block's shared memory.
    """
    if n_traces > gpu_distances.MOST_TRACES_OF_RESTART:
        return False
    cupy = import_module("cupy")
    most = cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"]
    static = 1 << 10
    return bool(_shared_bytes(n_traces, k_max) + static <= most)


def _shared_bytes(n_traces: int, k: int) -> int:
    """Return the shared memory that the header of kmeans_restart.cu asks for."""
    return 8 * (k * n_traces + n_traces + k) + 4 * (3 * k + 1 + 4 * n_traces)


def run_by_restart(sqdist: Array, restarts: Restarts, max_iter: int) -> tuple[Array, Array]:
    """Run every restart in a block of threads of its own, to the end.

    Parameters
    ----------
    sqdist : CuPy array, shape (n_ensembles, n_traces, n_traces), float64
        Squared distances within each of several ensembles.
    restarts : Restarts
        Those of the first ensemble, then of the next, equally many of each.
    max_iter : int
        Lloyd iterations at most.

    Returns
    -------
    labels : CuPy array, shape (n_runs, n_traces), int16
    n_iterations : CuPy array, shape (n_runs,), int64
    """
    xp, (n_ensembles, n_traces, _) = restarts.xp, sqdist.shape
    uniforms, first_uniform, n_trials, n_clusters = restarts.seeding
    labels = xp.empty((len(restarts), n_traces), dtype=xp.int16)
    n_iterations = xp.empty(len(restarts), dtype=xp.int64)
    kernel("kmeans_restart")(
        len(restarts),
        min(MOST_THREADS_OF_RESTART, -(-n_traces // 32) * 32),
        sqdist,
        len(restarts) // n_ensembles,
        uniforms,
        n_clusters,
        n_trials,
        first_uniform,
        n_traces,
        max_iter,
        labels,
        n_iterations,
        shared_bytes=_shared_bytes(n_traces, restarts.most_clusters),
    )
    return labels, n_iterations


def _run_by_products(
    geometry: DeviceGeometry, restarts: Restarts, max_iter: int
) -> tuple[Array, Array]:
    """Run Lloyd's iterations of as many restarts together as fit the device."""
    xp = restarts.xp
    labels = xp.empty((len(restarts), geometry.n_traces), dtype=xp.int16)
    n_iterations = xp.empty(len(restarts), dtype=xp.int64)

    def run(start: int, stop: int) -> None:
        part = restarts.part(slice(start, stop))
        first = _first_assignment(geometry, part)
        labels[start:stop], n_iterations[start:stop] = _lloyd(geometry, part, *first, max_iter)

    # weights and products of each row, distances to the candidates of the seeding
    bytes_per_run = 8 * geometry.n_traces * (3 * restarts.most_clusters + 8)
    in_blocks(len(restarts), bytes_per_run, run)
    return labels, n_iterations


def _first_assignment(geometry: DeviceGeometry, restarts: Restarts) -> tuple[Array, Array]:
    """Return each trace's nearest starting centroid, and the squared distance to it."""
    xp = restarts.xp
    labels = xp.zeros((len(restarts), geometry.n_traces), dtype=xp.int16)
    least = xp.empty(labels.shape)
    for k in np.unique(restarts.n_clusters).tolist():
        (chosen,) = np.nonzero(restarts.n_clusters == k)
        part = restarts.part(chosen)
        sqdist = geometry.sqdist_from(starting_traces(geometry, part))
        products = Products(sqdist, xp.zeros(len(sqdist)), None, 1.0, 0.0)
        state = _State.of(part, geometry.n_traces)
        state.assign(products, xp.ones(len(sqdist), dtype=xp.int64), 0)
        at = xp.asarray(chosen)
        labels[at], least[at] = state.labels, state.least
    return labels, least


@dataclass(frozen=True)
class _State:
    """The state of some restarts between two iterations.

    Attributes
    ----------
    labels : CuPy array, shape (n_runs, n_traces), int16
    least : CuPy array, shape (n_runs, n_traces)
        Squared distance of each trace to its own centroid.
    running, n_iterations : CuPy array, shape (n_runs,), int64
        0 for restarts that have converged; iterations done.
    """

    restarts: Restarts
    labels: Array
    least: Array
    running: Array
    n_iterations: Array

    @classmethod
    def of(cls, restarts: Restarts, n_traces: int) -> _State:
        xp, n_runs = restarts.xp, len(restarts)
        return cls(
            restarts,
            xp.zeros((n_runs, n_traces), dtype=xp.int16),
            xp.empty((n_runs, n_traces)),
            xp.ones(n_runs, dtype=xp.int64),
            xp.zeros(n_runs, dtype=xp.int64),
        )

    def assign(self, products: Products, counts: Array, iteration: int) -> None:
        """Move the traces of running restarts to their nearest centroids."""
        kernel("kmeans_assign")(
            len(self.restarts),
            THREADS_PER_RUN,
            *products.arguments,
            self.restarts.first_row,
            counts,
            self.labels.shape[1],
            iteration,
            self.labels,
            self.least,
            self.running,
            self.n_iterations,
        )

    def part(self, chosen: np.ndarray) -> _State:
        """Return the chosen restarts, (n_runs,) bool."""
        at = self.restarts.xp.asarray(np.flatnonzero(chosen))
        arrays = (self.labels, self.least, self.running, self.n_iterations)
        return _State(self.restarts.part(chosen), *(array[at] for array in arrays))


def _lloyd(
    geometry: DeviceGeometry, restarts: Restarts, labels: Array, least: Array, max_iter: int
) -> tuple[Array, Array]:
    """Iterate until no label changes; every few iterations the converged restarts drop out."""
    xp, n_runs = restarts.xp, len(restarts)
    final_labels = xp.empty(labels.shape, dtype=xp.int16)
    n_iterations = xp.empty(n_runs, dtype=xp.int64)
    place = np.arange(n_runs)
    running, n_done = xp.ones(n_runs, dtype=xp.int64), xp.zeros(n_runs, dtype=xp.int64)
    state = _State(restarts, labels, least, running, n_done)
    weights = ClusterWeights.of(restarts, geometry.n_traces, geometry.panel)
    for iteration in range(1, max_iter + 1):
        weights.fill(state.labels, state.least, state.running)
        state.assign(geometry.products(weights.rows), weights.counts, iteration)
        if iteration % ITERATIONS_PER_LOOK and iteration < max_iter:
            continue
        at = xp.asarray(place)
        final_labels[at], n_iterations[at] = state.labels, state.n_iterations
        going_on = xp.asnumpy(state.running) != 0
        if not going_on.any():
            break
        if not going_on.all():
            state, place = state.part(going_on), place[going_on]
            weights = ClusterWeights.of(state.restarts, geometry.n_traces, geometry.panel)
    return final_labels, n_iterations
