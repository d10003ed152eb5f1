"""Arrays between host and device, and work of which several pieces run on the device at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from umlpsd_gpu.compute.backend import is_on_device
from umlpsd_gpu.compute.device_memory import free_bytes
from umlpsd_gpu.errors import DeviceError

# Work in flight may take this share of the free device memory, and two streams keep the card busy
# while the last restarts of a sweep end.
SHARE_IN_FLIGHT = 0.25
N_STREAMS = 2

Result = TypeVar("Result")


def uploaded(values: np.ndarray) -> Any:
    """Return the values of traces in an array of the device, there for all of its streams.

    Raises
    ------
    DeviceError
        If they don't fit the device.
    """
    cupy = import_module("cupy")
    try:
        # not asarray: it would pin a copy of all of it
        array = cupy.empty(values.shape, values.dtype)
        array.set(np.ascontiguousarray(values))
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise DeviceError(
            f"the {values.nbytes / 1e6:,.0f} MB of traces don't fit the device, which has "
            f"{free_bytes() / 1e6:,.0f} MB free; use --device cpu or pool fewer movies"
        ) from error
    cupy.cuda.get_current_stream().synchronize()  # other streams read them next
    return array


def on_host(array: Any) -> np.ndarray:
    """Return an array as NumPy's, wherever it is."""
    return import_module("cupy").asnumpy(array) if is_on_device(array) else array


def results_in_flight(
    start: Sequence[Callable[[], Callable[[], Result]]], bytes_of_one: int
) -> Iterator[Result]:
    """Yield results in order, several pieces of work under way on the device at any time.

    Parameters
    ----------
    start : sequence of callable
        Each starts one piece of work and returns a function that waits for its result.
    bytes_of_one : int
        What one of them holds on the device.
    """
    n_in_flight = max(1, int(SHARE_IN_FLIGHT * free_bytes()) // max(1, bytes_of_one))
    streams = _streams(import_module("cupy").cuda.Device().id, N_STREAMS)
    ready = import_module("cupy").cuda.get_current_stream().record()
    for stream in streams:
        stream.wait_event(ready)  # what they read is worked on until then
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
    """Return the streams of a device: always the same, since CuPy keeps freed memory by stream."""
    cupy = import_module("cupy")
    return [cupy.cuda.Stream(non_blocking=True) for _ in range(n_streams)]
