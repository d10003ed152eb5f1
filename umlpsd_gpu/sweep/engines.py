"""Who runs K-means: ``batched`` (ours, all restarts at once), ``sklearn`` (reference), ``cuml``.

``sklearn`` runs on the CPU, ``cuml`` on a GPU, ``batched`` on both. All start from the same traces,
so that they find the same partitions run for run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.sweep import kmeans
from umlpsd_gpu.sweep.device import engine_on_device
from umlpsd_gpu.sweep.geometry import Geometry

Engine = Literal["auto", "batched", "sklearn", "cuml"]
Labeller = Callable[[np.ndarray, Geometry, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def batched_labels(
    values: np.ndarray, geometry: Geometry, starts: np.ndarray, max_iter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (n_epochs, n_traces) and iterations (n_epochs,) of all restarts together."""
    return kmeans.lloyd(geometry, geometry.sqdist_from(starts.T), max_iter)


def sklearn_labels(
    values: np.ndarray, geometry: Geometry, starts: np.ndarray, max_iter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same from scikit-learn's ``KMeans``, one restart after another."""
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


ENGINES: dict[str, Labeller] = {"batched": batched_labels, "sklearn": sklearn_labels}


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
        labeller(engine)


def labeller(engine: Engine) -> tuple[str, Labeller]:
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
