"""Free memory of a GPU, and work in blocks that fit in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from umlpsd_gpu.errors import DeviceError

# of the free memory; the rest is for workspaces of libraries and overhead of the allocator
USABLE_SHARE = 0.6

log = logging.getLogger("umlpsd_gpu")


def free_bytes() -> int:
    """Return the GPU memory available for new arrays, including blocks that CuPy has cached."""
    cupy = import_module("cupy")
    free, _ = cupy.cuda.runtime.memGetInfo()
    return int(free) + int(cupy.get_default_memory_pool().free_bytes())


def in_blocks(n_items: int, bytes_per_item: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(start, stop)`` over all items, in blocks that fit in the free GPU memory.

    If the GPU still runs out of memory, the block is halved and repeated. ``work`` must therefore
    write the complete results of its items, independent of the other items in the block.

    Parameters
    ----------
    n_items : int
    bytes_per_item : int
        GPU memory that one item takes while it is processed.
    work : callable
        Takes the first item and the one after the last.

    Raises
    ------
    DeviceError
        If not even one item fits.
    """
    cupy = import_module("cupy")
    height = max(1, min(n_items, int(USABLE_SHARE * free_bytes()) // max(1, bytes_per_item)))
    start = 0
    while start < n_items:
        stop = min(start + height, n_items)
        try:
            work(start, stop)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            cupy.fft.config.get_plan_cache().clear()  # plans keep their work areas
            cupy.get_default_memory_pool().free_all_blocks()
            if stop - start == 1:
                raise DeviceError(
                    f"the device has {free_bytes() / 1e6:,.0f} MB free, too little for the "
                    f"smallest piece of the work ({error}); free its memory or use --device cpu"
                ) from error
            height = (stop - start + 1) // 2
            log.warning(
                "the device ran out of memory: going on with blocks of %d instead of %d",
                height,
                stop - start,
            )
        else:
            start = stop


@contextmanager
def told_when_full() -> Iterator[None]:
    """Turn running out of GPU memory into an error message for the user.

    Raises
    ------
    DeviceError
        If the GPU runs out of memory inside.
    """
    try:
        yield
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        raise DeviceError(
            f"the device's memory can't hold this ({error}); free it or use --device cpu"
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether CuPy, or cuFFT through it, could not allocate memory."""
    of_cupy = type(error).__module__.partition(".")[0] in ("cupy", "cupy_backends")
    return (of_cupy and isinstance(error, MemoryError)) or "CUFFT_ALLOC_FAILED" in str(error)
