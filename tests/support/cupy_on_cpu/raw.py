"""RawModule: kernels compiled by g++ and run by the harness instead of a GPU."""

import numpy as np

from tests.support.cuda_on_cpu import compiled
from tests.support.cupy_on_cpu.array import ndarray

DEFAULT_SHARED_BYTES = 48 << 10
MOST_SHARED_BYTES = 99 << 10  # what the smallest of the supported cards (sm_86, sm_89) allows
ORDER = {"seed": 0}  # of the threads between barriers; tests change it


class RawModule:
    def __init__(self, *, code, options=(), backend="nvrtc"):
        assert isinstance(options, tuple)
        self._module = compiled(code, options)

    def get_function(self, name):
        return RawKernel(self._module, name)


class RawKernel:
    def __init__(self, module, name):
        self._module, self._name = module, name
        self.shared_size_bytes = module.static_shared_bytes
        self.num_regs = self.local_size_bytes = 0  # g++ knows no registers of a GPU
        self._most_shared = DEFAULT_SHARED_BYTES - self.shared_size_bytes

    @property
    def max_dynamic_shared_size_bytes(self):
        return self._most_shared

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, n_bytes):
        if n_bytes + self.shared_size_bytes > MOST_SHARED_BYTES:
            raise RuntimeError(f"CUDA_ERROR_INVALID_VALUE: {n_bytes} bytes of shared memory")
        self._most_shared = n_bytes

    def __call__(self, grid, block, args, *, shared_mem=0):
        if shared_mem > self._most_shared:
            raise RuntimeError("CUDA_ERROR_INVALID_VALUE: too much shared memory")
        if block[0] % 32 or not 32 <= block[0] <= 1024:
            raise RuntimeError(f"a block of {block[0]} threads")
        passed = [
            np.uintp(a.on_current_device().ctypes.data) if isinstance(a, ndarray) else a
            for a in args
        ]
        assert all(isinstance(a, np.generic) for a in passed), "scalars must be typed"
        self._module.launch(
            self._name,
            (*grid, 1, 1)[:3],
            (*block, 1, 1)[:3],
            passed,
            shared_mem,
            order_seed=ORDER["seed"],
        )
