"""Movie → frames on the GPU: reading, copying and computing at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.device_memory import USABLE_SHARE, free_bytes
from umlpsd_gpu.compute.kernel_loader import C_TYPES
from umlpsd_gpu.errors import DeviceError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.streaming import frames_at_once, thread_count

# Of the free memory: a smaller movie stays on the device, and later passes read nothing
KEPT_SHARE = 0.5
# Its copy takes longer than launching it and its kernels (0.6 ms on PCIe 5 against ~0.1 ms);
# pinning more would take longer than it saves.
LARGEST_PINNED_BYTES = 32 << 20

log = logging.getLogger("umlpsd_gpu")


class FramesOnDevice:
    """The frames of a movie, chunk by chunk in device memory, in the type of the file.

    Threads read a chunk into one of two pinned buffers while the other is copied to the device and
    kernels process the previous chunk; events order them, and the host waits only for reading. A
    movie that fits half of the free device memory stays there after the first pass. Where the
    device runs out of memory the chunks become shorter, which is logged.

    Host memory stays within ``movie.memory_mb`` (one frame of each buffer and thread at least):
    half of it for the pinned buffers, half for the threads.

    Parameters
    ----------
    movie : Movie
    n_threads : int, optional
        Threads that read. Default: all cores.

    Attributes
    ----------
    movie : Movie
    n_pixels : int
        Pixels of a frame.
    n_threads : int
        Threads that read.
    c_type : str
        C type of the counts, the macro ``VALUE`` of kernels. Half-precision counts become
        ``float``.
    """

    def __init__(self, movie: Movie, n_threads: int | None = None) -> None:
        self.movie = movie
        self.n_pixels = movie.n_rows * movie.n_cols
        self._dtype = movie.dtype if movie.dtype.name in C_TYPES else np.dtype(np.float32)
        self.c_type = C_TYPES[self._dtype.name]
        self.n_threads = thread_count(n_threads)
        self._kept: Array | None = None

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """Yield ``(first_frame, frames)`` in time order.

        Yields
        ------
        first_frame : int
        frames : cupy.ndarray, shape (n, n_pixels), counts
            For kernels on the stream that is current when the pass begins, launched before the
            next chunk is requested, which overwrites it.

        Raises
        ------
        MovieError
            If a frame can't be read.
        DeviceError
            If two frames don't fit the device.
        """
        if self._kept is not None:
            yield 0, self._kept
            return
        whole = self._allocate_whole()
        yield from self._upload(whole)
        self._kept = whole

    def _upload(self, whole: Array | None) -> Iterator[tuple[int, Array]]:
        cupy = import_module("cupy")
        computing, copying = cupy.cuda.get_current_stream(), cupy.cuda.Stream(non_blocking=True)
        n_per_chunk, slots = self._allocate_slots(with_device=whole is None)
        for slot in slots:
            slot.used.record(computing)  # kernels of an earlier owner of the memory may still run
        spans = [
            (first, min(first + n_per_chunk, self.movie.n_frames))
            for first in range(0, self.movie.n_frames, n_per_chunk)
        ]
        with ThreadPoolExecutor(self.n_threads) as pool:
            try:
                slots[0].reads = self._start_reading(pool, slots[0], *spans[0])
                for i, (first, stop) in enumerate(spans):
                    slot, next_slot = slots[i % 2], slots[(i + 1) % 2]
                    if i + 1 < len(spans):
                        next_slot.copied.synchronize()  # the pinned buffer may be filled again
                        next_slot.reads = self._start_reading(pool, next_slot, *spans[i + 1])
                    for read in slot.reads:
                        read.result()
                    n_frames = stop - first
                    held = slot.device if whole is None else whole[first:stop]
                    slot.copy(held[:n_frames], n_frames, copying, computing)
                    yield first, held[:n_frames]
                    slot.used.record(computing)
            finally:
                pool.shutdown(cancel_futures=True)
                copying.synchronize()  # before the buffers go to somebody else

    def _start_reading(
        self, pool: ThreadPoolExecutor, slot: _Slot, first: int, stop: int
    ) -> list[Future[None]]:
        """Let the threads fill a pinned buffer in short stretches."""
        readers_share = replace(self.movie, memory_mb=self.movie.memory_mb / 2)
        n_at_once = min(
            frames_at_once(readers_share, self.n_threads), -(-(stop - first) // self.n_threads)
        )

        def read(begin: int, end: int) -> None:
            self._read_into(slot.pinned[begin - first : end - first], begin)

        return [
            pool.submit(read, begin, min(begin + n_at_once, stop))
            for begin in range(first, stop, n_at_once)
        ]

    def _read_into(self, frames: Array, first: int) -> None:
        straight = getattr(self.movie.read_frames, "read_into", None)  # without a copy on the host
        shape = (len(frames), self.movie.n_rows, self.movie.n_cols)
        if straight is not None and frames.dtype == self.movie.dtype:
            straight(frames.reshape(shape), first)
        else:
            frames.reshape(shape)[...] = self.movie.read_frames(first, first + len(frames))

    def _allocate_whole(self) -> Array | None:
        """Return memory for the whole movie, or None where it would take too much."""
        cupy = import_module("cupy")
        if self.movie.n_frames * self._frame_bytes > KEPT_SHARE * free_bytes():
            return None
        try:
            whole: Array = cupy.empty((self.movie.n_frames, self.n_pixels), self._dtype)
            return whole
        except cupy.cuda.memory.OutOfMemoryError:
            cupy.get_default_memory_pool().free_all_blocks()
            log.warning(
                "the device ran out of memory: %s does not stay there, each pass reads it",
                self.movie.name,
            )
            return None

    def _allocate_slots(self, with_device: bool) -> tuple[int, tuple[_Slot, _Slot]]:
        """Return the frames of a chunk and the buffers of two chunks."""
        cupy = import_module("cupy")
        # CuPy pins powers of 2: a share that is one is not exceeded
        share = 1 << max(0, int(self.movie.memory_mb * 1e6 / 4).bit_length() - 1)
        n_wanted = min(share, LARGEST_PINNED_BYTES) // self._frame_bytes
        if with_device:
            n_wanted = min(n_wanted, int(USABLE_SHARE * free_bytes()) // (2 * self._frame_bytes))
        n_wanted = max(1, min(n_wanted, self.movie.n_frames))

        def on_device(n_frames: int) -> list[Any]:
            if not with_device:
                return [None, None]
            return [cupy.empty((n_frames, self.n_pixels), self._dtype) for _ in range(2)]

        n_per_chunk, buffers = allocate_largest(n_wanted, on_device, "frames")
        first, second = (_Slot(self._allocate_pinned(n_per_chunk), buffer) for buffer in buffers)
        return n_per_chunk, (first, second)

    def _allocate_pinned(self, n_frames: int) -> Array:
        cupy = import_module("cupy")
        memory = cupy.cuda.alloc_pinned_memory(n_frames * self._frame_bytes)
        n_values = n_frames * self.n_pixels
        return np.frombuffer(memory, self._dtype, n_values).reshape(n_frames, self.n_pixels)

    @property
    def _frame_bytes(self) -> int:
        return self.n_pixels * self._dtype.itemsize


def _make_event() -> Any:
    # a host that waits leaves its core to the threads that read
    return import_module("cupy").cuda.Event(block=True, disable_timing=True)


@dataclass
class _Slot:
    """A pinned buffer, its chunk on the device, and the events that order what touches them."""

    pinned: Array
    device: Any  # None where the whole movie has its place there
    copied: Any = field(default_factory=_make_event)  # the chunk is there
    used: Any = field(default_factory=_make_event)  # kernels are done with the chunk
    reads: list[Future[None]] = field(default_factory=list)

    def copy(self, target: Any, n_frames: int, copying: Any, computing: Any) -> None:
        """Copy the frames that were read, without making the host or earlier kernels wait."""
        copying.wait_event(self.used)
        target.set(self.pinned[:n_frames], stream=copying)
        self.copied.record(copying)
        computing.wait_event(self.copied)


def allocate_largest(n_wanted: int, allocate: Callable[[int], Any], what: str) -> tuple[int, Any]:
    """Return ``(n, allocate(n))``, n halved from ``n_wanted`` until the device has the memory.

    Parameters
    ----------
    n_wanted : int
    allocate : callable
        Takes n, returns device memory for so many items.
    what : str
        The items, for messages.

    Raises
    ------
    DeviceError
        If not even one item fits.
    """
    cupy = import_module("cupy")
    n = n_wanted
    while True:
        try:
            return n, allocate(n)
        except cupy.cuda.memory.OutOfMemoryError as error:
            cupy.get_default_memory_pool().free_all_blocks()
            if n == 1:
                raise DeviceError(
                    f"the device has {free_bytes() / 1e6:,.0f} MB free, and not even one of the "
                    f"{what} fits ({error}); free device memory or use --device cpu"
                ) from error
            log.warning(
                "the device ran out of memory: continuing with %d %s at a time instead of %d",
                n // 2,
                what,
                n,
            )
            n //= 2
