"""NumPy or CuPy: inside the rooms the array is asked; the device is chosen once, at the edge."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from umlpsd_gpu.errors import DeviceError

Device = Literal["auto", "cpu", "gpu"]


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
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpu_missing() -> str | None:
    """Say why no GPU can be used, or None where one can.

    ``import cupy`` succeeds without a driver, so a device is asked for.
    """
    try:
        cupy = import_module("cupy")
    except ImportError:
        return "CuPy is not installed (pip install 'umlpsd_gpu[cuda13]' or '[cuda12]')"
    try:
        n_devices = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CuPy finds no usable CUDA device: {error}"
    return None if n_devices else "CuPy finds no CUDA device"


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
