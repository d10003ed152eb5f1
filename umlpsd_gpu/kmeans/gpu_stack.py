"""Sweeps of many small ensembles of one size on the GPU, by the launches of a single sweep.

The GPU counterpart of distance_stack.py: launches and waits take most of the time of a sweep of a
hundred curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.kmeans.blocks import blocks_of_runs
from umlpsd_gpu.kmeans.gpu_distances import Products, pairwise_sqeuclidean, row_dots
from umlpsd_gpu.kmeans.gpu_lloyd import run_by_restart
from umlpsd_gpu.kmeans.gpu_metrics import DeviceMetrics, measure
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.restarts import Restarts
from umlpsd_gpu.kmeans.result import Sweep


@dataclass(frozen=True)
class DeviceStack:
    """All squared distances within each of several ensembles; a `JudgedGeometry`.

    The restarts that it is used with are those of the first ensemble, then of the next, equally
    many of each.

    Attributes
    ----------
    sqdist : CuPy array, shape (n_ensembles, n_traces, n_traces), float64
        Symmetric, 0 on the diagonal.
    n_runs : int
        Restarts of each ensemble.
    panel : int
        Clusters of all restarts of an ensemble together.
    """

    sqdist: Array
    n_runs: int
    panel: int

    @property
    def n_traces(self) -> int:
        """Number of traces of each ensemble."""
        return int(self.sqdist.shape[1])

    @property
    def total_ssd(self) -> Array:
        """Sum of squared distances of all traces to their mean; of each restart, on the device."""
        total = self.sqdist.sum(axis=2).sum(axis=1) / (2 * self.n_traces)
        of_runs: Array = xp_of(total).repeat(total, self.n_runs)
        return of_runs

    def products(self, weights: Array) -> Products:
        """Return the distances of all traces to each cluster's mean."""
        values = self._multiply(weights, self.sqdist)
        return Products(values, row_dots(weights, values, -0.5), None, 1.0, 0.0)

    def mean_distance(self, weights: Array) -> Array:
        """Return mean Euclidean distances of all traces to each cluster; shape of ``weights``."""
        return self._multiply(weights, xp_of(weights).sqrt(self.sqdist))

    def _multiply(self, weights: Array, distances: Array) -> Array:
        of_each = weights.reshape(len(distances), self.panel, self.n_traces)
        products: Array = xp_of(weights).matmul(of_each, distances).reshape(weights.shape)
        return products


def sweep_stack(
    sqdist: Array, ks: np.ndarray, options: SweepOptions, scales: Sequence[str]
) -> tuple[Sweep, ...]:
    """Sweep several ensembles of one size, all of them together.

    Parameters
    ----------
    sqdist : CuPy array, shape (n_ensembles, n_traces, n_traces), float64
        Squared distances within each ensemble; of a size that `fits_one_block`.
    ks : ndarray, shape (n_k,), int
        Numbers of clusters, ascending.
    options : SweepOptions
    scales : sequence of str
        Name of the representation of each ensemble.

    Returns
    -------
    tuple of Sweep
        One for each ensemble.

    Raises
    ------
    DeviceError
        If the memory of the device can't hold a single ensemble.
    """
    xp, n_ensembles = xp_of(sqdist), len(sqdist)
    restarts = Restarts.of(ks, options.n_epochs, options.seed, xp, n_ensembles)
    n_runs, n_rows = len(restarts) // n_ensembles, restarts.n_rows // n_ensembles
    whole = DeviceStack(sqdist, n_runs, n_rows)
    labels = xp.empty((len(restarts), whole.n_traces), dtype=xp.int16)
    n_iterations = xp.empty(len(restarts), dtype=xp.int64)
    metrics = DeviceMetrics.empty(restarts, whole)

    def run(start: int, stop: int) -> None:
        place = slice(start * n_runs, stop * n_runs)
        part = restarts.part(place)
        stack = DeviceStack(sqdist[start:stop], n_runs, n_rows)
        found = run_by_restart(stack.sqdist, part, options.max_iter)
        labels[place], n_iterations[place] = found
        measure(stack, part, labels[place], options.silhouette_metric, metrics, place)

    bytes_of_one = 8 * whole.n_traces * (5 * n_rows + 3 * n_runs)
    in_blocks(n_ensembles, bytes_of_one, run)
    of_all = metrics.on_host()
    host_labels, host_iterations = xp.asnumpy(labels), xp.asnumpy(n_iterations)
    return tuple(
        Sweep.of_blocks(
            blocks_of_runs(ks, options.n_epochs, host_labels, host_iterations, of_all, first),
            ks,
            options,
            scale=scale,
            engine="batched",
            n_silhouettes=whole.n_traces,
        )
        for first, scale in zip(range(0, len(restarts), n_runs), scales, strict=True)
    )


def pairs_of_samples(curves: Array, samples: np.ndarray) -> Array:
    """Return the squared distances within samples of the curves.

    Parameters
    ----------
    curves : CuPy array, shape (n_curves, n_points), float64
    samples : ndarray, shape (n_samples, n_drawn), int
        Which curves each sample holds.

    Returns
    -------
    CuPy array, shape (n_samples, n_drawn, n_drawn), float64
        From all pairs of curves where these are fewer than those of the samples.
    """
    xp = xp_of(curves)
    drawn = xp.asarray(samples)
    of_samples: Array
    if len(curves) ** 2 <= samples.size * samples.shape[1]:
        of_samples = pairwise_sqeuclidean(curves)[drawn[:, :, None], drawn[:, None, :]]
    else:
        of_samples = pairwise_sqeuclidean(curves[drawn])
    return of_samples
