"""NumPy or CuPy: the array shows which library owns it; the device is chosen once, at the start."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array, ArrayModule
from umlpsd_gpu.compute.gpu_check import why_gpu_fails
from umlpsd_gpu.errors import DeviceError

Device = Literal["auto", "cpu", "gpu"]

INSTALL_GPU = "pip install 'umlpsd_gpu[cuda13]' (drivers from 580 on) or 'umlpsd_gpu[cuda12]'"
DLPACK_CUDA = 2  # kDLCUDA
CUDA_ERROR_INSUFFICIENT_DRIVER, CUDA_ERROR_NO_DEVICE = 35, 100


def xp_of(*arrays: Array) -> ArrayModule:
    """Return the library that owns all the given arrays.

    Parameters
    ----------
    *arrays : ndarray
        NumPy's or CuPy's.

    Returns
    -------
    module
        ``numpy`` or ``cupy``.

    Raises
    ------
    TypeError
        If the arrays are neither all NumPy nor all CuPy.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.compute.backend import xp_of
    >>> xp_of(np.zeros(3), np.ones(2)).__name__
    'numpy'
    """
    owners = {type(array).__module__.partition(".")[0] for array in arrays}
    if owners not in ({"numpy"}, {"cupy"}):
        raise TypeError(f"arrays must all be numpy or all cupy, got {sorted(owners)}")
    return import_module(owners.pop())


def n_cores() -> int:
    """Return the number of processor cores this process may use: the share of a batch job."""
    n = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        n = len(os.sched_getaffinity(0))
    # not every SLURM limits jobs to their cores
    share = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(n, int(share)) if share.isdecimal() and int(share) else n


def gpu_missing() -> str | None:
    """Return a sentence on why no GPU can be used and what to do; None if one can be used.

    ``import cupy`` succeeds without a driver, so a device is requested; and the compiler or a
    library may not serve that device, so a few numbers are computed, once per process.
    """
    try:
        cuda = import_module("cupy").cuda
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            return f"CuPy is not installed: {INSTALL_GPU}"
        # CuPy wraps the original error in many lines of advice
        return f"CuPy can't be imported ({error.__cause__ or error}); reinstall it: {INSTALL_GPU}"
    try:
        n_devices = cuda.runtime.getDeviceCount()
    except cuda.runtime.CUDARuntimeError as error:
        return _why_no_device(cuda.runtime, error)
    if not n_devices:
        return _why_hidden()
    return _why_no_compiler(cuda) or why_gpu_fails()


def _why_no_device(runtime: Any, error: Any) -> str:
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if driver == 0:
        return "no NVIDIA driver is found: install it (a container must be given access to GPUs)"
    if error.status == CUDA_ERROR_INSUFFICIENT_DRIVER:
        return (
            f"the NVIDIA driver goes up to CUDA {cuda_version(driver)} and CuPy needs "
            f"{cuda_version(needed)}: update the driver or install the CuPy of its CUDA version"
        )
    if error.status == CUDA_ERROR_NO_DEVICE:
        return _why_hidden()
    return f"the NVIDIA driver fails ({error}): check with nvidia-smi"


def _why_hidden() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return "there is an NVIDIA driver but no GPU: check whether nvidia-smi lists one"
    return (
        f"CUDA_VISIBLE_DEVICES='{visible}' hides all GPUs: unset it or choose one of nvidia-smi's"
    )


def _why_no_compiler(cuda: Any) -> str | None:
    """Return why kernels can't be compiled (CuPy alone has no NVRTC); None if they can."""
    try:
        cuda.nvrtc.getVersion()
    except RuntimeError:
        major = cuda.runtime.runtimeGetVersion() // 1000
        return f"CuPy finds no compiler (NVRTC): pip install 'cupy-cuda{major}x[ctk]'"
    return None


def cuda_version(number: int) -> str:
    """Return CUDA's version as usually written.

    Parameters
    ----------
    number : int
        As CUDA returns it: 13020.

    Returns
    -------
    str
        As ``13.2``.
    """
    return f"{number // 1000}.{number % 1000 // 10}"


def choose_device(device: Device) -> Literal["cpu", "gpu"]:
    """Return the device to run on for a value of the setting ``device``.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"}
        ``"gpu"`` never falls back to the CPU.

    Returns
    -------
    {"cpu", "gpu"}

    Raises
    ------
    DeviceError
        If ``"gpu"`` is requested and cannot be used; the message says what is missing.
    """
    if device == "cpu":
        return "cpu"
    reason = gpu_missing()
    if reason and device == "gpu":
        raise DeviceError(f"device 'gpu' was asked for, but {reason}; or use --device cpu or auto")
    return "cpu" if reason else "gpu"


def is_on_device(array: Array) -> bool:
    """Return whether an array is CuPy's.

    Parameters
    ----------
    array : ndarray
        NumPy's or CuPy's.

    Returns
    -------
    bool
    """
    return type(array).__module__.partition(".")[0] == "cupy"


def share_with_cupy(values: Any) -> Any:
    """Return a tensor that another library keeps on a GPU as a CuPy array of the same memory.

    Parameters
    ----------
    values : object
        With ``__cuda_array_interface__`` (Numba, PyTorch) or ``__dlpack__`` of a CUDA device (JAX,
        PyTorch).

    Returns
    -------
    cupy.ndarray or object
        Anything else, CuPy's arrays included, is returned unchanged.
    """
    if is_on_device(values):
        return values
    if hasattr(values, "__cuda_array_interface__"):
        return import_module("cupy").asarray(values)
    if hasattr(values, "__dlpack_device__") and values.__dlpack_device__()[0] == DLPACK_CUDA:
        return import_module("cupy").from_dlpack(values)
    return values


def as_float64(values: Any) -> Array:
    """Return values as float64 in C order, where they are.

    Parameters
    ----------
    values : array_like

    Returns
    -------
    ndarray, float64
        CuPy's on the same GPU, if the values are; else NumPy's.
    """
    xp = xp_of(values) if is_on_device(values) else np
    array: Array = xp.ascontiguousarray(values, dtype=np.float64)
    return array
