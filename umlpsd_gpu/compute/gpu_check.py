"""Whether the GPU can really compute: a driver and a device alone don't tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from umlpsd_gpu.compute.kernel_loader import kernel

# Of NVRTC, for cards that its CUDA version has dropped
UNKNOWN_ARCHITECTURE = "gpu-architecture"
POINTS = np.array([[1.0, 2.0], [3.0, 4.0]])


@cache
def why_gpu_fails() -> str | None:
    """Compute a few numbers on the current GPU, once per process.

    Returns
    -------
    str or None
        A sentence on what fails and what to do; None if one of our kernels, an elementwise
        operation, a product (cuBLAS) and a Fourier transform (cuFFT) give the right numbers.
    """
    cupy = import_module("cupy")
    steps: tuple[tuple[str, Callable[[Any], Any], np.ndarray], ...] = (
        ("a copy", lambda points: points, POINTS),
        ("a kernel of umlpsd_gpu", _row_dots, (POINTS * POINTS).sum(axis=1)),
        ("an elementwise operation", lambda points: points + points, 2 * POINTS),
        ("a matrix product", lambda points: points @ points, POINTS @ POINTS),
        (
            "a Fourier transform",
            lambda points: cupy.fft.rfft(points, axis=1),
            np.fft.rfft(POINTS, axis=1),
        ),
    )
    for name, compute, right in steps:
        try:
            found = cupy.asnumpy(compute(cupy.asarray(POINTS)))
        # whatever CuPy, the compiler or a library raises: nothing would run on this GPU
        except Exception as error:
            return _advise(cupy, name, error)
        if not np.allclose(found, right):
            return f"the GPU computes wrong numbers in {name}: check it with nvidia-smi"
    return None


def _row_dots(points: Any) -> Any:
    cupy = import_module("cupy")
    sums = cupy.empty(len(POINTS))
    kernel("row_dots")(1, 64, points, points, *POINTS.shape, 1.0, sums)
    return sums


def _advise(cupy: Any, step: str, error: Exception) -> str:
    major = cupy.cuda.runtime.runtimeGetVersion() // 1000
    if UNKNOWN_ARCHITECTURE in str(error):
        generation = cupy.cuda.Device().compute_capability
        return (
            f"CUDA {major} has dropped GPUs of compute capability {generation[:-1]}."
            f"{generation[-1]}: "
            "pip install 'umlpsd_gpu[cuda12]' instead of cuda13"
        )
    lines = str(error).strip().splitlines() or [""]
    return (
        f"the GPU fails in {step} ({type(error).__name__}: {lines[0][:200]}): check that no other "
        f"process has it (nvidia-smi), and pip install 'cupy-cuda{major}x[ctk]'"
    )
