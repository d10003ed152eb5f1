"""Launches: how much shared memory a kernel is allowed."""

import numpy as np
import pytest

from umlpsd_gpu.compute.kernel_loader import DEFAULT_SHARED_BYTES, Kernel, kernel
from umlpsd_gpu.kmeans.gpu_lloyd import _shared_bytes
from umlpsd_gpu.kmeans.sweep import sweep


# 335: within the limit of 48 KiB; 336 and 339: only without the static 512 bytes; 340: beyond
@pytest.mark.parametrize("n_traces", [335, 336, 339, 340])
def test_static_shared_memory_counts(cupy, n_traces):
    values = np.random.default_rng(0).normal(size=(n_traces, 3))
    expected = sweep(values, [15], n_epochs=1, max_iter=3)
    found = sweep(cupy.asarray(values), [15], n_epochs=1, max_iter=3)
    assert np.array_equal(found.labels, expected.labels)
    assert abs(_shared_bytes(n_traces, 15) - DEFAULT_SHARED_BYTES) < 700


class Function:
    """What CuPy returns for a kernel, as far as shared memory matters."""

    shared_size_bytes = 512

    def __init__(self):
        self.limits = [DEFAULT_SHARED_BYTES - self.shared_size_bytes]

    @property
    def max_dynamic_shared_size_bytes(self):
        return self.limits[-1]

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, n_bytes):
        self.limits.append(n_bytes)

    def __call__(self, grid, block, args, *, shared_mem):
        assert shared_mem <= self.limits[-1]


def test_the_limit_is_only_raised():
    function = Function()
    run = Kernel("any", function)
    for n_bytes in (0, 1000, 60_000, 50_000, 48_640, 70_000, 60_000):
        run(1, 32, shared_bytes=n_bytes)
    assert function.limits[1:] == [60_000, 70_000]


def test_the_stand_in_counts_static_memory(on_cpu):
    restart = kernel("kmeans_restart").function
    assert restart.shared_size_bytes == 512
    assert restart.max_dynamic_shared_size_bytes == DEFAULT_SHARED_BYTES - 512
