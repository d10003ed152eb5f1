"""The verb ``sweep``: K-means for every trial K and epoch, and the metrics of every labelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.backend import is_on_device, n_cores, xp_of
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.kmeans.budget import SweepCost, judged_traces
from umlpsd_gpu.kmeans.cpu import find_on_cpu
from umlpsd_gpu.kmeans.distances import Geometry, geometry_of
from umlpsd_gpu.kmeans.engines import Engine, Finder, batched, finder
from umlpsd_gpu.kmeans.gpu import Found, OfBlock, engine_on_device, start_on_device
from umlpsd_gpu.kmeans.native import is_compiled
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.traces.traces import Traces

# beyond, squares of squared distances may overflow
LARGEST = 1e70


def sweep(
    values: Any,
    k_values: Iterable[int] = range(1, 16),
    n_epochs: int = 100,
    seed: int = 0,
    engine: Engine = "auto",
    silhouette_metric: str = "sqeuclidean",
    max_iter: int = 100,
    scale: str | None = None,
    n_threads: int | None = None,
    budget_s: float | None = None,
) -> Sweep:
    """Cluster curves into every trial number of clusters, many times, and judge each partition.

    Parameters
    ----------
    values : array, shape (n_traces, n_samples), or Traces
        Any curves sampled at the same points, usually smoothed and scaled to [0, 1]. Finite, and
        at most 1e70.
        NumPy arrays are swept on the CPU, CuPy arrays on their GPU.
    k_values : iterable of int
        Numbers of clusters, each from 1 to n_traces.
    n_epochs : int
        Independent K-means runs for every K.
    seed : int
        Same seed, same bits, on any number of threads and whatever the memory left on the device.
        CPU and GPU start from the same traces, but add in another order; so does the CPU where no
        kernels were compiled (``umlpsd info``).
    engine : {"auto", "batched", "sklearn", "cuml"}
        ``sklearn`` on the CPU only, ``cuml`` on a GPU only; cuML doesn't promise the same bits.
    silhouette_metric : {"sqeuclidean", "euclidean"}
        Distance inside the silhouette; MATLAB's default is the squared one.
    max_iter : int
        Lloyd iterations at most. There is no tolerance: a run ends when no label changes.
    scale : str, optional
        Name of the smoothing, kept in the result; default: what `preprocess` noted in ``Traces``.
    n_threads : int, optional
        Of the CPU; all cores by default.
    budget_s : float, optional
        Predicted seconds on two cores (budget.py) beyond which Euclidean silhouettes are those of
        a random sample of the traces, 1,000 at least. K-means, Calinski-Harabasz and SSD are exact
        in any case, and so is everything on a GPU. Default: all silhouettes.

    Returns
    -------
    Sweep
        NumPy arrays in any case.

    Raises
    ------
    TracesError
        If values are not finite, not two-dimensional, or fewer than 2.
    SettingsError
        If a K is not between 1 and n_traces, or another argument is not allowed.
    DeviceError
        If cuML is asked for and is missing, or the device's memory can't hold a single restart.
    """
    return start_sweep(
        values,
        k_values,
        n_epochs,
        seed,
        engine,
        silhouette_metric,
        max_iter,
        scale,
        n_threads,
        budget_s,
    )()


def start_sweep(
    values: Any,
    k_values: Iterable[int] = range(1, 16),
    n_epochs: int = 100,
    seed: int = 0,
    engine: Engine = "auto",
    silhouette_metric: str = "sqeuclidean",
    max_iter: int = 100,
    scale: str | None = None,
    n_threads: int | None = None,
    budget_s: float | None = None,
) -> Callable[[], Sweep]:
    """Do what `sweep` does, but return a function that gives the result.

    On a GPU the work is under way then, on the current stream, so that several sweeps run at once;
    on the CPU it is done when the function is called.
    """
    curves = _matrix(values.values if isinstance(values, Traces) else values)
    scale = scale or (values.scale if isinstance(values, Traces) else "raw")
    ks = _checked_k_values(k_values, len(curves))
    _require_allowed(n_epochs, max_iter, seed, silhouette_metric, budget_s)
    judged = None
    # NaN fails either comparison
    finite = (curves.max(axis=1) <= LARGEST) & (curves.min(axis=1) >= -LARGEST)
    if is_on_device(curves):
        engine_name = engine_on_device(engine, *curves.shape)
        with told_when_full():
            find = start_on_device(
                curves, ks, n_epochs, seed, engine_name, silhouette_metric, max_iter
            )
    else:
        engine_name, find_restarts = finder(engine)
        judged = _judged(curves, ks, n_epochs, seed, silhouette_metric, budget_s)
        find = partial(
            _sweep_on_cpu,
            curves,
            ks,
            n_epochs,
            seed,
            find_restarts,
            silhouette_metric,
            max_iter,
            n_threads or n_cores(),
            judged,
        )
        _require_finite(finite)

    def collect() -> Sweep:
        # on a device only now: asking earlier would make the host wait for it
        _require_finite(finite)
        return Sweep.of_blocks(
            find(),
            ks,
            n_epochs,
            len(curves),
            scale=scale,
            engine=engine_name,
            silhouette_metric=silhouette_metric,
            seed=seed,
            n_silhouettes=len(curves) if judged is None else judged.size,
        )

    return collect


def _judged(
    curves: np.ndarray,
    ks: np.ndarray,
    n_epochs: int,
    seed: int,
    silhouette_metric: str,
    budget_s: float | None,
) -> np.ndarray | None:
    """Return the traces whose silhouettes the budget affords; None for all."""
    n_traces, n_samples = curves.shape
    cost = SweepCost.of(n_traces, n_samples, ks, n_epochs, silhouette_metric)
    return judged_traces(n_traces, cost.n_judged(n_traces, budget_s), seed)


def _sweep_on_cpu(
    curves: np.ndarray,
    ks: np.ndarray,
    n_epochs: int,
    seed: int,
    find_restarts: Finder,
    silhouette_metric: str,
    max_iter: int,
    n_threads: int,
    judged: np.ndarray | None,
) -> Found:
    def find(geometry: Geometry, uniforms: np.ndarray) -> OfBlock:
        return find_restarts(curves, geometry, uniforms, silhouette_metric, max_iter)

    # one BLAS thread per block: the same bits on any number of threads (OpenBLAS sums in another
    # order when it splits a product itself)
    with threadpool_limits(limits=1), thread_pool(n_threads) as pool:
        compiled = is_compiled(len(curves), silhouette_metric, judged)
        geometry = geometry_of(
            curves,
            pool,
            silhouette_metric,
            judged,
            prefer_pairs=compiled and find_restarts == batched,
        )
        return find_on_cpu(pool, geometry, ks, n_epochs, seed, find)


def _matrix(values: Any) -> Any:
    xp = xp_of(values) if is_on_device(values) else np
    curves = xp.ascontiguousarray(values, dtype=np.float64)
    if curves.ndim != 2 or len(curves) < 2 or curves.shape[1] < 1:
        raise TracesError(
            f"a sweep needs at least 2 curves in an array (n_traces, n_samples), got shape "
            f"{curves.shape}"
        )
    return curves


def _require_finite(finite: Any) -> None:
    n_unusable = len(finite) - int(finite.sum())
    if n_unusable:
        raise TracesError(
            f"{n_unusable} of {len(finite)} curves hold NaN, infinities or values beyond "
            f"{LARGEST:g}; leave them out (Traces.usable tells which are finite) or scale them"
        )


def _require_allowed(
    n_epochs: int, max_iter: int, seed: int, silhouette_metric: str, budget_s: float | None
) -> None:
    if n_epochs < 1 or max_iter < 1 or seed < 0:
        raise SettingsError(
            f"n_epochs and max_iter must be ≥ 1 and seed ≥ 0, got {n_epochs}, {max_iter}, {seed}"
        )
    if silhouette_metric not in ("sqeuclidean", "euclidean"):
        raise SettingsError(
            f"silhouette_metric must be 'sqeuclidean' or 'euclidean', got '{silhouette_metric}'"
        )
    if budget_s is not None and not budget_s > 0:
        raise SettingsError(f"budget_s must be above 0, or None for no budget, got {budget_s}")


def _checked_k_values(k_values: Iterable[int], n_traces: int) -> np.ndarray:
    ks = np.unique(np.fromiter(k_values, dtype=int))
    if not ks.size or ks[0] < 1 or ks[-1] > n_traces:
        raise SettingsError(
            f"k_values must lie between 1 and the number of traces ({n_traces}), got {ks.tolist()}"
        )
    return ks
