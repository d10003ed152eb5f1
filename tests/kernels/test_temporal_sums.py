"""temporal_sums: the bits of plain loops, whatever the chunks, types and threads."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel


def noise(shape, dtype):
    kind = np.dtype(dtype).kind
    largest = min(np.iinfo(dtype).max, 2**62) if kind in "iu" else 2**40
    lowest = 0 if kind == "u" else -largest // 3
    return np.random.default_rng(0).integers(lowest, largest, shape).astype(dtype)


def plain_sums(frames, n_per_block):
    """Return rest, total and squares, added up in time order."""
    rest, total, squares = np.zeros((3, frames.shape[1]))
    for t, frame in enumerate(frames, start=1):
        rest = rest + frame.astype(np.float64)
        if t % n_per_block == 0:
            total, squares, rest = total + rest, squares + rest * rest, np.zeros_like(rest)
    return np.stack([rest, total, squares])


def summed(cupy, frames, n_per_block, n_per_chunk, block=128):
    n_frames, n_pixels = frames.shape
    sums = cupy.zeros((3, n_pixels))
    run = kernel("temporal_sums", VALUE=C_TYPES[frames.dtype.name])
    for first in range(0, n_frames, n_per_chunk):
        chunk = frames[first : first + n_per_chunk]
        run(
            -(-n_pixels // block) + 1,
            block,
            cupy.asarray(chunk),
            sums,
            len(chunk),
            n_pixels,
            first,
            n_per_block,
        )
    return cupy.asnumpy(sums)


@pytest.mark.parametrize("dtype", C_TYPES)
def test_equals_plain_loops(cupy, dtype):
    frames = noise((53, 77), dtype)
    assert np.array_equal(summed(cupy, frames, 8, 53), plain_sums(frames, 8))


@pytest.mark.parametrize(("n_frames", "n_per_block"), [(1, 1), (5, 1), (31, 7), (32, 32), (97, 32)])
@pytest.mark.parametrize("n_per_chunk", [1, 5, 32, 1000])
def test_chunks_change_no_bit(cupy, n_frames, n_per_block, n_per_chunk):
    frames = noise((n_frames, 37), np.float32)
    expected = plain_sums(frames, n_per_block)
    assert np.array_equal(summed(cupy, frames, n_per_block, n_per_chunk), expected)


def test_block_sizes_and_thread_orders_change_no_bit(cupy, monkeypatch):
    frames = noise((45, 1100), np.float64)
    expected = plain_sums(frames, 4)
    for seed, block in enumerate((32, 64, 96, 256, 1024)):
        monkeypatch.setitem(ORDER, "seed", seed)
        assert np.array_equal(summed(cupy, frames, 4, 45, block), expected)


def test_ugly_pixels_stay_marked(cupy):
    frames = noise((12, 5), np.float64)
    frames[3, 1], frames[4, 2], frames[11, 3] = np.nan, np.inf, -np.inf
    sums = summed(cupy, frames, 5, 4)
    assert np.isfinite(sums[:, [0, 4]]).all()
    assert np.argwhere(~np.isfinite(sums)).tolist() == [[0, 3], [1, 1], [1, 2], [2, 1], [2, 2]]
