"""dwt_approximation: against PyWavelets, in every mode, for short, odd and long traces."""

import sys

import numpy as np
import pytest
import pywt

from tests.support.ensembles import noise
from tests.support.tolerances import WAVELET_DEVICE, WAVELET_PROJECTION
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.preprocessing import gpu as device
from umlpsd_gpu.preprocessing.wavelet import max_level, wavelet_approximation

# filters of 2, 6, 8 and 62 taps: odd and even numbers of pairs; bior3.3 isn't orthogonal
WAVELETS = ("haar", "db3", "bior3.3", "dmey")


def taps(wavelet):
    filters = pywt.Wavelet(wavelet)
    return filters.dec_lo, filters.rec_lo


def smoothed(cupy, values, level, wavelet="db4", mode="symmetric"):
    found = device.dwt_approximation(cupy.asarray(values), level, *taps(wavelet), mode)
    assert found.dtype == np.float64
    return cupy.asnumpy(found)


def n_coefficients(n_frames):
    """Of levels 1 and 2 with db4."""
    n_first = (n_frames + 7) // 2
    return n_first, (n_first + 7) // 2


def launched(cupy, values, level, block=64, n_blocks=None, scratch=None):
    """Launch the kernel with db4 on a NumPy array, into NaN; in shared memory or in scratch."""
    n_traces, n_frames = values.shape
    n_bytes = 8 * sum(n_coefficients(n_frames)) if scratch is None else 0
    out = cupy.full((n_traces, n_frames), np.nan)
    dec_lo, rec_lo = map(cupy.asarray, taps("db4"))
    macros = {"EXTENSION": "symmetric", "N_TAPS": 8, "IN_SHARED": int(scratch is None)}
    kernel("dwt_approximation", VALUE="double", **macros)(
        n_blocks or n_traces,
        block,
        *(cupy.asarray(values), dec_lo, rec_lo, out, scratch, n_traces, n_frames, level),
        shared_bytes=n_bytes,
    )
    return cupy.asnumpy(out)


def assert_equals_pywavelets(found, values, level, wavelet, mode):
    expected = wavelet_approximation(values, level, wavelet, mode)
    atol = WAVELET_DEVICE * np.abs(values).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def levels_of(n_frames, wavelet):
    highest = max_level(n_frames, wavelet)
    return sorted({1, 2, 3, highest} & set(range(1, highest + 1)))


def lengths_for(wavelet):
    """The shortest that allow one and two levels, one more and one less, and others."""
    reach = pywt.Wavelet(wavelet).dec_len - 1
    return sorted({2 * reach, 2 * reach + 1, 4 * reach - 1, 4 * reach, 97, 211, 256} - {1})


@pytest.mark.parametrize("mode", pywt.Modes.modes)
def test_equals_pywavelets_in_every_mode(cupy, mode):
    for n_frames in lengths_for("db4"):
        values = noise(2, n_frames)
        for level in levels_of(n_frames, "db4"):
            found = smoothed(cupy, values, level, "db4", mode)
            assert_equals_pywavelets(found, values, level, "db4", mode)


@pytest.mark.parametrize("mode", ["symmetric", "periodization"])
@pytest.mark.parametrize("wavelet", WAVELETS)
def test_equals_pywavelets_for_short_and_long_filters(cupy, wavelet, mode):
    for n_frames in lengths_for(wavelet):
        values = noise(2, n_frames)
        for level in levels_of(n_frames, wavelet):
            found = smoothed(cupy, values, level, wavelet, mode)
            assert_equals_pywavelets(found, values, level, wavelet, mode)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_counts_of_any_type(cupy, dtype):
    values = (noise(3, 307) / 4).astype(dtype)
    assert_equals_pywavelets(smoothed(cupy, values, 3), values, 3, "db4", "symmetric")


def test_traces_too_long_for_shared_memory(cupy):
    values = noise(3, 17_011)
    assert_equals_pywavelets(smoothed(cupy, values, 6), values, 6, "db4", "symmetric")


def test_haar_averages_groups_of_frames(cupy):
    values = noise(2, 96)
    means = values.reshape(2, 12, 8).mean(axis=2)
    found = smoothed(cupy, values, 3, "haar")
    np.testing.assert_allclose(found, np.repeat(means, 8, axis=1), rtol=WAVELET_DEVICE)


