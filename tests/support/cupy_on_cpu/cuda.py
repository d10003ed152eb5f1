"""Devices, streams, events and pinned memory of the stand-in: everything happens at once."""

import time
from types import SimpleNamespace

from tests.support.cupy_on_cpu import memory as _memory
from tests.support.cupy_on_cpu.raw import MOST_SHARED_BYTES

memory = SimpleNamespace(
    OutOfMemoryError=_memory.OutOfMemoryError, DEFAULT_POOL=_memory.DEFAULT_POOL
)


class CUDARuntimeError(RuntimeError):
    """What calls of the runtime raise; ``status`` is the number of a cudaError."""

    def __init__(self, status, message=""):
        super().__init__(message)
        self.status = status


def _device_properties(device):
    return {
        "name": b"stand-in on the CPU",
        "multiProcessorCount": 2,
        "sharedMemPerBlockOptin": MOST_SHARED_BYTES,
        "totalGlobalMem": _memory.DEVICE.total_bytes,
        "major": 8,
        "minor": 9,
        "l2CacheSize": 4 << 20,
    }


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDevice=lambda: _memory.DEVICE.current,
    getDeviceCount=lambda: 1,
    getDeviceProperties=_device_properties,
    driverGetVersion=lambda: 13000,
    runtimeGetVersion=lambda: 13000,
    memGetInfo=lambda: (_memory.DEVICE.free_bytes, _memory.DEVICE.total_bytes),
    deviceSynchronize=lambda: None,
)

nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))


class Device:
    """One of two devices that share the host's memory; what runs checks which one it is on."""

    def __init__(self, device=None):
        self.id = _memory.DEVICE.current if device is None else device
        self._before = []
        self.attributes = {"MaxSharedMemoryPerBlockOptin": MOST_SHARED_BYTES}
        self.mem_info = (_memory.DEVICE.free_bytes, _memory.DEVICE.total_bytes)
        self.compute_capability = "89"

    def __enter__(self):
        self._before.append(_memory.DEVICE.current)
        _memory.DEVICE.current = self.id
        return self

    def __exit__(self, *exception):
        _memory.DEVICE.current = self._before.pop()

    def synchronize(self):
        pass


class Event:
    def __init__(self, block=False, disable_timing=False):
        self.seconds = None

    def record(self, stream=None):
        self.seconds = time.perf_counter()

    def synchronize(self):
        pass


class Stream:
    def __init__(self, null=False, non_blocking=False):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def synchronize(self):
        pass

    def wait_event(self, event):
        pass

    def record(self, event=None):
        event = event or Event()
        event.record()
        return event


Stream.null = Stream()


_allocator = [None]


def get_allocator():
    return _allocator[0]


def set_allocator(allocator=None):
    _allocator[0] = allocator


def get_current_stream():
    return Stream.null


def get_elapsed_time(start, stop):
    return 1000 * (stop.seconds - start.seconds)


def alloc_pinned_memory(n_bytes):
    """Return host memory with the buffer protocol, as CuPy's pinned memory has."""
    return bytearray(n_bytes)
