"""bin_minmax: against its twins and plain loops, ragged bins, ugly traces, same bits."""

import numpy as np
import pytest

from tests.support import reference
from tests.support.ensembles import noise
from tests.support.tolerances import BINNED_MINMAX
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.preprocessing import gpu as device
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.preprocessing.normalise import minmax
from umlpsd_gpu.traces.traces import ROUNDING

SIZES = [
    *((1, 1), (2, 1), (7, 1), (1009, 1)),
    *((7, 3), (7, 7), (8, 8), (97, 2), (97, 8), (97, 80), (211, 129), (211, 211)),
    *((1009, 31), (1009, 500)),
]


def counts(n_traces, n_frames, dtype):
    """Noise that fills small integer types and fits them."""
    values = noise(n_traces, n_frames, seed=n_frames)
    return (values / 4 if np.dtype(dtype).itemsize == 1 else values).astype(dtype)


def scaled(cupy, values, frames_per_bin, block=64, n_lanes=8):
    """Launch the kernel on a NumPy array, into NaN."""
    n_traces, n_frames = values.shape
    out = cupy.full((n_traces, -(-n_frames // frames_per_bin)), np.nan)
    run = kernel("bin_minmax", VALUE=device.C_TYPES[values.dtype.name])
    run(n_traces, block, cupy.asarray(values), out, n_frames, frames_per_bin, n_lanes, ROUNDING)
    return cupy.asnumpy(out)


def assert_same_bits(values, expected):
    np.testing.assert_array_equal(values.view(np.int64), expected.view(np.int64))


@pytest.mark.parametrize("dtype", device.C_TYPES)
def test_equals_the_twins(cupy, dtype):
    for n_frames, window in SIZES:
        values = counts(3, n_frames, dtype)
        result = cupy.asnumpy(device.bin_minmax(cupy.asarray(values), window))
        expected = minmax(bin_mean(values, window))
        assert result.dtype == np.float64
        if window == 1 or np.dtype(dtype).kind in "iu":  # sums of integers are exact
            np.testing.assert_array_equal(result, expected)
        else:
            np.testing.assert_allclose(result, expected, rtol=0, atol=BINNED_MINMAX)


def test_equals_plain_loops(cupy):
    values = counts(4, 53, np.float32)
    for window in (1, 5, 8, 53):
        means = np.array(reference.bin_mean(values, window))
        low, high = means.min(axis=1, keepdims=True), means.max(axis=1, keepdims=True)
        expected = (means - low) / np.where(high > low, high - low, 1)
        result = scaled(cupy, values, window)
        np.testing.assert_allclose(result, expected, rtol=0, atol=BINNED_MINMAX)


def test_a_ragged_last_bin_averages_what_it_holds(cupy):
    values = np.array([[0, 2, 4, 8, 9], [9, 9, 9, 9, 1]], dtype=np.uint16)
    np.testing.assert_array_equal(scaled(cupy, values, 2), [[0, 0.625, 1], [1, 1, 0]])


@pytest.mark.parametrize("window", [1, 3, 40])
def test_block_sizes_change_no_bit(cupy, window):
    values = counts(5, 1009, np.float64)
    expected = scaled(cupy, values, window, block=32)
    for block in (64, 96, 256, 1024):
        assert_same_bits(scaled(cupy, values, window, block=block), expected)


@pytest.mark.parametrize("window", [1, 3, 40])
def test_thread_orders_change_no_bit(cupy, window, monkeypatch):
    raw = pytest.importorskip("tests.support.cupy_on_cpu.raw")
    values = counts(3, 401, np.float32)
    expected = scaled(cupy, values, window)
    for seed in (1, 2, 3):
        monkeypatch.setitem(raw.ORDER, "seed", seed)
        assert_same_bits(scaled(cupy, values, window), expected)


@pytest.mark.parametrize("n_lanes", [1, 2, 4, 8, 16, 32])
def test_any_number_of_lanes_shares_a_bin(cupy, n_lanes):
    values = counts(2, 211, np.float64)
    for window in (2, 8, 33, 150):
        result = scaled(cupy, values, window, n_lanes=n_lanes)
        expected = minmax(bin_mean(values, window))
        np.testing.assert_allclose(result, expected, rtol=0, atol=BINNED_MINMAX)


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_trace_with_nan_or_infinity_is_nan_and_leaves_others_alone(cupy, bad, window):
    values = counts(5, 41, np.float64)
    values[0, 0] = values[2, 40] = values[3, 7] = bad
    values[4] = bad
    result = scaled(cupy, values, window)
    assert np.isnan(result[[0, 2, 3, 4]]).all()
    assert_same_bits(result[1:2], scaled(cupy, values[1:2], window))


def test_infinities_of_both_signs_in_one_bin_are_nan(cupy):
    values = counts(1, 16, np.float64)
    values[0, [3, 5]] = np.inf, -np.inf
    assert np.isnan(scaled(cupy, values, 8)).all()


def test_constant_traces_are_0_and_rounding_is_not_blown_up(cupy):
    values = np.full((5, 1000), 0.1)
    values[1] = -3e-300
    values[2] = 0
    values[3, 1] *= 1 + 30 * np.finfo(float).eps
    values[4, 1] *= 1 + 1000 * np.finfo(float).eps
    for window in (1, 7, 8, 300):
        assert not scaled(cupy, values[:4], window).any()
    np.testing.assert_array_equal(scaled(cupy, values, 1), minmax(values))
    assert scaled(cupy, values, 1)[4, 1] == 1
    tiny = np.array([[1e-300, 3e-300]])
    np.testing.assert_array_equal(scaled(cupy, tiny, 1), [[0, 1]])


def test_zeros_of_both_signs_do_not_tell_the_order(cupy):
    values = np.ones((1, 200))
    values[0, 3::3], values[0, 4::3] = 0.0, -0.0
    expected = scaled(cupy, values, 1, block=32)
    for block in (64, 96, 256):
        assert_same_bits(scaled(cupy, values, 1, block=block), expected)


def test_a_trace_may_be_scaled_in_its_place(cupy):
    values = counts(3, 701, np.float64)
    place = cupy.asarray(values)
    kernel("bin_minmax", VALUE="double")(3, 64, place, place, 701, 1, 1, ROUNDING)
    np.testing.assert_array_equal(cupy.asnumpy(place), minmax(values))


def test_arrays_of_other_types_and_orders(cupy):
    values = counts(6, 40, np.float64)
    for other in (values.astype(np.float16), values > 300):
        result = cupy.asnumpy(device.bin_minmax(cupy.asarray(other), 8))
        expected = minmax(bin_mean(other, 8))
        np.testing.assert_allclose(result, expected, rtol=0, atol=BINNED_MINMAX)
    result = cupy.asnumpy(device.minmax(cupy.asarray(values).T))
    np.testing.assert_array_equal(result, minmax(values.T))
    result = cupy.asnumpy(device.minmax(cupy.asarray(values)[::2, 3:]))
    np.testing.assert_array_equal(result, minmax(values[::2, 3:]))


def test_no_traces(cupy):
    nobody = cupy.asarray(np.empty((0, 100)))
    assert device.bin_minmax(nobody, 8).shape == (0, 13)
    assert device.minmax(nobody).shape == (0, 100)


def test_what_can_not_be_done_is_refused(cupy):
    values = cupy.asarray(counts(2, 10, np.float32))
    for window in (0, -1, 11, 2.5):
        with pytest.raises(
            SettingsError, match=rf"frames_per_bin is {window}, .* from 1 to the 10"
        ):
            device.bin_minmax(values, window)
    with pytest.raises(TracesError, match="0 samples"):
        device.minmax(cupy.asarray(np.empty((2, 0))))
