"""The source text of a kernel in ``kernels/`` → a function that runs on the GPU.

NVRTC compiles the text at first use, once for each set of macros; CuPy caches the result on disk.
CuPy adds ``-ftz=true``: float32 results below 1e-38 are 0. float64 is not affected.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

# next to the package in a checkout, inside it in a wheel
FOLDERS = (Path(__file__).parents[1] / "kernels", Path(__file__).parents[2] / "kernels")
# Static and dynamic shared memory that every launch may have; more must be asked for
DEFAULT_SHARED_BYTES = 48 << 10
_RAISING_LIMIT = Lock()
# NumPy dtype → C type
C_TYPES = {
    "uint8": "unsigned char",
    "int8": "signed char",
    "uint16": "unsigned short",
    "int16": "short",
    "uint32": "unsigned int",
    "int32": "int",
    "uint64": "unsigned long long",
    "int64": "long long",
    "float32": "float",
    "float64": "double",
}


@dataclass(frozen=True)
class Kernel:
    """One compiled kernel.

    Attributes
    ----------
    name : str
        Of its file and of its entry point.
    function : object
        CuPy's handle.
    """

    name: str
    function: Any

    def __call__(
        self, grid: int | tuple[int, ...], block: int, *args: Any, shared_bytes: int = 0
    ) -> None:
        """Launch on the current stream.

        Parameters
        ----------
        grid : int or tuple of int
            Number of blocks; nothing is launched if it is 0.
        block : int
            Threads per block, a multiple of 32.
        *args
            CuPy arrays in C order (passed as pointers), None (a null pointer), ``int`` (``long
            long``) and ``float`` (``double``).
        shared_bytes : int
            Dynamic shared memory per block, bytes.

        Raises
        ------
        ValueError
            If an array is not in C order.
        """
        blocks = (grid,) if isinstance(grid, int) else grid
        if 0 in blocks:
            return
        if shared_bytes:
            self._allow_shared(shared_bytes)
        self.function(blocks, (block,), tuple(map(_argument, args)), shared_mem=shared_bytes)

    def _allow_shared(self, shared_bytes: int) -> None:
        if shared_bytes + self.function.shared_size_bytes <= DEFAULT_SHARED_BYTES:
            return
        # never lowered: another thread may be about to launch with more
        with _RAISING_LIMIT:
            if shared_bytes > self.function.max_dynamic_shared_size_bytes:
                self.function.max_dynamic_shared_size_bytes = shared_bytes


# By name and macros, for the life of the process
COMPILED: dict[tuple[str, tuple[tuple[str, str | int], ...]], Kernel] = {}


def kernel(name: str, **macros: str | int) -> Kernel:
    """Return a kernel, compiled with these macros for the current device.

    Parameters
    ----------
    name : str
        File in ``kernels/`` without ``.cu``.
    **macros : str or int
        Types and sizes that the source text leaves open, for example ``VALUE="float"``.

    Returns
    -------
    Kernel

    Raises
    ------
    FileNotFoundError
        If there is no such kernel.
    """
    key = name, tuple(sorted(macros.items()))
    if key not in COMPILED:
        module = import_module("cupy").RawModule(code=source(name), options=options(macros))
        COMPILED[key] = Kernel(name, module.get_function(name))
    return COMPILED[key]


def source(name: str) -> str:
    """Return the whole text to compile; error messages of the compiler refer to the ``.cu`` line.

    ``common.cuh`` is inserted because CuPy's cache ignores changes of included files.

    Parameters
    ----------
    name : str
        File in ``kernels/`` without ``.cu``.

    Returns
    -------
    str
    """
    common, text = (
        (folder() / file).read_text(encoding="utf-8") for file in ("common.cuh", f"{name}.cu")
    )
    return f'#line 1 "common.cuh"\n{common}\n#line 1 "{name}.cu"\n{text}'


def options(macros: dict[str, str | int]) -> tuple[str, ...]:
    """Return the compiler's options for these macros.

    Parameters
    ----------
    macros : dict of str to str or int

    Returns
    -------
    tuple of str
    """
    return ("-std=c++17", *(f"-D{macro}={value}" for macro, value in sorted(macros.items())))


def folder() -> Path:
    """Return the folder of the kernels' source texts.

    Raises
    ------
    FileNotFoundError
        If the installation contains no kernels.
    """
    for candidate in FOLDERS:
        if (candidate / "common.cuh").is_file():
            return candidate
    raise FileNotFoundError(f"the kernels are missing: looked in {' and '.join(map(str, FOLDERS))}")


def _argument(value: Any) -> Any:
    """Return a value as the type that the kernels declare."""
    if value is None:
        return np.uintp(0)
    if isinstance(value, bool | int | np.integer):
        return np.int64(value)
    if isinstance(value, float | np.floating):
        return np.float64(value)
    if not value.flags.c_contiguous:
        raise ValueError(f"a kernel takes arrays in C order, got strides {value.strides}")
    return value
