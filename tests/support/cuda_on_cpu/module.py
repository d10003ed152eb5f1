"""A built library and the launch of its kernels."""

from __future__ import annotations

import ctypes
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from tests.support.cuda_on_cpu.build import library

MAX_THREADS = 1024
MAX_SHARED_BYTES = 227 << 10  # of a block, dynamic and static, on an H100
MAX_GRID = (2**31 - 1, 65535, 65535)
MAX_BLOCK = (1024, 1024, 64)
MESSAGE_BYTES = 4096
_KEPT: list[np.ndarray] = []
_BUSY = Lock()  # a library holds the state of one block, a process one set of signal handlers


class KernelFault(RuntimeError):
    """A kernel did what CUDA forbids or leaves undefined."""


class _Launch(ctypes.Structure):
    _fields_ = (
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("n_shared_bytes", ctypes.c_uint64),
        ("order_seed", ctypes.c_uint64),
        ("process", ctypes.c_void_p),
        ("message", ctypes.c_void_p),
        ("message_capacity", ctypes.c_uint64),
    )


class CompiledModule:
    """The kernels of one text.

    Attributes
    ----------
    parameters : dict of str to tuple of str
        Of each kernel, in NumPy's letters: ``i8`` by value, ``*f4`` an array, ``*const f4`` an
        array that is only read; ``V`` for structures.
    static_shared_bytes : int
        Of ``__shared__`` variables of known size, in all kernels of the text.
    """

    def __init__(self, text: str, options: tuple[str, ...]) -> None:
        path, names = library(text, options)
        self._library = ctypes.CDLL(str(path))
        self._launch = self._library.cuda_on_cpu_launch
        self._launch.restype = None
        self._library.cuda_on_cpu_static_shared_bytes.restype = ctypes.c_size_t
        self.static_shared_bytes = int(self._library.cuda_on_cpu_static_shared_bytes())
        self._library.cuda_on_cpu_process_bytes.restype = ctypes.c_size_t
        self._process = _shared_memory(self._library.cuda_on_cpu_process_bytes())
        self._numbers = {name: number for number, name in enumerate(names)}
        self.parameters = {name: self._parameters(number) for name, number in self._numbers.items()}

    def launch(
        self,
        name: str,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        args: list[Any],
        shared_bytes: int = 0,
        order_seed: int = 0,
    ) -> None:
        """Run a kernel to its end.

        Parameters
        ----------
        name : str
            That of its entry point.
        grid, block : tuple of 3 int
            Number of blocks and of threads of a block.
        args : list
            NumPy scalars (by value), addresses (``int`` or ``numpy.uintp``), or arrays in C order,
            whose dtype must be the parameter's.
        shared_bytes : int
            Dynamic shared memory of a block.
        order_seed : int
            In which order the threads run between barriers, and the blocks; 0 is plain order.

        Raises
        ------
        KernelFault
            At a deadlock, divergent barriers, a write beside the dynamic shared memory, an address
            where nothing is, or a launch beyond the limits of CUDA.
        TypeError
            If an argument's size or kind is not the parameter's.
        """
        if name not in self._numbers:
            raise KeyError(f"no kernel {name!r} in this text, there are {sorted(self._numbers)}")
        self._check_limits(name, grid, block, shared_bytes)
        holders, addresses = _arguments(name, self.parameters[name], args)
        message = ctypes.create_string_buffer(MESSAGE_BYTES)
        launch = _Launch(
            *(grid, block, shared_bytes, order_seed, self._process),
            *(ctypes.addressof(message), MESSAGE_BYTES),
        )
        with _BUSY:
            self._launch(self._numbers[name], ctypes.byref(launch), addresses)
        del holders
        if message.value:
            raise KernelFault(f"{name}: {message.value.decode()}")

    def _parameters(self, number: int) -> tuple[str, ...]:
        text = ctypes.create_string_buffer(MESSAGE_BYTES)
        self._library.cuda_on_cpu_describe(number, text, ctypes.c_size_t(MESSAGE_BYTES))
        return tuple(filter(None, text.value.decode().split(",")))

    def _check_limits(
        self, name: str, grid: tuple[int, ...], block: tuple[int, ...], shared_bytes: int
    ) -> None:
        for what, sizes, limits in (("grid", grid, MAX_GRID), ("block", block, MAX_BLOCK)):
            if len(sizes) != 3 or not all(
                1 <= size <= limit for size, limit in zip(sizes, limits, strict=True)
            ):
                raise KernelFault(f"{name}: a {what} of {sizes}, allowed is 1 to {limits}")
        n_threads = int(np.prod(block))
        most = min(MAX_THREADS, self._library.cuda_on_cpu_max_threads(self._numbers[name]))
        if n_threads > most:
            raise KernelFault(f"{name}: a block of {n_threads} threads, allowed are {most}")
        n_bytes = shared_bytes + self.static_shared_bytes
        if not 0 <= n_bytes <= MAX_SHARED_BYTES:
            raise KernelFault(
                f"{name}: {n_bytes} bytes of shared memory, allowed are {MAX_SHARED_BYTES}"
            )


