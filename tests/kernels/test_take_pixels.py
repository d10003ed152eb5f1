"""take_pixels: against NumPy's indexing, ragged tiles, ugly pixels, same bits."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel

POISON = -7.5


def noise(shape, dtype=np.uint16):
    largest = min(60_000, np.iinfo(dtype).max) if np.dtype(dtype).kind in "iu" else 60_000
    return np.random.default_rng(0).integers(0, largest, shape).astype(dtype)


def taken(cupy, frames, pixels, block=256, first=0, n_columns=None):
    """Launch the kernel on NumPy arrays; columns that it leaves alone hold POISON."""
    n_frames, n_traces = len(frames), len(pixels)
    values = cupy.full((n_traces, n_columns or n_frames), POISON, dtype=cupy.float32)
    kernel("take_pixels", VALUE=C_TYPES[frames.dtype.name])(
        -(-n_frames // 32) * -(-n_traces // 32),
        block,
        cupy.asarray(frames),
        cupy.asarray(pixels),
        values,
        n_frames,
        frames.shape[1],
        n_traces,
        values.shape[1],
        first,
    )
    return cupy.asnumpy(values)


@pytest.mark.parametrize("dtype", C_TYPES)
def test_equals_indexing(cupy, dtype):
    frames = noise((37, 101), dtype)
    pixels = np.arange(3, 101, 2)
    expected = frames[:, pixels].T.astype(np.float32)
    assert np.array_equal(taken(cupy, frames, pixels), expected)


@pytest.mark.parametrize("n_frames", [1, 31, 32, 33, 97])
@pytest.mark.parametrize("n_traces", [1, 32, 61])
def test_ragged_tiles(cupy, n_frames, n_traces):
    frames = noise((n_frames, 67))
    pixels = np.random.default_rng(1).permutation(67)[:n_traces]
    assert np.array_equal(taken(cupy, frames, pixels), frames[:, pixels].T)


def test_block_sizes_and_thread_orders_change_no_bit(cupy, monkeypatch):
    frames, pixels = noise((70, 150), np.float64), np.arange(0, 150, 3)
    expected = frames[:, pixels].T.astype(np.float32)
    for seed, block in enumerate((32, 64, 96, 256, 1024)):
        monkeypatch.setitem(ORDER, "seed", seed)
        assert np.array_equal(taken(cupy, frames, pixels, block), expected)


def test_only_the_columns_asked_for_are_written(cupy):
    frames, pixels = noise((40, 50)), np.arange(50)
    values = taken(cupy, frames, pixels, first=3, n_columns=45)
    assert np.array_equal(values[:, 3:43], frames.T)
    assert (values[:, [0, 1, 2, 43, 44]] == POISON).all()


def test_ugly_pixels_are_kept(cupy):
    frames = noise((5, 8), np.float32)
    frames[[1, 2, 3], [4, 5, 6]] = np.nan, np.inf, -np.inf
    assert np.array_equal(taken(cupy, frames, np.arange(8)), frames.T, equal_nan=True)
