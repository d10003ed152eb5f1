"""Available devices and libraries: GPUs, driver, CUDA, CuPy, cuML, and the effect of ``auto``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from umlpsd_gpu.compute.backend import choose_device, cuda_version, gpu_missing
from umlpsd_gpu.kmeans.cuml import cuml_version, why_auto

DRIVER_FILE = Path("/proc/driver/nvidia/version")
BYTES_PER_GB = 1e9
UNKNOWN = "not known without CuPy"


@dataclass(frozen=True)
class Gpu:
    """One device that CUDA shows to this process.

    Attributes
    ----------
    name : str
    compute_capability : str
        As ``9.0``.
    n_multiprocessors : int
    total_bytes : int
    free_bytes : int or None
        None where the device can't be opened, e.g. because another process has it to itself.
    """

    name: str
    compute_capability: str
    n_multiprocessors: int
    total_bytes: int
    free_bytes: int | None

    def __str__(self) -> str:
        """Return a sentence for `umlpsd info`."""
        total_gb = f"{self.total_bytes / BYTES_PER_GB:.1f} GB"
        memory = f"{total_gb} that can't be opened"
        if self.free_bytes is not None:
            memory = f"{self.free_bytes / BYTES_PER_GB:.1f} of {total_gb} free"
        return (
            f"{self.name}, compute capability {self.compute_capability}, "
            f"{self.n_multiprocessors} multiprocessors, {memory}"
        )


def device_rows() -> list[tuple[str, str]]:
    """Return what is available and what ``auto`` would choose, as rows (name, text)."""
    cupy = _cupy()
    gpus = _gpus(cupy) if cupy else []
    none = "none found" if cupy else UNKNOWN
    names = ["GPU"] if len(gpus) < 2 else [f"GPU {i}" for i in range(len(gpus))]
    on_gpu = choose_device("auto") == "gpu"
    device = f"{names[0].lower()}, since it is found" if on_gpu else f"cpu, since {gpu_missing()}"
    return [
        *zip(names, [str(gpu) for gpu in gpus] or [none], strict=True),
        ("driver", _driver(cupy)),
        ("CUDA runtime", _runtime(cupy)),
        ("CuPy", _cupy_version(cupy)),
        ("cuML", cuml_version() or "not installed; only --engine cuml needs it"),
        ("device auto", device),
        ("engine auto", why_auto() if on_gpu else "batched; cuML needs a GPU"),
    ]


def _cupy() -> Any:
    """Return CuPy, or None where it is missing or broken (`gpu_missing` says which)."""
    try:
        return import_module("cupy")
    except ImportError:
        return None


def _cupy_version(cupy: Any) -> str:
    if cupy:
        return str(cupy.__version__)
    return "installed, but it can't be imported" if find_spec("cupy") else "not installed"


def _gpus(cupy: Any) -> list[Gpu]:
    try:
        n_gpus = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return []
    return [_gpu(cupy, number) for number in range(n_gpus)]


def _gpu(cupy: Any, number: int) -> Gpu:
    found = cupy.cuda.runtime.getDeviceProperties(number)
    try:
        free_bytes, _ = cupy.cuda.Device(number).mem_info
    except cupy.cuda.runtime.CUDARuntimeError:
        free_bytes = None
    return Gpu(
        name=found["name"].decode(),
        compute_capability=f"{found['major']}.{found['minor']}",
        n_multiprocessors=found["multiProcessorCount"],
        total_bytes=found["totalGlobalMem"],
        free_bytes=free_bytes,
    )


def _driver(cupy: Any) -> str:
    """Return the driver's release, which Linux reports, and the newest CUDA version it supports."""
    known = []
    if DRIVER_FILE.is_file():
        known += re.findall(r"\b\d{3}\.\d+(?:\.\d+)?\b", DRIVER_FILE.read_text())[:1]
    newest = cupy.cuda.runtime.driverGetVersion() if cupy else 0
    if newest:
        known.append(f"up to CUDA {cuda_version(newest)}")
    return ", ".join(known) or ("none found" if cupy else UNKNOWN)


def _runtime(cupy: Any) -> str:
    if not cupy:
        return "none; it comes with CuPy"
    try:
        compiler = "compiler (NVRTC) {}.{}".format(*cupy.cuda.nvrtc.getVersion())
    except RuntimeError:
        compiler = "no compiler (NVRTC)"
    return f"{cuda_version(cupy.cuda.runtime.runtimeGetVersion())}, {compiler}"
