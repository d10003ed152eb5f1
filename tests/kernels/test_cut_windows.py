"""cut_windows: against NumPy, odd sizes, offsets, same bits, nothing outside its windows."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.images import windowed_fft as twin

# n_rows, n_columns, window, step
SIZES = [(16, 16, 16, 16), (20, 33, 8, 3), (40, 50, 10, 10), (70, 90, 34, 17), (65, 65, 33, 8)]


def cut(cupy, image, window, step, first=0, n=None, block=64, n_blocks=None):
    """Launch the kernel on a NumPy array, into NaN."""
    grid = [(side - window) // step + 1 for side in image.shape]
    n = grid[0] * grid[1] - first if n is None else n
    tiles = cupy.full((n, window, window), np.nan, dtype="float32")
    kernel("cut_windows")(
        n_blocks or n,
        block,
        *(cupy.asarray(image), cupy.asarray(twin._hann(window))),
        *(image.shape[1], grid[1], step, window, first, n, tiles),
        shared_bytes=8 * window,
    )
    return cupy.asnumpy(tiles)


def plain(image, window, step):
    rows = range(0, image.shape[0] - window + 1, step)
    strips = [twin.cut_windows(image[r : r + window], step, twin._hann(window)) for r in rows]
    return np.concatenate(strips)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_equals_the_twin(cupy, size):
    image = noise(size[:2])
    found, expected = cut(cupy, image, *size[2:]), plain(image, *size[2:])
    np.testing.assert_allclose(found, expected, rtol=3e-7, atol=100 * SUM_FLOAT64)


def test_a_large_offset_costs_no_digits(cupy):
    counts = np.random.default_rng(2).integers(0, 9, (40, 40))
    found = cut(cupy, (counts + 65_000).astype(np.float32), 20, 10)
    np.testing.assert_allclose(found, plain(counts.astype(np.float32), 20, 10), rtol=0, atol=2e-6)


def test_constant_windows_are_0_and_nan_stays_in_its_windows(cupy):
    image = noise((40, 40))
    image[:20, :20] = 0.1
    clean = cut(cupy, image, 20, 20)
    assert not clean[0].any()
    image[39, 39] = np.nan
    found = cut(cupy, image, 20, 20)
    assert np.isnan(found[3, 1:, 1:]).all()
    np.testing.assert_array_equal(found[:3], clean[:3])


def test_any_part_of_the_windows_can_be_cut(cupy):
    image = noise((50, 60))
    whole = cut(cupy, image, 16, 8)
    np.testing.assert_array_equal(cut(cupy, image, 16, 8, first=7, n=9), whole[7:16])


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    image = noise((50, 60), 3)
    expected = cut(cupy, image, 34, 5)
    for block in (32, 96, 256, 1024):
        for n_blocks in (1, 2, 50):
            found = cut(cupy, image, 34, 5, block=block, n_blocks=n_blocks)
            np.testing.assert_array_equal(found, expected)
    for seed in (1, 2):
        monkeypatch.setitem(ORDER, "seed", seed)
        np.testing.assert_array_equal(cut(cupy, image, 34, 5), expected)
