"""Kernels in C for the CPU: compiled when the package is installed, optional at run time.

``kernels/build.py`` compiles each C file into a library, if there is a C compiler. The file name of
a library contains a hash of the source text, so that that of another version is never loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.kernel_loader import folder

BUILD_AGAIN = "install a C compiler (gcc or clang), then install umlpsd_gpu again"


def library(name: str = "kmeans_restarts") -> Any:
    """Return a compiled library, a `ctypes.CDLL`; None if there is none.

    Parameters
    ----------
    name : str, optional
        Its C file without the suffix, which is also the name of its function.
    """
    return _found(name)[0]


def why_missing() -> str | None:
    """Return why a library is missing and what to do; None if all are compiled."""
    reasons = [_found(source.stem)[1] for source in sorted(folder().glob("*.c"))]
    return next(filter(None, reasons), None)


def load(path: Path) -> ctypes.CDLL:
    """Load a library and declare the arguments of its function.

    Parameters
    ----------
    path : Path
        Of the shared library; the name of its function is followed by a dot.

    Returns
    -------
    ctypes.CDLL

    Raises
    ------
    OSError
        If the system can't load it.
    """
    loaded = ctypes.CDLL(str(path))
    name = path.name.partition(".")[0]
    getattr(loaded, name).argtypes = ARGUMENTS[name]
    return loaded


@cache
def _found(name: str) -> tuple[Any, str | None]:
    text = (folder() / f"{name}.c").read_bytes()
    path = folder() / f"{name}.{hashlib.sha256(text).hexdigest()[:16]}.so"
    if not path.is_file():
        return None, f"not compiled: {BUILD_AGAIN}"
    try:
        return load(path), None
    except OSError as error:
        return None, f"can't be loaded ({error}): {BUILD_AGAIN}"


def _array(dtype: type, ndim: int) -> Any:
    return np.ctypeslib.ndpointer(dtype, ndim, flags="C_CONTIGUOUS")


_INT = ctypes.c_int64
_INTS, _VALUES = _array(np.int64, 1), _array(np.float64, 1)
_MATRIX, _MATRICES = _array(np.float64, 2), _array(np.float64, 3)

ARGUMENTS = {
    "kmeans_restarts": (
        *(_MATRICES, _MATRICES, _INT, _INTS, _MATRICES),
        *(_INT,) * 4,
        *(_array(np.int16, 2), _INTS, _array(np.int64, 2)),
        *(_MATRIX, _MATRIX, _MATRIX, _INTS),
    ),
    "kmeans_points": (
        *(_MATRIX, _array(np.float32, 4), _array(np.float32, 3), _array(np.float32, 2)),
        *(_INT, _INT, _INT, ctypes.c_double, _array(np.int64, 2)),
        *(_INT,) * 3,
        *(_array(np.int16, 2), _INTS, _array(np.int64, 2)),
        *(_MATRIX, _MATRIX, _MATRIX, _INTS),
    ),
    "particle_pixels": (
        *(_VALUES, _VALUES),
        *(_INTS,) * 6,
        *(_MATRIX, _INT, _MATRIX, _MATRIX, _INT, _INT),
        *(_VALUES, _MATRIX, _MATRICES),
    ),
}
