"""Quality of many labellings on the device: the GPU counterpart of metrics.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.compute.transfer import all_on_host
from umlpsd_gpu.kmeans.gpu_distances import JudgedGeometry
from umlpsd_gpu.kmeans.gpu_lloyd import THREADS_PER_RUN, ClusterWeights
from umlpsd_gpu.kmeans.metrics import (
    LEAST_MEMBERS,
    MOST_SEPARATION,
    ROUNDING,
    THRESHOLDS,
    Metrics,
    calinski_harabasz,
)
from umlpsd_gpu.kmeans.restarts import Restarts


@dataclass(frozen=True)
class DeviceMetrics:
    """Metrics of each labelling, still on the device; float64 unless noted.

    Attributes
    ----------
    silhouette, ssd, smallest, separation, least_separation : CuPy array, shape (n_runs,)
        As in `Metrics`; ``smallest`` is its ``smallest_cluster_silhouette``.
    below : CuPy array, shape (n_runs, n_thresholds)
        Share of the silhouettes below each threshold, 0…1.
    n_filled : CuPy array, shape (n_runs,), int64
        Clusters that hold a trace.
    total_ssd : CuPy array, shape () or (n_runs,)
        Sum of squared distances of all traces to their mean.
    n_traces : int
    """

    silhouette: Array
    ssd: Array
    smallest: Array
    separation: Array
    least_separation: Array
    below: Array
    n_filled: Array
    total_ssd: Array
    n_traces: int

    @classmethod
    def empty(cls, restarts: Restarts, geometry: JudgedGeometry) -> DeviceMetrics:
        """Allocate the metrics of some labellings.

        Parameters
        ----------
        restarts : Restarts
            The runs that gave the labellings.
        geometry : JudgedGeometry

        Returns
        -------
        DeviceMetrics
            Not filled yet but for ``total_ssd``.
        """
        xp, n_runs = restarts.xp, len(restarts)
        return cls(
            silhouette=xp.empty(n_runs),
            ssd=xp.empty(n_runs),
            smallest=xp.empty(n_runs),
            separation=xp.empty(n_runs),
            least_separation=xp.empty(n_runs),
            below=xp.empty((n_runs, THRESHOLDS.size)),
            n_filled=xp.empty(n_runs, dtype=xp.int64),
            total_ssd=geometry.total_ssd,
            n_traces=geometry.n_traces,
        )

    def on_host(self) -> Metrics:
        """Copy them to the host, which waits for the device.

        Returns
        -------
        Metrics
        """
        silhouette, ssd, smallest, separation, least_separation, below, n_filled, total_ssd = (
            all_on_host(
                *(self.silhouette, self.ssd, self.smallest, self.separation),
                *(self.least_separation, self.below),
                self.n_filled.view(np.float64),  # as bits, to come down with the others
                self.total_ssd,
            )
        )
        return Metrics(
            silhouette=silhouette,
            silhouette_stderr=0.0 * silhouette,  # of all traces, whatever the budget
            calinski_harabasz=calinski_harabasz(
                total_ssd, self.n_traces, ssd, n_filled.view(np.int64)
            ),
            ssd=ssd,
            below_percent=100 * below.T,
            smallest_cluster_silhouette=smallest,
            separation=separation,
            least_separation=least_separation,
        )


def metrics_on_device(
    geometry: JudgedGeometry, restarts: Restarts, labels: Array, silhouette_metric: str
) -> DeviceMetrics:
    """Compute the metrics of every labelling.

    Parameters
    ----------
    geometry : JudgedGeometry
    restarts : Restarts
    labels : CuPy array, shape (n_runs, n_traces), int16
    silhouette_metric : {"sqeuclidean", "euclidean"}

    Returns
    -------
    DeviceMetrics
    """
    metrics = DeviceMetrics.empty(restarts, geometry)

    def measure_block(start: int, stop: int) -> None:
        place = slice(start, stop)
        part = restarts.part(place)
        measure(geometry, part, labels[place], silhouette_metric, metrics, place)

    bytes_per_run = 8 * geometry.n_traces * (5 * restarts.most_clusters + 3)
    in_blocks(len(restarts), bytes_per_run, measure_block)
    return metrics


def silhouettes_on_device(
    geometry: JudgedGeometry, restarts: Restarts, labels: Array, silhouette_metric: str
) -> Array:
    """Return the silhouette of each trace in each labelling.

    Parameters
    ----------
    geometry, restarts, labels, silhouette_metric
        As for `metrics_on_device`.

    Returns
    -------
    CuPy array, shape (n_runs, n_traces), float64
        NaN where fewer than two clusters hold a trace.
    """
    metrics = DeviceMetrics.empty(restarts, geometry)
    whole = slice(0, len(restarts))
    return measure(geometry, restarts, labels, silhouette_metric, metrics, whole)


def measure(
    geometry: JudgedGeometry,
    restarts: Restarts,
    labels: Array,
    silhouette_metric: str,
    metrics: DeviceMetrics,
    place: slice,
) -> Array:
    """Write the metrics of some labellings to their place.

    Parameters
    ----------
    geometry, restarts, labels, silhouette_metric
        As for `metrics_on_device`.
    metrics : DeviceMetrics
        Of these and other labellings.
    place : slice
        Where these belong.

    Returns
    -------
    CuPy array, shape (n_runs, n_traces), float64
        The silhouettes behind them.
    """
    xp = xp_of(labels)
    n_runs, n_traces = labels.shape
    weights = ClusterWeights.of(restarts, n_traces, geometry.panel)
    weights.fill(labels)
    products = geometry.products(weights.rows)
    euclidean = silhouette_metric == "euclidean"
    mean_distance = geometry.mean_distance(weights.rows) if euclidean else None
    silhouettes: Array = xp.empty((n_runs, n_traces))
    kernel("silhouette")(
        n_runs,
        THREADS_PER_RUN,
        *products.arguments,
        mean_distance,
        labels,
        restarts.first_row,
        weights.counts,
        _thresholds(xp.__name__, xp.cuda.Device().id),
        THRESHOLDS.size,
        MOST_SEPARATION,
        LEAST_MEMBERS,
        n_traces,
        silhouettes,
        xp.empty((n_runs, n_traces)),
        metrics.silhouette[place],
        metrics.ssd[place],
        metrics.smallest[place],
        metrics.separation[place],
        metrics.least_separation[place],
        metrics.below[place],
        metrics.n_filled[place],
        shared_bytes=24 * restarts.most_clusters,
    )
    return silhouettes


@lru_cache(maxsize=4)
def _thresholds(library: str, device: int) -> Array:
    """Return the thresholds on the device; cached for each."""
    xp = import_module(library)
    thresholds: Array = xp.asarray(THRESHOLDS - ROUNDING)
    xp.cuda.get_current_stream().synchronize()  # other streams will read it
    return thresholds