@cache
def compiled(text: str, options: tuple[str, ...] = ()) -> CompiledModule:
    """Return the kernels of a text, built with g++ where that wasn't done yet.

    Parameters
    ----------
    text : str
        As made by ``umlpsd_gpu.compute.kernel_loader.source``.
    options : tuple of str
        NVRTC's; those g++ doesn't know are left out.

    Raises
    ------
    CompileError
        With g++'s message, if the text is not accepted.
    """
    return CompiledModule(text, options)


@cache
def _shared_memory(n_bytes: int) -> int:
    """Return the address of what all libraries of this process share: stacks, above all."""
    _KEPT.append(np.zeros(n_bytes // 16 + 1, np.complex128))  # on 16 bytes
    return _KEPT[-1].ctypes.data


def _arguments(
    name: str, parameters: tuple[str, ...], args: list[Any]
) -> tuple[list[Any], ctypes.Array]:
    """Return the memory of the arguments, to be kept alive, and its addresses."""
    if len(args) != len(parameters):
        raise TypeError(f"{name} takes {len(parameters)} arguments, got {len(args)}")
    holders = [
        _by_value(f"{name}, argument {number}", parameter, arg)
        for number, (parameter, arg) in enumerate(zip(parameters, args, strict=True), start=1)
    ]
    addresses = (ctypes.c_void_p * len(holders))(*(holder.ctypes.data for holder in holders))
    return holders, addresses


def _by_value(where: str, parameter: str, arg: Any) -> np.ndarray:
    """Return an array that holds what the kernel gets for this parameter."""
    is_pointer, letters = parameter.startswith("*"), parameter.split()[-1].lstrip("*")
    if isinstance(arg, np.ndarray) and arg.ndim:
        _check_array(where, parameter, letters, arg)
        return np.array([arg.ctypes.data], np.uintp)
    if isinstance(arg, int) and not isinstance(arg, bool):
        arg = np.uintp(arg)
    value = np.atleast_1d(np.asarray(arg))
    if is_pointer:
        allowed = value.dtype.kind in "ui" and value.dtype.itemsize == 8
    else:
        same_kind = value.dtype.kind == letters[0] or {value.dtype.kind, letters[0]} == {"i", "u"}
        allowed = same_kind and value.dtype.itemsize == int(letters[1:])
    if not allowed or value.size != 1:
        raise TypeError(f"{where}: the kernel takes {parameter}, got {value.dtype.str[1:]}")
    return value


def _check_array(where: str, parameter: str, letters: str, array: np.ndarray) -> None:
    if not parameter.startswith("*"):
        raise TypeError(f"{where}: the kernel takes {parameter} by value, got an array")
    got = array.dtype.str[1:]
    same = letters in (got, "V0") or {letters, got} <= {"b1", "u1", "i1"}
    if not same and not (letters[0] == "V" and letters[1:] == got[1:]):
        raise TypeError(f"{where}: the kernel takes {parameter}, got an array of {got}")
    if not array.flags.c_contiguous:
        raise TypeError(f"{where}: an array must be in C order, got strides {array.strides}")
    if not (array.flags.writeable or "const" in parameter):
        raise TypeError(f"{where}: the kernel writes to an array that is only to be read")
