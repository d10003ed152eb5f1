"""Who runs K-means: ``batched`` (ours, all restarts at once), ``sklearn`` (reference), ``cuml``.

``sklearn`` runs on the CPU, ``cuml`` on a GPU, ``batched`` on both. All start from the same traces,
so that they find the same partitions run for run. (Where two candidates of k-means++ are as good,
rounding chooses: with nearly as many clusters as traces, or equal traces, a run may differ.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.distances import Geometry
from umlpsd_gpu.kmeans.gpu import OfBlock, engine_on_device
from umlpsd_gpu.kmeans.lloyd import lloyd, starting_traces
from umlpsd_gpu.kmeans.metrics import metrics_of
from umlpsd_gpu.kmeans.native import kmeans_restarts, takes

Engine = Literal["auto", "batched", "sklearn", "cuml"]
# (values, geometry, random numbers (n_epochs, K, n_trials), silhouette metric, max_iter) → OfBlock
Finder = Callable[[np.ndarray, Geometry, np.ndarray, str, int], OfBlock]
# (values, geometry, starting traces (n_epochs, K), max_iter) → labels, iterations
Labeller = Callable[[np.ndarray, Geometry, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def batched(
    values: np.ndarray,
    geometry: Geometry,
    uniforms: np.ndarray,
    silhouette_metric: str,
    max_iter: int,
) -> OfBlock:
    """Label and judge the restarts: each to its end in compiled code, or all of them in step."""
    if not takes(geometry, silhouette_metric):
        return in_step(values, geometry, uniforms, silhouette_metric, max_iter)
    found = kmeans_restarts(geometry, uniforms, silhouette_metric, max_iter)
    done = found.is_done
    if done.all():
        return found.labels, found.n_iterations, found.metrics(geometry)
    left = ~done
    labels, n_iterations, of_left = in_step(
        values, geometry.part(left), uniforms[left], silhouette_metric, max_iter
    )
    if not done.any():
        return labels, n_iterations, of_left
    metrics = found.metrics(geometry, done).beside(of_left, done)
    found.labels[left], found.n_iterations[left] = labels, n_iterations
    return found.labels, found.n_iterations, metrics


def from_starts(
    labels_from: Labeller,
    values: np.ndarray,
    geometry: Geometry,
    uniforms: np.ndarray,
    silhouette_metric: str,
    max_iter: int,
) -> OfBlock:
    """Choose starts, let another label the restarts, and judge them; all of it in NumPy."""
    starts = starting_traces(geometry, uniforms)
    labels, n_iterations = labels_from(values, geometry, starts, max_iter)
    n_clusters = starts.shape[1]
    return labels, n_iterations, metrics_of(geometry, labels, n_clusters, silhouette_metric)


def labels_in_step(
    values: np.ndarray, geometry: Geometry, starts: np.ndarray, max_iter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Move all restarts at once, by one product of matrices an iteration."""
    return lloyd(geometry, geometry.sqdist_from(starts.T), max_iter)


def labels_by_sklearn(
    values: np.ndarray, geometry: Geometry, starts: np.ndarray, max_iter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Run scikit-learn's ``KMeans``, one restart after another."""
    from sklearn.cluster import KMeans

    # OpenMP's limit is each thread's own: the one that the sweep sets does not reach this one
    with threadpool_limits(limits=1, user_api="openmp"):
        runs = [
            KMeans(
                n_clusters=len(start),
                init=values[start],
                n_init=1,
                max_iter=max_iter,
                tol=0,
                algorithm="lloyd",
            ).fit(values)
            for start in starts
        ]
    labels = np.array([run.labels_ for run in runs], dtype=np.int16)
    return labels, np.array([run.n_iter_ for run in runs])


in_step = partial(from_starts, labels_in_step)
by_sklearn = partial(from_starts, labels_by_sklearn)
ENGINES: dict[str, Finder] = {"batched": batched, "sklearn": by_sklearn}


def require_engine(engine: Engine, on_gpu: bool) -> None:
    """Raise what is wrong with an engine on a device before any work is done.

    Raises
    ------
    SettingsError
        If there is no such engine, or not on this device.
    DeviceError
        If cuML is asked for and is missing.
    """
    if on_gpu:
        engine_on_device(engine, 0, 0)
    else:
        finder(engine)


def finder(engine: Engine) -> tuple[str, Finder]:
    """Return the name and the function of an engine on the CPU, where ``auto`` is ``batched``.

    Raises
    ------
    SettingsError
        If there is no such engine.
    """
    name = "batched" if engine == "auto" else engine
    if name == "cuml":
        raise SettingsError(
            "engine 'cuml' runs on a GPU only; choose batched or sklearn, or use device gpu"
        )
    if name not in ENGINES:
        raise SettingsError(f"engine must be auto, {', '.join(ENGINES)} or cuml, got '{engine}'")
    return name, ENGINES[name]
