"""Engine ``cuml``: cuML's K-means, run for run from the same starts as the other engines.

What cuML 26.10 does, according to its ``cluster/kmeans.pyx`` and to ``kmeans_fit`` of cuVS (main
branch, 2026), which it calls:

- All arguments are by keyword. ``init`` is an array (n_clusters, n_samples), copied, of the
  device or the host; with one, a single run is made whatever ``n_init`` says.
- float64 stays float64; other types than float32 and float64 become float32. NaN is refused.
- ``tol`` must be positive: 0 ends in RuntimeError "invalid parameter (tol<=0)". One number serves
  two rules (`stopping_tolerance`).
- An empty cluster keeps its centroid; in our engines and in scikit-learn it restarts at the
  farthest trace. Such runs (rare from distinct starts) can end in fewer clusters.
- ``labels_`` are int32, int64 from 2³¹ values on, from an assignment after the last update;
  ``n_iter_`` counts updates, as ours. The type of ``labels_`` follows cuML's global output type
  where the user set one, then ``output_type``.
- Sums are atomic: two runs may differ in their last bits (cuVS issue 2657).
- ``max_samples_per_batch`` doesn't change results, and nothing is logged at the default level.
- It works on its thread's default stream and waits for the device in every iteration.
- Importing it takes 7 to 10 s and makes RMM the allocator of CuPy.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import INSTALL_GPU, gpu_missing, xp_of
from umlpsd_gpu.errors import DeviceError

# Squared shift of all centroids, in variances of the data, below which they count as unmoved.
# Measured on 200 to 20,000 traces: rounding in sums of random order moves them by up to 1e-26; the
# smallest real move was 4e-6, and one trace in n can't move them by less than about 1/n².
STANDING_SHIFT = 1e-18
# Relative fall of the cost that counts as rounding: 1e-15 between equal labellings of the same
# traces, where the smallest real fall was 4e-8.
STANDING_COST = 1e-14

# Number of traces from which `auto` takes cuML on a GPU. Not measured yet on any card, so `auto`
# stays with `batched`; benchmarks/gpu_proof.py prints the number that belongs here, and the card.
CUML_FROM_TRACES: int | None = None
MEASURED_ON = ""


def cuml_labels(points: Array, starts: np.ndarray, max_iter: int) -> tuple[Array, np.ndarray]:
    r"""Run cuML's Lloyd iterations from each start, one restart after another.

    Parameters
    ----------
    points : cupy.ndarray, shape (n_traces, n_samples), float64, C order
        Finite. Labels don't depend on their unit; centred ones lose the fewest digits, since cuML
        computes \|x\|² + \|c\|² − 2 x·c.
    starts : ndarray, shape (n_runs, n_clusters), int
        The traces at which the centroids of each run start.
    max_iter : int
        Updates of the centroids at most.

    Returns
    -------
    labels : cupy.ndarray, shape (n_runs, n_traces), int16
        Cluster c began at trace ``starts[run, c]``.
    n_iterations : ndarray, shape (n_runs,), int64
        Updates done.

    Raises
    ------
    DeviceError
        If cuML or a GPU is missing.
    """
    KMeans = require_cuml()
    cupy = xp_of(points)
    n_runs, n_clusters = starts.shape
    tol = stopping_tolerance(points)
    labels = cupy.empty((n_runs, len(points)), dtype=cupy.int16)
    n_iterations = np.empty(n_runs, dtype=np.int64)
    # cuML's stream waits for the null stream only, so neither side may run ahead on another
    cupy.cuda.get_current_stream().synchronize()
    with cupy.cuda.Stream.null:
        traces = cupy.asarray(starts)
        for run in range(n_runs):
            fitted = KMeans(
                n_clusters=n_clusters,
                init=points.take(traces[run], axis=0),
                n_init=1,
                max_iter=max_iter,
                tol=tol,
                random_state=0,
                verbose=False,
                output_type="cupy",
            ).fit(points)
            labels[run] = cupy.asarray(fitted.labels_).astype(cupy.int16)
            n_iterations[run] = fitted.n_iter_
        cupy.cuda.Stream.null.synchronize()
    return labels, n_iterations


def stopping_tolerance(points: Array) -> float:
    """Return the ``tol`` at which cuML ends when, and only when, nothing changes any more.

    cuML ends a run when the squared shift of all centroids is below ``tol``, in the squared unit
    of the data, or when the cost fell by less than the fraction ``tol``.

    Parameters
    ----------
    points : cupy.ndarray, shape (n_traces, n_samples), float64

    Returns
    -------
    float
        Above 0, which cuML refuses.
    """
    tol = min(STANDING_SHIFT * float(points.var()), STANDING_COST)
    return max(tol, sys.float_info.min)  # equal traces have no variance, and 0 is refused


def require_cuml() -> Any:
    """Return cuML's ``KMeans`` class; the first call imports cuML.

    Returns
    -------
    type

    Raises
    ------
    DeviceError
        If cuML is missing or broken, or there is no GPU; the message says what to install.
    """
    asked = "engine 'cuml' was asked for"
    if find_spec("cuml") is None:
        raise DeviceError(
            f"{asked}, but cuML is not installed: {INSTALL_GPU}; or use --engine batched"
        )
    reason = gpu_missing()
    if reason:
        raise DeviceError(f"{asked}, but {reason}; or use --engine batched")
    try:
        return _import_keeping_allocator().cluster.KMeans
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"{asked}, but cuML can't be imported ({error}); reinstall it: {INSTALL_GPU}; or use "
            "--engine batched"
        ) from error


def _import_keeping_allocator() -> Any:
    """Import cuML and keep CuPy's own allocator.

    RMM asks the driver for every array, which would take longer than our kernels do, and the free
    memory of CuPy's pool, by which blocks are sized, would no longer be the one that is used.
    """
    cuda = import_module("cupy").cuda
    allocator = cuda.get_allocator()
    try:
        return import_module("cuml")
    finally:
        cuda.set_allocator(allocator)


def cuml_version() -> str | None:
    """Return the version of cuML without importing it.

    Returns
    -------
    str or None
        None where it is not installed.
    """
    if find_spec("cuml") is None:
        return None
    for package in ("cuml-cu13", "cuml-cu12", "cuml"):
        with suppress(PackageNotFoundError):
            return version(package)
    return "of unknown version"


def prefer_cuml(n_traces: int, n_samples: int) -> bool:
    """Return whether ``auto`` takes cuML on a GPU; never where cuML is not installed.

    Parameters
    ----------
    n_traces, n_samples : int
        Shape of the matrix that is swept.

    Returns
    -------
    bool
    """
    if CUML_FROM_TRACES is None or find_spec("cuml") is None:
        return False
    # with fewer traces `batched` works on distances between them, whatever their length
    return n_traces >= max(CUML_FROM_TRACES, 2 * n_samples)


def why_auto() -> str:
    """Return a sentence for the user: which engine ``auto`` takes on a GPU, and why.

    Returns
    -------
    str
    """
    if CUML_FROM_TRACES is None:
        return "batched; from how many traces on cuML is faster is not measured yet on any card"
    if find_spec("cuml") is None:
        return "batched; cuML is not installed"
    return (
        f"cuml from {CUML_FROM_TRACES} traces on, if these are at least twice their samples, as "
        f"measured on {MEASURED_ON}; batched below"
    )