def test_smoothing_twice_changes_nothing_more(cupy):
    once = smoothed(cupy, noise(2, 512), 4, mode="periodization")
    twice = smoothed(cupy, once, 4, mode="periodization")
    np.testing.assert_allclose(twice, once, rtol=WAVELET_PROJECTION)


@pytest.mark.parametrize("level", [1, 2, 5])
def test_blocks_grids_and_places_change_no_bit(cupy, level):
    values = noise(3, 401)
    values[1] = 300
    expected = launched(cupy, values, level, block=32)
    for block in (64, 96, 256, 1024):
        np.testing.assert_array_equal(launched(cupy, values, level, block=block), expected)
    for n_blocks in (1, 2, 5):
        scratch = cupy.full((n_blocks, sum(n_coefficients(401))), np.nan)
        for place in (None, scratch):
            again = launched(cupy, values, level, n_blocks=n_blocks, scratch=place)
            np.testing.assert_array_equal(again, expected)


def test_every_block_has_its_own_scratch(cupy):
    n_first, n_second = n_coefficients(400)
    scratch = cupy.full((4, n_first + n_second), np.nan)
    launched(cupy, noise(3, 400), 2, n_blocks=4, scratch=scratch)
    assert np.isfinite(cupy.asnumpy(scratch)[:3]).all()
    assert np.isnan(cupy.asnumpy(scratch)[3]).all()


def test_thread_orders_change_no_bit(cupy, monkeypatch):
    raw = pytest.importorskip("tests.support.cupy_on_cpu.raw")
    values = noise(3, 257)
    values[0] = 300
    expected = launched(cupy, values, 4, n_blocks=1)
    for seed in (1, 2, 3):
        monkeypatch.setitem(raw.ORDER, "seed", seed)
        again = launched(cupy, values, 4, n_blocks=1)
        np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("wavelet", ["db4", "dmey"])
@pytest.mark.parametrize("mode", ["symmetric", "zero"])
def test_constant_traces_stay_as_they_are(cupy, wavelet, mode):
    values = noise(4, 301)
    values[0], values[2], values[3] = 137.123, np.inf, 137.123
    values[3, 300] = 137.124
    found = smoothed(cupy, values, 2, wavelet, mode)
    np.testing.assert_array_equal(found[[0, 2]], values[[0, 2]])
    assert (np.ptp(found[[1, 3]], axis=1) > 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("frame", [0, 100, 210])
def test_nan_and_infinity_reach_as_far_as_in_the_twin(cupy, bad, frame):
    values = noise(3, 211)
    values[1, frame] = bad
    found, expected = smoothed(cupy, values, 3), wavelet_approximation(values, 3)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    assert not np.isfinite(found[1]).all()
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=WAVELET_DEVICE)


def test_pywavelets_is_not_needed(cupy, monkeypatch):
    values, (dec_lo, rec_lo) = noise(2, 100), taps("db4")
    expected = smoothed(cupy, values, 2)
    monkeypatch.setitem(sys.modules, "pywt", None)
    found = device.dwt_approximation(cupy.asarray(values), 2, dec_lo, rec_lo)
    np.testing.assert_array_equal(cupy.asnumpy(found), expected)


def test_no_traces(cupy):
    assert smoothed(cupy, np.empty((0, 100)), 2).shape == (0, 100)


@pytest.mark.parametrize("wavelet", ["haar", "db4", "dmey"])
def test_levels_that_do_not_suit_the_length_are_refused(cupy, wavelet):
    values = cupy.asarray(noise(1, 100))
    for level in (0, max_level(100, wavelet) + 1, 1.5):
        with pytest.raises(SettingsError, match=f"wavelet level {level} .* of 100 frames, for wh"):
            device.dwt_approximation(values, level, *taps(wavelet))


def test_modes_and_filters_that_the_device_does_not_know_are_refused(cupy):
    values, (dec_lo, rec_lo) = cupy.asarray(noise(1, 100)), taps("db4")
    with pytest.raises(SettingsError, match=r"'mirror' is not available on the GPU; .* device cpu"):
        device.dwt_approximation(values, 1, dec_lo, rec_lo, "mirror")
    for pair in ((dec_lo[1:], rec_lo[1:]), (dec_lo, rec_lo[2:])):
        with pytest.raises(SettingsError, match="taps, but need the same even number"):
            device.dwt_approximation(values, 1, *pair)


def test_the_device_knows_every_mode_of_pywavelets():
    assert set(device.MODES) == set(pywt.Modes.modes)
