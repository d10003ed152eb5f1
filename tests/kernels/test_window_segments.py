"""window_segments: against NumPy, ragged ends, ugly traces, same bits."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.ensembles import noise
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.estimators import _subtract_means

# n_frames, nperseg, step
SIZES = [(2, 2, 2), (97, 97, 97), (97, 32, 16), (211, 31, 7), (211, 2, 1), (1009, 250, 125)]


def twin(values, nperseg, step, window):
    centred, _ = _subtract_means(values)
    segments = np.lib.stride_tricks.sliding_window_view(centred, nperseg, axis=1)[:, ::step]
    less_mean = segments - segments.mean(axis=2, keepdims=True)
    return (less_mean * (1 if window is None else window)).reshape(-1, nperseg)


def cut(cupy, values, nperseg, step, window=None, block=64, n_blocks=None):
    """Launch the kernel on NumPy arrays, into NaN."""
    n_traces, n_frames = values.shape
    n_segments = (n_frames - nperseg) // step + 1
    counts = device._prepare_counts(cupy.asarray(values))
    segments = cupy.full((n_traces * n_segments, nperseg), np.nan, dtype=counts.dtype)
    run = kernel("window_segments", VALUE=counts.value, REAL=counts.real)
    run(
        n_blocks or len(segments),
        block,
        *(counts.values, counts.centres),
        None if window is None else cupy.asarray(window, dtype=counts.dtype),
        *(n_traces, n_frames, n_segments, nperseg, step, segments),
    )
    return cupy.asnumpy(segments)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tapered", [False, True])
def test_equals_the_twin(cupy, size, tapered):
    n_frames, nperseg, step = size
    values = noise(5, n_frames)
    window = np.hanning(nperseg + 2)[1:-1] if tapered else None
    np.testing.assert_allclose(
        cut(cupy, values, nperseg, step, window),
        twin(values, nperseg, step, window),
        rtol=0,
        atol=300 * SUM_FLOAT64,  # of the counts, which the means are taken off
    )


@pytest.mark.parametrize("dtype", C_TYPES)
def test_every_type_of_counts(cupy, dtype):
    values = (noise(3, 211) / (4 if dtype.endswith("int8") else 1)).astype(dtype)
    window = np.hanning(50)
    # float32: two roundings of differences of up to 150 counts
    tolerance = 150 * 2e-7 if dtype in device.IN_FLOAT32 else 300 * SUM_FLOAT64
    found, expected = cut(cupy, values, 50, 25, window), twin(values, 50, 25, window)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_a_large_offset_costs_no_digits(cupy):
    counts = np.random.default_rng(2).integers(0, 9, (5, 211))
    for dtype in (np.uint16, np.float32):
        segments = cut(cupy, (counts + 65_000).astype(dtype), 50, 25)
        np.testing.assert_allclose(segments, twin(counts, 50, 25, None), rtol=0, atol=9 * 2e-7)


def test_bad_traces_are_nan_and_constant_ones_0(cupy):
    values = noise(5, 100)
    clean = cut(cupy, values, 40, 20)
    values[1, 5], values[2, 99], values[3] = np.nan, np.inf, 0.1
    segments = cut(cupy, values, 40, 20).reshape(5, 4, 40)
    assert np.isnan(segments[[1, 2]]).all()  # windows without the bad frame too
    assert not segments[3].any()
    np.testing.assert_array_equal(segments[[0, 4]], clean.reshape(5, 4, 40)[[0, 4]])


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    values = noise(7, 211)
    expected = cut(cupy, values, 60, 25)
    for block in (32, 96, 256, 1024):
        for n_blocks in (1, 2, 50):
            found = cut(cupy, values, 60, 25, block=block, n_blocks=n_blocks)
            np.testing.assert_array_equal(found, expected)
    for seed in (1, 2):
        monkeypatch.setitem(ORDER, "seed", seed)
        np.testing.assert_array_equal(cut(cupy, values, 60, 25), expected)
