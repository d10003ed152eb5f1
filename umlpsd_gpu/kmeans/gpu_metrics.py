"""Quality of many labellings on the device: the twin of metrics.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

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


@dataclass(frozen=True)
class DeviceMetrics:
    """Metrics of each labelling, still on the device.

    Attributes
    ----------
    silhouette, ssd, smallest, separation, least_separation : CuPy array, shape (n_runs,)
    below : CuPy array, shape (n_runs, n_thresholds)
    n_filled : CuPy array, shape (n_runs,), int64
        Clusters that hold a trace.
    total_ssd : CuPy array, shape ()
    """

    silhouette: Any
    ssd: Any
    smallest: Any
    separation: Any
    least_separation: Any
    below: Any
    n_filled: Any
    total_ssd: Any
    n_traces: int

    @classmethod
    def room(cls, restarts: Restarts, geometry: DeviceGeometry) -> DeviceMetrics:
        """Make room for the metrics of these labellings."""
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

    def on_host(self, xp: Any) -> Metrics:
        """Bring them down; waits for the device."""
        ssd, n_filled = xp.asnumpy(self.ssd), xp.asnumpy(self.n_filled)
        total_ssd = float(self.total_ssd)
        silhouette = xp.asnumpy(self.silhouette)
        return Metrics(
            silhouette=silhouette,
            silhouette_stderr=0.0 * silhouette,  # of all traces, whatever the budget
            calinski_harabasz=calinski_harabasz(total_ssd, self.n_traces, ssd, n_filled),
            ssd=ssd,
            below_percent=100 * xp.asnumpy(self.below).T,
            smallest_cluster_silhouette=xp.asnumpy(self.smallest),
            separation=xp.asnumpy(self.separation),
            least_separation=xp.asnumpy(self.least_separation),
        )


def metrics_on_device(
    geometry: DeviceGeometry, restarts: Restarts, labels: Any, silhouette_metric: str
) -> DeviceMetrics:
    """Work out the metrics of every labelling.

    Parameters
    ----------
    geometry : DeviceGeometry
    restarts : Restarts
    labels : CuPy array, shape (n_runs, n_traces), int16
    silhouette_metric : {"sqeuclidean", "euclidean"}
    """
    found = DeviceMetrics.room(restarts, geometry)

    def judge(start: int, stop: int) -> None:
        part = restarts.part(slice(start, stop))
        _judge(geometry, part, labels[start:stop], silhouette_metric, found, slice(start, stop))

    bytes_per_run = 8 * geometry.n_traces * (5 * restarts.most_clusters + 3)
    in_blocks(len(restarts), bytes_per_run, judge)
    return found


def silhouettes_on_device(
    geometry: DeviceGeometry, restarts: Restarts, labels: Any, silhouette_metric: str
) -> Any:
    """Return the silhouette of each trace in each labelling; (n_runs, n_traces)."""
    found = DeviceMetrics.room(restarts, geometry)
    whole = slice(0, len(restarts))
    return _judge(geometry, restarts, labels, silhouette_metric, found, whole)


def _judge(
    geometry: DeviceGeometry,
    restarts: Restarts,
    labels: Any,
    silhouette_metric: str,
    found: DeviceMetrics,
    place: slice,
) -> Any:
    """Write metrics to their place in ``found``; return the silhouettes behind them."""
    xp = xp_of(labels)
    n_runs, n_traces = labels.shape
    weights = ClusterWeights.of(restarts, n_traces, geometry.panel)
    weights.fill(labels)
    products = geometry.products(weights.rows)
    euclidean = silhouette_metric == "euclidean"
    mean_distance = geometry.mean_distance(weights.rows) if euclidean else None
    samples = xp.empty((n_runs, n_traces))
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
        samples,
        xp.empty((n_runs, n_traces)),
        found.silhouette[place],
        found.ssd[place],
        found.smallest[place],
        found.separation[place],
        found.least_separation[place],
        found.below[place],
        found.n_filled[place],
        shared_bytes=24 * restarts.most_clusters,
    )
    return samples


@lru_cache(maxsize=4)
def _thresholds(library: str, device: int) -> Any:
    xp = import_module(library)
    thresholds = xp.asarray(THRESHOLDS - ROUNDING)
    xp.cuda.get_current_stream().synchronize()  # other streams will read it
    return thresholds
