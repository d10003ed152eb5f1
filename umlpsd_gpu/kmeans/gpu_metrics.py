"""Quality of many labellings on the device: the GPU counterpart of metrics.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

import numpy as np

from umlpsd_gpu.compute.arrays import Array, ArrayModule
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans.gpu_distances import DeviceGeometry
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

# Numbers of a labelling beside the shares below the thresholds
N_COLUMNS = 7


@dataclass(frozen=True)
class DeviceMetrics:
    """Metrics of each labelling, still on the device; float64 unless noted.

    All are views of one array, so that they come down in one copy.

    Attributes
    ----------
    packed : CuPy array, 1-D
    silhouette, ssd, smallest, separation, least_separation : CuPy array, shape (n_runs,)
        As in `Metrics`; ``smallest`` is its ``smallest_cluster_silhouette``.
    below : CuPy array, shape (n_runs, n_thresholds)
        Share of the silhouettes below each threshold, 0…1.
    n_filled : CuPy array, shape (n_runs,), int64
        Clusters that hold a trace.
    total_ssd : CuPy array, shape (n_runs,)
        Sum of squared distances of all traces to their mean.
    n_traces : int
    """

    packed: Array
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
    def empty(cls, restarts: Restarts, geometry: DeviceGeometry) -> DeviceMetrics:
        """Allocate the metrics of some labellings.

        Parameters
        ----------
        restarts : Restarts
            The runs that gave the labellings.
        geometry : DeviceGeometry

        Returns
        -------
        DeviceMetrics
            Not filled yet but for ``total_ssd``.
        """
        xp, n_runs = restarts.xp, len(restarts)
        packed = xp.empty((N_COLUMNS + THRESHOLDS.size) * n_runs)
        views = cls.of_packed(packed, n_runs, geometry.n_traces)
        views.total_ssd[:] = geometry.total_ssd
        return views

    @classmethod
    def of_packed(cls, packed: Array, n_runs: int, n_traces: int) -> DeviceMetrics:
        """Return views of the array that holds all metrics, on either side.

        Parameters
        ----------
        packed : array, shape ((7 + n_thresholds) · n_runs,), float64
            NumPy or CuPy.
        n_runs, n_traces : int

        Returns
        -------
        DeviceMetrics
        """
        columns = [packed[i * n_runs : (i + 1) * n_runs] for i in range(N_COLUMNS)]
        return cls(
            packed=packed,
            silhouette=columns[0],
            ssd=columns[1],
            smallest=columns[2],
            separation=columns[3],
            least_separation=columns[4],
            below=packed[N_COLUMNS * n_runs :].reshape(n_runs, THRESHOLDS.size),
            n_filled=columns[5].view(np.int64),
            total_ssd=columns[6],
            n_traces=n_traces,
        )

    def on_host(self, xp: ArrayModule) -> Metrics:
        """Copy them to the host, which waits for the device.

        Parameters
        ----------
        xp : module
            CuPy.

        Returns
        -------
        Metrics
        """
        found = self.of_packed(xp.asnumpy(self.packed), len(self.ssd), self.n_traces)
        return Metrics(
            silhouette=found.silhouette,
            silhouette_stderr=0.0 * found.silhouette,  # of all traces, whatever the budget
            calinski_harabasz=calinski_harabasz(
                found.total_ssd, self.n_traces, found.ssd, found.n_filled
            ),
            ssd=found.ssd,
            below_percent=100 * found.below.T,
            smallest_cluster_silhouette=found.smallest,
            separation=found.separation,
            least_separation=found.least_separation,
        )


def metrics_on_device(
    geometry: DeviceGeometry, restarts: Restarts, labels: Array, silhouette_metric: str
) -> DeviceMetrics:
    """Compute the metrics of every labelling.

    Parameters
    ----------
    geometry : DeviceGeometry
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
    geometry: DeviceGeometry, restarts: Restarts, labels: Array, silhouette_metric: str
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
    geometry: DeviceGeometry,
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
