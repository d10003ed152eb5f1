"""row_dots: against NumPy, with the same bits wherever a row lies and at any block size."""

import numpy as np
import pytest

from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans.gpu_distances import row_dots


def launched(cupy, left, right, block):
    n_rows, n_columns = left.shape
    dots = cupy.full(n_rows, np.nan)
    n_blocks = -(-n_rows * 32 // block)
    arrays = cupy.asarray(left), cupy.asarray(right)
    kernel("row_dots")(n_blocks, block, *arrays, n_rows, n_columns, -0.5, dots)
    return cupy.asnumpy(dots)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(1, 1), (3, 31), (17, 33), (40, 500)])
def test_equals_numpy(cupy, n_rows, n_columns):
    left, right = np.random.default_rng(n_rows).random((2, n_rows, n_columns))
    found = cupy.asnumpy(row_dots(cupy.asarray(left), cupy.asarray(right), 2.0))
    assert found == pytest.approx(2 * (left * right).sum(axis=1), rel=SUM_FLOAT64)


def test_same_bits_at_any_block_size_and_place(cupy):
    left, right = np.random.default_rng(0).random((2, 37, 101))
    whole = [launched(cupy, left, right, block) for block in (32, 64, 96, 256, 1024)]
    assert len({dots.tobytes() for dots in whole}) == 1
    assert launched(cupy, left[5:], right[5:], 64).tobytes() == whole[0][5:].tobytes()
