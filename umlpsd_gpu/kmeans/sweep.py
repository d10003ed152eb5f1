"""The verb ``sweep``: K-means for every trial K and epoch, and the quality of every labelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import as_float64, is_on_device, n_cores, share_with_cupy
from umlpsd_gpu.compute.current_device import on_device_of_first, on_its_device
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.keywords import whole_number
from umlpsd_gpu.kmeans.budget import choose_judged
from umlpsd_gpu.kmeans.cpu import sweep_on_cpu
from umlpsd_gpu.kmeans.engines import Engine, engine_on_cpu
from umlpsd_gpu.kmeans.gpu import engine_on_gpu, start_on_gpu
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.result import Sweep

# Larger values are refused: squares of squared distances might overflow.
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
    """Run K-means for every trial number of clusters, many times, and measure each partition.

    Parameters
    ----------
    values : array, shape (n_traces, n_samples), or an object with such ``values``
        One curve or feature vector per row, all sampled at the same points; usually smoothed and
        scaled to [0, 1]. Finite, and at most 1e70 in size; of any real type, computed in float64.
        NumPy arrays are swept on the CPU, CuPy arrays on their GPU. `Traces` and pandas DataFrames
        have ``values``. Masked entries count as NaN.
    k_values : iterable of int
        Numbers of clusters, each from 1 to n_traces.
    n_epochs : int
        Independent K-means runs for every K; at least 1.
    seed : int
        0 or larger. The same seed gives the same bits on any number of threads, and on one GPU
        with one version of CUDA. Above 1,024 curves, and for the metrics, this rests on cuBLAS
        giving a row of a product the same bits wherever it lies, which it does not promise, and on
        CUBLAS_WORKSPACE_CONFIG=:4096:8, which must be set before another library first uses
        cuBLAS. CPU and GPU start from the same traces, but add in another order; so does the CPU
        where no kernels were compiled (``umlpsd info``).
    engine : {"auto", "batched", "sklearn", "cuml"}
        ``sklearn`` runs on the CPU only, ``cuml`` on a GPU only; cuML doesn't promise the same
        bits.
    silhouette_metric : {"sqeuclidean", "euclidean"}
        Distance inside the silhouette; MATLAB's default is the squared one.
    max_iter : int
        Lloyd iterations at most; at least 1. There is no tolerance: a run ends when no label
        changes.
    scale : str, optional
        Name of the representation, kept in the result. Default: ``values.scale`` where there is
        one, else ``"raw"``.
    n_threads : int, optional
        Threads of the CPU. Default: all cores.
    budget_s : float, optional
        Predicted seconds on two cores (budget.py) beyond which Euclidean silhouettes are computed
        for a random sample of the traces only, but for 1,000 at least. K-means,
        Calinski-Harabasz and SSD are exact in any case, and so is everything on a GPU. Default:
        all silhouettes.

    Returns
    -------
    Sweep
        NumPy arrays, also where the values are CuPy's.

    Raises
    ------
    TracesError
        If values are not finite, not two-dimensional, or fewer than 2 rows.
    SettingsError
        If a K is not between 1 and n_traces, or another argument is not allowed.
    DeviceError
        If cuML is asked for and is missing, or the device's memory can't hold a single restart.

    Examples
    --------
    Three kinds of curves, twenty of each:

    >>> import numpy as np
    >>> from umlpsd_gpu import sweep
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (60, 3))
    >>> found = sweep(np.repeat(np.eye(3), 20, axis=0) + noise, range(1, 6), n_epochs=10)
    >>> found.labels.shape
    (5, 10, 60)
    >>> np.bincount(found.best_labels(3)).tolist()
    [20, 20, 20]
    >>> int(found.k_values[np.nanargmax(found.silhouette.mean(axis=1))])
    3
    """
    options = SweepOptions(seed, n_epochs, silhouette_metric, max_iter, budget_s)
    given_scale = getattr(values, "scale", None)
    if scale is None:
        scale = given_scale if isinstance(given_scale, str) else "raw"
    matrix = getattr(values, "values", values)
    return start_sweep(matrix, k_values, options, engine=engine, scale=scale, n_threads=n_threads)()


@on_device_of_first
def start_sweep(
    values: Array,
    k_values: Iterable[int],
    options: SweepOptions,
    *,
    engine: Engine = "auto",
    scale: str = "raw",
    n_threads: int | None = None,
) -> Callable[[], Sweep]:
    """Do what `sweep` does, but return a function that gives the result.

    On a GPU the work is under way then, on the current stream, so that several sweeps run at once;
    on the CPU it is done when the function is called.

    Parameters
    ----------
    values : array, shape (n_traces, n_samples)
        NumPy or CuPy.
    k_values : iterable of int
        Numbers of clusters, each from 1 to n_traces.
    options : SweepOptions
    engine : {"auto", "batched", "sklearn", "cuml"}
    scale : str
        Name of the representation, kept in the result.
    n_threads : int, optional
        Of the CPU. Default: all cores.

    Returns
    -------
    callable
        Takes nothing and returns the `Sweep`. On a GPU this call raises TracesError for values
        that are not finite: asking earlier would make the host wait for the device.

    Raises
    ------
    TracesError, SettingsError, DeviceError
        As `sweep`.
    """
    if n_threads is not None:
        n_threads = whole_number("n_threads", n_threads, 1)
    curves = _matrix(values)
    ks = _check_k_values(k_values, len(curves))
    n_silhouettes = len(curves)
    finite = finite_rows(curves)
    if is_on_device(curves):
        engine_name = engine_on_gpu(engine, *curves.shape)
        with told_when_full():
            collect_blocks = start_on_gpu(curves, ks, options, engine_name)
    else:
        engine_name, run_restarts = engine_on_cpu(engine)
        require_finite(finite)
        judged = choose_judged(len(curves), curves.shape[1], ks, options)
        n_silhouettes = n_silhouettes if judged is None else judged.size
        collect_blocks = partial(
            sweep_on_cpu, curves, ks, options, run_restarts, judged, n_threads or n_cores()
        )

    its_device = on_its_device(curves)

    def collect() -> Sweep:
        with its_device:
            require_finite(finite)
            return Sweep.of_blocks(
                collect_blocks(),
                ks,
                options,
                scale=scale,
                engine=engine_name,
                n_silhouettes=n_silhouettes,
            )

    return collect


def _matrix(values: Array) -> Array:
    """Return the values as a matrix of float64 in C order, where they are."""
    values = share_with_cupy(values)
    if not is_on_device(values):
        values = _as_real_numbers(values)
    curves = as_float64(values)
    if curves.ndim != 2 or len(curves) < 2 or curves.shape[1] < 1:
        raise TracesError(
            "a sweep needs at least 2 curves in an array (n_traces, n_samples), got shape "
            f"{curves.shape}"
        )
    return curves


def _as_real_numbers(values: Any) -> np.ndarray:
    """Return values as an array of real numbers; masked ones become NaN."""
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "biuf":
        filled: np.ndarray = np.ma.filled(values.astype(np.float64), np.nan)
        return filled
    try:
        array = np.asarray(values)
        is_real = array.dtype.kind in "biuf"
        if array.dtype.kind == "O":
            array, is_real = array.astype(np.float64), True
    except (TypeError, ValueError) as error:
        raise TracesError(
            "a sweep needs real numbers, and curves of one length, in an array (n_traces, "
            f"n_samples), got {type(values).__name__}: {error}"
        ) from error
    if not is_real:
        raise TracesError(
            f"a sweep needs real numbers, got values of type {array.dtype}; give int or float, "
            "such as the magnitudes of complex numbers"
        )
    return array


def finite_rows(curves: Array) -> Array:
    """Return which rows hold neither NaN nor values beyond 1e70.

    Parameters
    ----------
    curves : array, shape (n_traces, n_samples)
        NumPy or CuPy.

    Returns
    -------
    array, shape (n_traces,), bool
    """
    # NaN fails either comparison
    finite: Array = (curves.max(axis=1) <= LARGEST) & (curves.min(axis=1) >= -LARGEST)
    return finite


def require_finite(finite: Array) -> None:
    """Refuse curves that can't be swept.

    Parameters
    ----------
    finite : array, shape (n_traces,), bool
        As `finite_rows` returns it.

    Raises
    ------
    TracesError
        If one of them is not finite.
    """
    n_unusable = len(finite) - int(finite.sum())
    if n_unusable:
        raise TracesError(
            f"{n_unusable} of {len(finite)} curves hold NaN, infinities or values beyond "
            f"{LARGEST:g}; leave these curves out or scale them"
        )


def _check_k_values(k_values: Iterable[int], n_traces: int) -> np.ndarray:
    if isinstance(k_values, str) or not isinstance(k_values, Iterable):
        raise SettingsError(
            f"k_values must be a list or range of whole numbers, got {k_values!r}; write "
            "range(1, 16), or [3] for a single one"
        )
    ks = np.unique([whole_number("each of k_values", k) for k in k_values]).astype(int)
    if not ks.size or ks[0] < 1 or ks[-1] > n_traces:
        raise SettingsError(
            f"k_values must be between 1 and the number of traces ({n_traces}), got {ks.tolist()}"
        )
    return ks
