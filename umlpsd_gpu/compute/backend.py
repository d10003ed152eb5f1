"""NumPy or CuPy: inside the rooms the array is asked; the device is chosen once, at the edge."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from umlpsd_gpu.errors import DeviceError

Device = Literal["auto", "cpu", "gpu"]

INSTALL_GPU = "pip install 'umlpsd_gpu[cuda13]' (drivers from 580 on) or 'umlpsd_gpu[cuda12]'"
CUDA_ERROR_INSUFFICIENT_DRIVER, CUDA_ERROR_NO_DEVICE = 35, 100


def xp_of(*arrays: Any) -> ModuleType:
    """Return the library that owns all the given arrays.

    Raises
    ------
    TypeError
        If the arrays are neither all NumPy nor all CuPy.
    """
    owners = {type(array).__module__.partition(".")[0] for array in arrays}
    if owners not in ({"numpy"}, {"cupy"}):
        raise TypeError(f"arrays must all be numpy or all cupy, got {sorted(owners)}")
    return import_module(owners.pop())


def n_cores() -> int:
    """Return the processor cores this process may use (a batch job's share, not the node's)."""
    n = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        n = len(os.sched_getaffinity(0))
    # not every SLURM confines its jobs to their cores
    share = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(n, int(share)) if share.isdecimal() and int(share) else n


def gpu_missing() -> str | None:
    """Say in a sentence why no GPU can be used and what to do about it, or None where one can.

    ``import cupy`` succeeds without a driver, so a device is asked for.
    """
    try:
        cuda = import_module("cupy").cuda
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            return f"CuPy is not installed: {INSTALL_GPU}"
        # CuPy frames the original error in advice of many lines
        return f"CuPy can't be imported ({error.__cause__ or error}); reinstall it: {INSTALL_GPU}"
    try:
        n_devices = cuda.runtime.getDeviceCount()
    except cuda.runtime.CUDARuntimeError as error:
        return _why_no_device(cuda.runtime, error)
    return _why_no_compiler(cuda) if n_devices else _why_hidden()


def _why_no_device(runtime: Any, error: Any) -> str:
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if driver == 0:
        return "no NVIDIA driver is found: install it (a container must be started with its GPUs)"
    if error.status == CUDA_ERROR_INSUFFICIENT_DRIVER:
        return (
            f"the NVIDIA driver goes up to CUDA {cuda_version(driver)} and CuPy needs "
            f"{cuda_version(needed)}: update the driver or install the CuPy of its CUDA version"
        )
    if error.status == CUDA_ERROR_NO_DEVICE:
        return _why_hidden()
    return f"the NVIDIA driver fails ({error}): see what nvidia-smi says"


def _why_hidden() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return "there is an NVIDIA driver but no GPU: see whether nvidia-smi lists one"
    return f"CUDA_VISIBLE_DEVICES='{visible}' leaves no GPU: unset it or name one of nvidia-smi's"


def _why_no_compiler(cuda: Any) -> str | None:
    """Say that the kernels can't be compiled: CuPy alone comes without NVRTC."""
    try:
        cuda.nvrtc.getVersion()
    except RuntimeError:
        major = cuda.runtime.runtimeGetVersion() // 1000
        return f"CuPy finds no compiler (NVRTC): pip install 'cupy-cuda{major}x[ctk]'"
    return None


def cuda_version(number: int) -> str:
    """Return CUDA's version number as people write it: 13020 is 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


def choose_device(device: Device) -> Literal["cpu", "gpu"]:
    """Turn the setting ``device`` into the device that will run; ``"gpu"`` never falls back.

    Raises
    ------
    DeviceError
        If ``"gpu"`` is asked for and there is none; the message says what is missing.
    """
    if device == "cpu":
        return "cpu"
    reason = gpu_missing()
    if reason and device == "gpu":
        raise DeviceError(f"device 'gpu' was asked for, but {reason}; or use --device cpu or auto")
    return "cpu" if reason else "gpu"


def is_on_device(array: Any) -> bool:
    """Say whether an array is CuPy's."""
    return type(array).__module__.partition(".")[0] == "cupy"
