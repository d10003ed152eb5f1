"""Runs CUDA kernels on the CPU: their unmodified text, compiled by g++, one fiber for each thread.

>>> module = compiled(kernel_loader.source("bin_minmax"), kernel_loader.options({"VALUE": "float"}))
>>> module.launch("bin_minmax", (3, 1, 1), (64, 1, 1), [values, ...], shared_bytes=0, order_seed=1)
"""

from tests.cuda_on_cpu.build import CompileError, missing
from tests.cuda_on_cpu.module import CompiledModule, KernelFault, compiled

__all__ = ["CompileError", "CompiledModule", "KernelFault", "compiled", "missing"]
