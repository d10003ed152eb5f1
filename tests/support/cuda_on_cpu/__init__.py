"""Runs CUDA kernels on the CPU: their unmodified text, compiled by g++, one fiber for each thread.

>>> module = compiled(kernel_loader.source("bin_minmax"), kernel_loader.options({"VALUE": "float"}))
>>> module.launch("bin_minmax", (3, 1, 1), (64, 1, 1), [values, ...], shared_bytes=0, order_seed=1)

What it does as a device does: barriers and votes of a block, shuffles and votes of a warp, static
and dynamic shared memory (NaN at the beginning of each block), 64-bit grids, arguments by value.
What a device would leave undefined is a `KernelFault`: deadlocks, threads that meet at different
barriers, lanes that have returned or are not in the mask, writes beside the dynamic shared memory,
addresses where nothing is. The order of threads between barriers, of warps and of blocks follows
the seed, so that most races show as differing results.

``sanitize.sh`` finds what an order can't: it runs the tests in builds that check every access to
memory, all arithmetic, and every pair of accesses that no barrier orders.

What it doesn't do: atomics (they don't compile, on purpose), streams, anything about speed. Blocks
run one after another. Functions of the mathematics library are glibc's, products and sums are never
fused: the last bits differ from a device's.

============== ================================================================================
text.py        a kernel's text as g++ gets it; build.py: a library of it, kept in ``build/``
module.py      a library and its launches, arguments, limits
language.hpp   what CUDA C++ has beyond C++; kernel.hpp: a call by the types of its parameters
runtime.cpp    the rest, compiled once; contract.hpp: what kernels know of it
meet.hpp       where threads meet; order.hpp: who runs next; fiber.hpp: how; block.hpp: their state
faults.hpp     what is told of a fault; signals.hpp: bad addresses; races.hpp: for ThreadSanitizer
launch.hpp     shared memory, all blocks of a grid
============== ================================================================================
"""

from tests.support.cuda_on_cpu.build import missing
from tests.support.cuda_on_cpu.module import CompiledModule, KernelFault, compiled
from tests.support.cuda_on_cpu.text import CompileError

__all__ = ["CompileError", "CompiledModule", "KernelFault", "compiled", "missing"]
