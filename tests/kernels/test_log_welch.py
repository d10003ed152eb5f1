"""log_welch: against its twin and plain loops, ugly traces, same bits however it is shared out."""

import numpy as np
import pytest

from tests.support import reference
from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.ensembles import noise
from tests.support.tolerances import PSD_DEVICE, PSD_DEVICE_FLOAT32, PSD_FLOAT64
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.spectrum import estimators
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.log_welch import log_grid, log_welch, windowed_waves

DT_S = 0.03


def twin(values):
    centred, finite = estimators._subtract_means(values)
    psd = log_welch(centred, DT_S, windowed_waves(log_grid(values.shape[1])))
    psd[~finite] = np.nan
    return psd


def estimated(cupy, values, block=64, traces_per_lane=1, freqs_per_warp=1):
    """Launch the kernel on a NumPy array, into NaN."""
    n_traces, n_frames = values.shape
    grid = log_grid(n_frames)
    n_freqs = len(grid.windows)
    counts = device._prepare_counts(cupy.asarray(values))
    rows, first_row = device._wave_table(n_frames, counts.dtype)
    psd = cupy.full((n_traces, n_freqs), np.nan)
    n_traces_at_once = 32 * traces_per_lane
    run = kernel(
        "log_welch",
        VALUE=counts.value,
        REAL=counts.real,
        TRACES_PER_LANE=traces_per_lane,
        FREQS_PER_WARP=freqs_per_warp,
    )
    run(
        -(-n_traces // n_traces_at_once) * -(-n_freqs // (block // 32 * freqs_per_warp)),
        block,
        *(counts.values, counts.centres, cupy.asarray(rows), cupy.asarray(grid.windows)),
        *(cupy.asarray(grid.n_windows), cupy.asarray(first_row)),
        *(DT_S, n_traces, n_frames, n_freqs, psd),
        shared_bytes=32 * (n_traces_at_once + 1) * counts.dtype.itemsize,
    )
    return cupy.asnumpy(psd)


# at 353 frames one more half-overlapping window of 101 would fit than the method counts
@pytest.mark.parametrize("n_frames", [303, 304, 307, 353, 401, 1009])
@pytest.mark.parametrize("n_traces", [1, 33])
def test_equals_the_twin(cupy, n_traces, n_frames):
    values = noise(n_traces, n_frames)
    np.testing.assert_allclose(estimated(cupy, values), twin(values), rtol=PSD_DEVICE)


def test_equals_plain_loops(cupy):
    values = noise(2, 353)
    for trace, psd in zip(values, estimated(cupy, values), strict=True):
        np.testing.assert_allclose(psd, reference.log_welch(trace, DT_S)[1], rtol=PSD_FLOAT64)


@pytest.mark.parametrize("dtype", C_TYPES)
def test_every_type_of_counts(cupy, dtype):
    values = (noise(3, 401) / (4 if dtype.endswith("int8") else 1)).astype(dtype)
    tolerance = PSD_DEVICE_FLOAT32 if dtype in device.IN_FLOAT32 else PSD_DEVICE
    psd = cupy.asnumpy(device.log_welch(cupy.asarray(values), DT_S))
    np.testing.assert_allclose(psd, twin(values), rtol=tolerance)


def test_long_traces_in_wide_tiles(cupy):
    values = noise(70, 4001).astype(np.float32)
    psd = cupy.asnumpy(device.log_welch(cupy.asarray(values), DT_S, device.WIDE["float"]))
    np.testing.assert_allclose(psd, twin(values), rtol=PSD_DEVICE_FLOAT32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_block_sizes_and_tiles_change_no_bit(cupy, dtype):
    values = noise(41, 401).astype(dtype)
    expected = estimated(cupy, values, block=32)
    for block in (64, 96, 256, 1024):
        np.testing.assert_array_equal(estimated(cupy, values, block), expected)
    for traces_per_lane, freqs_per_warp in ((2, 1), (1, 3), (2, 2), (6, 2)):
        for block in (32, 96, 512):
            found = estimated(cupy, values, block, traces_per_lane, freqs_per_warp)
            np.testing.assert_array_equal(found, expected)
    for tiling in (device.NARROW, *device.WIDE.values(), device.Tiling(1, 1, 32)):
        found = cupy.asnumpy(device.log_welch(cupy.asarray(values), DT_S, tiling))
        np.testing.assert_array_equal(found, expected)


def test_many_traces_get_wide_tiles_and_the_same_bits(cupy, monkeypatch):
    values = cupy.asarray(noise(9, 401))
    narrow = cupy.asnumpy(device.log_welch(values, DT_S))
    monkeypatch.setattr(device, "MANY_TRACES", 9)
    monkeypatch.setattr(device, "NARROW", None)
    np.testing.assert_array_equal(cupy.asnumpy(device.log_welch(values, DT_S)), narrow)


def test_company_changes_no_bit(cupy):
    values = noise(41, 401)
    expected = estimated(cupy, values)
    order = np.random.default_rng(1).permutation(41)
    np.testing.assert_array_equal(estimated(cupy, values[order]), expected[order])
    np.testing.assert_array_equal(estimated(cupy, values[7:8]), expected[7:8])


@pytest.mark.parametrize(("traces_per_lane", "freqs_per_warp"), [(1, 1), (2, 2)])
def test_thread_orders_change_no_bit(cupy, traces_per_lane, freqs_per_warp, monkeypatch):
    values = noise(40, 303).astype(np.float32)
    expected = estimated(cupy, values, 96, traces_per_lane, freqs_per_warp)
    for seed in (1, 2, 3):
        monkeypatch.setitem(ORDER, "seed", seed)
        found = estimated(cupy, values, 96, traces_per_lane, freqs_per_warp)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bad_traces_are_nan_constant_ones_0_and_others_untouched(cupy, dtype):
    values = noise(8, 401).astype(dtype)
    clean = estimated(cupy, values)
    values[1, 7], values[2, 0], values[3, 400], values[4] = np.nan, -np.inf, np.inf, 0.1
    values[5, [3, 9]] = np.inf, -np.inf
    psd = estimated(cupy, values)
    assert np.isnan(psd[[1, 2, 3, 5]]).all()
    assert not psd[4].any()
    np.testing.assert_array_equal(psd[[0, 6, 7]], clean[[0, 6, 7]])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_large_offset_costs_no_digits(cupy, dtype):
    counts = np.random.default_rng(2).integers(0, 9, (5, 401))
    plain = twin(counts)
    psd = estimated(cupy, (counts + 65_000).astype(dtype))
    np.testing.assert_allclose(psd, plain, rtol=PSD_DEVICE_FLOAT32)
