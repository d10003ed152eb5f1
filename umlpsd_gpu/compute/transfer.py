"""Arrays between host and GPU, and several pieces of work in flight on the GPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, xp_of
from umlpsd_gpu.compute.device_memory import free_bytes
from umlpsd_gpu.errors import DeviceError

# Work in flight may take this share of the free GPU memory. Two streams keep the card busy while
# the last restarts of a sweep end.
SHARE_IN_FLIGHT = 0.25
N_STREAMS = 2

Result = TypeVar("Result")
Record = TypeVar("Record", bound=Any)


def uploaded(values: Array) -> Array:
    """Return the values of traces as a CuPy array that all streams can read.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        NumPy's; CuPy's is returned unchanged.

    Returns
    -------
    cupy.ndarray, shape (n_traces, n_frames)

    Raises
    ------
    DeviceError
        If they do not fit in the GPU's memory.
    """
    cupy = import_module("cupy")
    if is_on_device(values):
        return values
    try:
        # not asarray, which would make a pinned copy of the whole array
        array: Any = cupy.empty(values.shape, values.dtype)
        array.set(np.ascontiguousarray(values))
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise DeviceError(
            f"the {values.nbytes / 1e6:,.0f} MB of traces don't fit the device, which has "
            f"{free_bytes() / 1e6:,.0f} MB free; use --device cpu or pool fewer movies"
        ) from error
    cupy.cuda.get_current_stream().synchronize()  # other streams read the array next
    on_device: Array = array
    return on_device


def on_host(array: Array) -> np.ndarray:
    """Return an array as a NumPy array; NumPy's is returned unchanged.

    Parameters
    ----------
    array : ndarray
        NumPy's or CuPy's.

    Returns
    -------
    ndarray
    """
    if not is_on_device(array):
        return array
    copy: np.ndarray = import_module("cupy").asnumpy(array)
    return copy


def all_on_host(*arrays: Array) -> list[np.ndarray]:
    """Return several arrays of float64 as NumPy arrays, from a GPU in one copy.

    Parameters
    ----------
    *arrays : ndarray, float64
        All NumPy's, which are returned unchanged, or all CuPy's.

    Returns
    -------
    list of ndarray
    """
    if not is_on_device(arrays[0]):
        return list(arrays)
    packed = on_host(xp_of(*arrays).concatenate([array.ravel() for array in arrays]))
    ends = np.cumsum([array.size for array in arrays])
    parts = np.split(packed, ends[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def record_on_host(record: Record) -> Record:
    """Return a record with its arrays on the CPU.

    Parameters
    ----------
    record : dataclass instance

    Returns
    -------
    dataclass instance
        What is no array of the GPU is unchanged.
    """
    copies = {
        name: on_host(value) for name, value in vars(record).items() if hasattr(value, "dtype")
    }
    copied: Record = replace(record, **copies)
    return copied


def results_in_flight(
    start: Sequence[Callable[[], Callable[[], Result]]], bytes_of_one: int
) -> Iterator[Result]:
    """Yield results in order, while several pieces of work run on the GPU.

    Parameters
    ----------
    start : sequence of callable
        Each starts one piece of work and returns a function that waits for its result.
    bytes_of_one : int
        GPU memory that one of them takes.

    Yields
    ------
    object
        Results in the order of ``start``.
    """
    n_in_flight = max(1, int(SHARE_IN_FLIGHT * free_bytes()) // max(1, bytes_of_one))
    streams = _streams(import_module("cupy").cuda.Device().id, N_STREAMS)
    ready = import_module("cupy").cuda.get_current_stream().record()
    for stream in streams:
        stream.wait_event(ready)  # their input is complete then
    waiting: deque[tuple[Any, Callable[[], Result]]] = deque()

    def collected() -> Result:
        stream, collect = waiting.popleft()
        with stream:
            return collect()

    for number, start_one in enumerate(start):
        stream = streams[number % len(streams)]
        with stream:
            waiting.append((stream, start_one()))
        if len(waiting) >= n_in_flight:
            yield collected()
    while waiting:
        yield collected()


@lru_cache(maxsize=8)
def _streams(device: int, n_streams: int) -> list[Any]:
    """Return the streams of a device: always the same, since CuPy keeps freed memory per stream."""
    cupy = import_module("cupy")
    return [cupy.cuda.Stream(non_blocking=True) for _ in range(n_streams)]
