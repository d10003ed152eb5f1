"""Kernels in C for the CPU: compiled when the package is installed, optional at run time.

``kernels/build.py`` compiles them if there is a C compiler. The file name of the library contains a
hash of the source text, so that a library of another version is never loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.kernel_loader import folder

NAME = "kmeans_restarts"
BUILD_AGAIN = "install a C compiler (gcc or clang), then install umlpsd_gpu again"


def library() -> Any:
    """Return the compiled library, a `ctypes.CDLL`; None if there is none."""
    return _found()[0]


def why_missing() -> str | None:
    """Return why there is no compiled library and what to do; None if there is one."""
    return _found()[1]


def load(path: Path) -> ctypes.CDLL:
    """Load a library and declare the arguments of its functions.

    Parameters
    ----------
    path : Path
        Of the shared library.

    Returns
    -------
    ctypes.CDLL

    Raises
    ------
    OSError
        If the system can't load it.
    """
    loaded = ctypes.CDLL(str(path))
    loaded.kmeans_restarts.argtypes = (
        _array(np.float64, 3),
        _array(np.float64, 3),
        ctypes.c_int64,
        _array(np.int64, 1),
        _array(np.float64, 3),
        *(ctypes.c_int64,) * 4,
        _array(np.int16, 2),
        _array(np.int64, 1),
        _array(np.int64, 2),
        _array(np.float64, 2),
        _array(np.float64, 2),
        _array(np.float64, 2),
        _array(np.int64, 1),
    )
    return loaded


@cache
def _found() -> tuple[Any, str | None]:
    text = (folder() / f"{NAME}.c").read_bytes()
    path = folder() / f"{NAME}.{hashlib.sha256(text).hexdigest()[:16]}.so"
    if not path.is_file():
        return None, f"not compiled: {BUILD_AGAIN}"
    try:
        return load(path), None
    except OSError as error:
        return None, f"can't be loaded ({error}): {BUILD_AGAIN}"


def _array(dtype: type, ndim: int) -> Any:
    return np.ctypeslib.ndpointer(dtype, ndim, flags="C_CONTIGUOUS")
