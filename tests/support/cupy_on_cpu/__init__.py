"""A stand-in for CuPy where there is no GPU: device arrays live in host memory, kernels run on
the CPU harness.

It is as strict as CuPy where carelessness would only show on a GPU: NumPy functions and implicit
conversions are refused, and so are NumPy arrays among device arrays. It knows only the names that
``umlpsd_gpu`` uses, and takes only the arguments that CuPy takes (``signatures.py``), which
``tests/support/test_cupy_on_cpu.py`` compares with the real CuPy where that is installed. New
device memory is poisoned, so that reading what nobody wrote shows. There are two devices, which
share the host's memory: an array of one is refused while the other is current.
"""

from tests.support.cupy_on_cpu import cuda, fft
from tests.support.cupy_on_cpu.array import (
    asarray,
    ascontiguousarray,
    asnumpy,
    empty,
    empty_like,
    from_dlpack,
    ndarray,
)
from tests.support.cupy_on_cpu.functions import *  # noqa: F403
from tests.support.cupy_on_cpu.memory import DEVICE
from tests.support.cupy_on_cpu.raw import RawModule

__name__ = "cupy"  # what code that imports its arrays' library by name asks for
__version__ = "14.2.0 (stand-in on the CPU)"
__all__ = [
    "DEVICE",
    "RawModule",
    "asarray",
    "ascontiguousarray",
    "asnumpy",
    "cuda",
    "empty",
    "empty_like",
    "fft",
    "from_dlpack",
    "ndarray",
]


def get_default_memory_pool():
    return cuda.memory.DEFAULT_POOL
