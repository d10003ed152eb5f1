"""The sweep on a GPU: the whole of it is started at once; the host waits only for the result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.blocks import BlockResults, blocks_of_runs
from umlpsd_gpu.kmeans.cuml import cuml_labels, prefer_cuml, require_cuml
from umlpsd_gpu.kmeans.gpu_distances import DeviceGeometry, device_geometry_of
from umlpsd_gpu.kmeans.gpu_lloyd import kmeans_labels, starting_traces
from umlpsd_gpu.kmeans.gpu_metrics import metrics_on_device, silhouettes_on_device
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.restarts import Restarts


def engine_on_gpu(engine: str, n_traces: int, n_samples: int) -> str:
    """Return the name of the engine that runs on the GPU.

    Parameters
    ----------
    engine : {"auto", "batched", "cuml"}
    n_traces, n_samples : int
        Shape of the matrix that is swept; ``auto`` depends on it.

    Returns
    -------
    {"batched", "cuml"}

    Raises
    ------
    SettingsError
        If there is no such engine for the device.
    DeviceError
        If cuML is asked for and is missing.
    """
    if engine == "auto":
        engine = "cuml" if prefer_cuml(n_traces, n_samples) else "batched"
    if engine == "cuml":
        require_cuml()
    elif engine != "batched":
        raise SettingsError(
            f"engine '{engine}' doesn't run on a GPU; choose auto, batched or cuml, or device cpu"
        )
    return engine


def start_on_gpu(
    curves: Array, ks: np.ndarray, options: SweepOptions, engine: str
) -> Callable[[], BlockResults]:
    """Start the whole sweep on the current stream; return a function that waits for its result.

    Parameters
    ----------
    curves : CuPy array, shape (n_traces, n_samples), float64
        Finite.
    ks : ndarray of int
        Numbers of clusters, ascending.
    options : SweepOptions
    engine : {"batched", "cuml"}

    Returns
    -------
    callable
        Takes nothing and returns a dict of Block to BlockResult, NumPy arrays.

    Raises
    ------
    DeviceError
        If the device's memory can't hold the smallest piece of the work.
    """
    xp = xp_of(curves)
    restarts = Restarts.of(ks, options.n_epochs, options.seed, xp)
    geometry = device_geometry_of(curves, restarts.n_rows, options.silhouette_metric)
    if engine == "cuml":
        labels, n_iterations = _labels_by_cuml(curves, geometry, restarts, options.max_iter)
    else:
        labels, n_iterations = kmeans_labels(geometry, restarts, options.max_iter)
    metrics = metrics_on_device(geometry, restarts, labels, options.silhouette_metric)

    def collect() -> BlockResults:
        host_labels, host_iterations = xp.asnumpy(labels), xp.asnumpy(n_iterations)
        of_all = metrics.on_host()
        return blocks_of_runs(ks, options.n_epochs, host_labels, host_iterations, of_all)

    return collect


def silhouette_samples_on_device(values: Array, labels: np.ndarray, metric: str) -> np.ndarray:
    """Return the silhouette of each trace in one labelling; the twin of `silhouette_samples`.

    Parameters
    ----------
    values : CuPy array, shape (n_traces, n_samples), float64
        Finite.
    labels : ndarray, shape (n_traces,), int
        From 0 up; numbers may be missing.
    metric : {"sqeuclidean", "euclidean"}
        Distance inside the silhouette.

    Returns
    -------
    ndarray, shape (n_traces,)
        NumPy; NaN for a single cluster.
    """
    xp = xp_of(values)
    one = Restarts(np.array([int(labels.max()) + 1]), np.array([0]), 0, xp)
    geometry = device_geometry_of(values, one.n_rows, metric)
    on_device = xp.asarray(labels[None].astype(np.int16))
    silhouettes = silhouettes_on_device(geometry, one, on_device, metric)
    of_traces: np.ndarray = xp.asnumpy(silhouettes)[0]
    return of_traces


def _labels_by_cuml(
    curves: Array, geometry: DeviceGeometry, restarts: Restarts, max_iter: int
) -> tuple[Array, Array]:
    xp = restarts.xp
    labels = xp.empty((len(restarts), geometry.n_traces), dtype=xp.int16)
    n_iterations = xp.empty(len(restarts), dtype=xp.int64)
    for k in np.unique(restarts.n_clusters):
        (chosen,) = np.nonzero(restarts.n_clusters == k)
        starts = xp.asnumpy(starting_traces(geometry, restarts.part(chosen)))
        own_labels, own_iterations = cuml_labels(curves, starts, max_iter)
        at = slice(int(chosen[0]), int(chosen[-1]) + 1)
        labels[at], n_iterations[at] = own_labels, xp.asarray(own_iterations)
    return labels, n_iterations
