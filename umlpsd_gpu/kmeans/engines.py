"""What runs K-means: ``batched`` (ours, all restarts at once), ``sklearn`` (reference), ``cuml``.

``sklearn`` runs on the CPU, ``cuml`` on a GPU, ``batched`` on both. All start from the same curves,
so that they find the same partitions run for run. (Where two candidates of k-means++ are equally
good, rounding chooses: with nearly as many clusters as curves, or equal curves, a run may differ.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.blocks import BlockResult
from umlpsd_gpu.kmeans.distances import PointGeometry
from umlpsd_gpu.kmeans.geometry import Geometry
from umlpsd_gpu.kmeans.gpu import engine_on_gpu
from umlpsd_gpu.kmeans.lloyd import lloyd, starting_traces
from umlpsd_gpu.kmeans.metrics import Metrics, metrics_of
from umlpsd_gpu.kmeans.native import Restarted, kmeans_restarts, takes
from umlpsd_gpu.kmeans.native_points import kmeans_points
from umlpsd_gpu.kmeans.options import SweepOptions

Engine = Literal["auto", "batched", "sklearn", "cuml"]
# (curves, geometry, random numbers (n_epochs, K, n_trials), options) → labels and their metrics
RunRestarts: TypeAlias = Callable[[np.ndarray, Geometry, np.ndarray, SweepOptions], BlockResult]


def run_batched(
    curves: np.ndarray, geometry: Geometry, uniforms: np.ndarray, options: SweepOptions
) -> BlockResult:
    """Run the restarts in compiled code where it can take them, else all of them together.

    Parameters
    ----------
    curves : ndarray, shape (n_traces, n_samples), float64
        Not read: the geometry has all that is needed.
    geometry : Geometry
        Distances between the curves.
    uniforms : ndarray, shape (n_epochs, n_clusters, n_trials)
        Random numbers in [0, 1) of the starts.
    options : SweepOptions

    Returns
    -------
    BlockResult
    """
    restarted = _run_compiled(geometry, uniforms, options)
    if restarted is None or not restarted.is_done.any():
        return lloyd_all_restarts(curves, geometry, uniforms, options)
    done = restarted.is_done
    metrics = _metrics_of_compiled(restarted, geometry, done, options)
    if done.all():
        return BlockResult(restarted.labels, restarted.n_iterations, metrics)
    # compiled code gives up a restart in which a cluster goes empty
    left = ~done
    others = lloyd_all_restarts(curves, geometry.part(left), uniforms[left], options)
    metrics = metrics.merge(others.metrics, done)
    restarted.labels[left], restarted.n_iterations[left] = others.labels, others.n_iterations
    return BlockResult(restarted.labels, restarted.n_iterations, metrics)


def _run_compiled(
    geometry: Geometry, uniforms: np.ndarray, options: SweepOptions
) -> Restarted | None:
    """Run the restarts in compiled code; None where there is none for this geometry."""
    if takes(geometry, options.silhouette_metric):
        return kmeans_restarts(geometry, uniforms, options.silhouette_metric, options.max_iter)
    if isinstance(geometry, PointGeometry) and geometry.principal is not None:
        starts = starting_traces(geometry, uniforms)
        return kmeans_points(geometry.principal, starts, options.max_iter)
    return None


def _metrics_of_compiled(
    restarted: Restarted, geometry: Geometry, done: np.ndarray, options: SweepOptions
) -> Metrics:
    """Return the metrics of the restarts that were not given up."""
    if isinstance(geometry, PointGeometry) and options.silhouette_metric == "euclidean":
        n_clusters = restarted.counts.shape[1]
        return metrics_of(geometry, restarted.labels[done], n_clusters, "euclidean")
    return restarted.metrics(geometry, done)


def lloyd_all_restarts(
    curves: np.ndarray, geometry: Geometry, uniforms: np.ndarray, options: SweepOptions
) -> BlockResult:
    """Run Lloyd's iterations of all restarts together, by one product of matrices an iteration.

    Parameters
    ----------
    curves, geometry, uniforms, options
        As for `run_batched`.

    Returns
    -------
    BlockResult
    """
    starts = starting_traces(geometry, uniforms)
    labels, n_iterations = lloyd(geometry, geometry.sqdist_from(starts.T), options.max_iter)
    metrics = metrics_of(geometry, labels, starts.shape[1], options.silhouette_metric)
    return BlockResult(labels, n_iterations, metrics)


def run_sklearn(
    curves: np.ndarray, geometry: Geometry, uniforms: np.ndarray, options: SweepOptions
) -> BlockResult:
    """Run scikit-learn's ``KMeans``, one restart after another.

    Parameters
    ----------
    curves : ndarray, shape (n_traces, n_samples), float64
    geometry, uniforms, options
        As for `run_batched`.

    Returns
    -------
    BlockResult
    """
    from sklearn.cluster import KMeans

    starts = starting_traces(geometry, uniforms)
    # OpenMP's limit is each thread's own: the one that the sweep sets does not reach this one
    with threadpool_limits(limits=1, user_api="openmp"):
        runs = [
            KMeans(
                n_clusters=len(start),
                init=curves[start],
                n_init=1,
                max_iter=options.max_iter,
                tol=0,
                algorithm="lloyd",
            ).fit(curves)
            for start in starts
        ]
    labels = np.array([run.labels_ for run in runs], dtype=np.int16)
    n_iterations = np.array([run.n_iter_ for run in runs])
    metrics = metrics_of(geometry, labels, starts.shape[1], options.silhouette_metric)
    return BlockResult(labels, n_iterations, metrics)


CPU_ENGINES: dict[str, RunRestarts] = {"batched": run_batched, "sklearn": run_sklearn}


def require_engine(engine: Engine, on_gpu: bool) -> None:
    """Check that an engine runs on a device, before any work is done.

    Parameters
    ----------
    engine : {"auto", "batched", "sklearn", "cuml"}
    on_gpu : bool
        Whether the device is a GPU.

    Raises
    ------
    SettingsError
        If there is no such engine, or not on this device.
    DeviceError
        If cuML is asked for and is missing.
    """
    if on_gpu:
        engine_on_gpu(engine, 0, 0)
    else:
        engine_on_cpu(engine)


def engine_on_cpu(engine: Engine) -> tuple[str, RunRestarts]:
    """Return the name and the function of an engine on the CPU, where ``auto`` is ``batched``.

    Parameters
    ----------
    engine : {"auto", "batched", "sklearn"}

    Returns
    -------
    name : str
    run_restarts : callable

    Raises
    ------
    SettingsError
        If there is no such engine on the CPU.
    """
    name = "batched" if engine == "auto" else engine
    if name == "cuml":
        raise SettingsError(
            "engine 'cuml' runs on a GPU only; choose batched or sklearn, or use device gpu"
        )
    if name not in CPU_ENGINES:
        raise SettingsError(
            f"engine must be auto, {', '.join(CPU_ENGINES)} or cuml, got '{engine}'"
        )
    return name, CPU_ENGINES[name]
