"""Binning, wavelet smoothing and min-max scaling, against loops, PyWavelets and known answers."""

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from tests.support import reference, tolerances
from tests.support.ensembles import noise, traces_of
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.preprocessing.normalise import minmax
from umlpsd_gpu.preprocessing.smooth import preprocess, preprocess_at
from umlpsd_gpu.preprocessing.wavelet import Decomposition, max_level, wavelet_approximation
from umlpsd_gpu.scale import Scale

COUNTS = st.floats(-1e6, 1e6, width=32)
RAGGED = stnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=COUNTS)


@pytest.mark.parametrize(("n_frames", "window"), [(1, 1), (7, 1), (7, 3), (11, 11), (97, 80)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint16, np.int32])
def test_bin_mean_equals_the_plain_loop(n_frames: int, window: int, dtype: type) -> None:
    values = noise(3, n_frames).astype(dtype)
    binned = bin_mean(values, window)
    assert binned.dtype == np.float64
    np.testing.assert_allclose(
        binned, reference.bin_mean(values, window), rtol=tolerances.SUM_FLOAT64, atol=0
    )


def test_a_ragged_last_bin_averages_what_it_holds() -> None:
    np.testing.assert_array_equal(bin_mean(np.array([[1, 2, 3, 4, 9]]), 2), [[1.5, 3.5, 9]])


def test_nan_and_infinity_spoil_only_their_own_bins() -> None:
    values = np.array([[1, np.nan, 3, 5, np.inf, -np.inf]])
    np.testing.assert_array_equal(bin_mean(values, 2), [[np.nan, 4, np.nan]])


@pytest.mark.parametrize("window", [0, -1, 11, 2.5, 3.0])
def test_a_window_that_does_not_fit_is_refused_with_its_limits(window: float) -> None:
    with pytest.raises(SettingsError, match=rf"frames_per_bin is {window}, .* from 1 to the 10"):
        bin_mean(noise(2, 10), window)


@pytest.mark.parametrize("wavelet", ["db4", "haar", "sym8", "bior3.3"])
@pytest.mark.parametrize("mode", ["symmetric", "periodization", "zero"])
@pytest.mark.parametrize("n_frames", [127, 256, 1000])
def test_approximation_equals_pywavelets_with_zeroed_details(
    wavelet: str, mode: str, n_frames: int
) -> None:
    values = noise(3, n_frames)
    for level in (1, 3):
        first, *details = pywt.wavedec(values, wavelet, mode=mode, level=level, axis=1)
        zeroed = [first, *(np.zeros_like(detail) for detail in details)]
        expected = pywt.waverec(zeroed, wavelet, mode=mode, axis=1)[:, :n_frames]
        np.testing.assert_allclose(
            wavelet_approximation(values, level, wavelet, mode),
            expected,
            rtol=tolerances.SUM_FLOAT64,
        )


@pytest.mark.parametrize("wavelet", ["db4", "haar", "bior3.3"])
@pytest.mark.parametrize("mode", ["symmetric", "zero", "periodization"])
@pytest.mark.parametrize("n_frames", [999, 100_000])
def test_a_shared_decomposition_gives_the_same_bits_as_pywavelets(
    wavelet: str, mode: str, n_frames: int
) -> None:
    values = noise(3, n_frames)
    shared = Decomposition(2, wavelet, mode)
    for level in (4, 2, 3):
        found = [
            wavelet_approximation(values[rows], level, wavelet, mode, shared, rows.start)
            for rows in (slice(0, 1), slice(1, 3))
        ]
        expected = values
        for _ in range(level):
            expected = pywt.dwt(expected, wavelet, mode, axis=1)[0]
        for length in reversed(n_samples_before(n_frames, level, wavelet, mode)):
            expected = pywt.idwt(expected, None, wavelet, mode, axis=1)[:, :length]
        np.testing.assert_array_equal(np.vstack(found), expected)


def n_samples_before(n_frames: int, level: int, wavelet: str, mode: str) -> list[int]:
    n_samples = [n_frames]
    for _ in range(level - 1):
        n_samples.append(pywt.dwt_coeff_len(n_samples[-1], pywt.Wavelet(wavelet).dec_len, mode))
    return n_samples


def test_smoothing_twice_changes_nothing_more() -> None:
    once = wavelet_approximation(noise(2, 512), 4, mode="periodization")
    twice = wavelet_approximation(once, 4, mode="periodization")
    np.testing.assert_allclose(twice, once, rtol=tolerances.WAVELET_PROJECTION)


@pytest.mark.parametrize("wavelet", ["db4", "sym8", "dmey"])
def test_a_constant_trace_keeps_its_level_and_scales_to_0(wavelet: str) -> None:
    values = np.vstack([np.full(1000, 137.123), noise(1, 1000)[0]])
    smooth = wavelet_approximation(values, 3, wavelet, "zero")
    np.testing.assert_array_equal(smooth[0], values[0])
    assert np.ptp(smooth[1]) > 0
    assert not minmax(smooth)[0].any()


@pytest.mark.parametrize(("n_frames", "highest"), [(10_000, 10), (100, 3), (14, 1), (13, 0)])
def test_a_level_above_the_highest_is_refused(n_frames: int, highest: int) -> None:
    assert max_level(n_frames, "db4") == highest
    for level in range(1, highest + 1):
        wavelet_approximation(noise(1, n_frames), level)
    with pytest.raises(
        SettingsError, match=f"wavelet level {highest + 1} is not possible for traces"
    ):
        wavelet_approximation(noise(1, n_frames), highest + 1)


@pytest.mark.parametrize("level", [0, -2, 1.5])
def test_a_level_that_is_no_level_is_refused(level: float) -> None:
    with pytest.raises(SettingsError, match="whole levels from 1 to 3"):
        wavelet_approximation(noise(1, 100), level)


def test_unknown_wavelets_and_modes_are_refused() -> None:
    with pytest.raises(SettingsError, match="'morl' is not a discrete wavelet"):
        wavelet_approximation(noise(1, 100), 1, wavelet="morl")
    with pytest.raises(SettingsError, match=r"'mirror' is not a mode of PyWavelets; .*symmetric"):
        wavelet_approximation(noise(1, 100), 1, mode="mirror")


@settings(max_examples=60, deadline=None)
@given(RAGGED)
def test_minmax_reaches_0_and_1_and_keeps_the_order(values: np.ndarray) -> None:
    scaled = minmax(values)
    for raw, trace in zip(values, scaled, strict=True):
        if np.ptp(raw) > 1e-12 * np.abs(raw).max():
            assert trace.min() == 0
            assert trace.max() == 1
            assert (np.diff(trace[np.argsort(raw)]) >= 0).all()
        else:
            assert not trace.any()


def test_minmax_does_not_care_about_gain_and_offset() -> None:
    values = noise(5, 101)
    np.testing.assert_allclose(
        minmax(12.5 * values - 400), minmax(values), atol=tolerances.MINMAX_GAIN_OFFSET
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_trace_with_nan_or_infinity_is_nan_and_leaves_others_alone(
    bad: float, dtype: type
) -> None:
    values = noise(3, 20).astype(dtype)
    values[1, 4] = bad
    scaled = minmax(values)
    assert np.isnan(scaled[1]).all()
    np.testing.assert_array_equal(scaled[[0, 2]], minmax(values[[0, 2]]))


def test_rounding_noise_of_a_constant_trace_is_not_blown_up() -> None:
    binned = bin_mean(np.full((1, 1000), 0.1), 7)
    assert not minmax(binned).any()
    assert not minmax(np.zeros((2, 5))).any()
    np.testing.assert_array_equal(minmax(np.array([[1e-300, 3e-300]])), [[0, 1]])


def test_traces_without_frames_are_refused() -> None:
    empty = traces_of(np.empty((2, 0)))
    with pytest.raises(TracesError, match="0 samples"):
        preprocess(empty)
    for smoothing in ({"frames_per_bin": 1}, {"wavelet_level": 1}):
        with pytest.raises(SettingsError, match=r"0 frames"):
            preprocess(empty, **smoothing)


def test_an_ensemble_without_traces_passes_through() -> None:
    nobody = traces_of(np.empty((0, 100)))
    assert preprocess(nobody).values.shape == (0, 100)
    assert preprocess(nobody, frames_per_bin=8).values.shape == (0, 13)
    assert preprocess(nobody, wavelet_level=2).values.shape == (0, 100)


def test_preprocess_scales_last_and_keeps_the_books() -> None:
    traces = traces_of(noise(3, 1000).astype(np.float32))
    before = traces.values.copy()
    binned = preprocess(traces, frames_per_bin=80)
    np.testing.assert_array_equal(binned.values, minmax(bin_mean(traces.values, 80)))
    assert binned.values.shape == (3, 13)
    assert binned.dt_s == pytest.approx(80 * 0.03)
    assert binned.history == ("bin_mean(frames_per_bin=80), minmax",)
    smooth = preprocess(traces, wavelet_level=5)
    np.testing.assert_array_equal(smooth.values, minmax(wavelet_approximation(traces.values, 5)))
    assert smooth.dt_s == traces.dt_s
    assert smooth.history == ("wavelet_approximation(level=5, db4, symmetric), minmax",)
    raw = preprocess(traces)
    np.testing.assert_array_equal(raw.values, minmax(traces.values))
    assert raw.history == ("minmax",)
    assert raw.ids == traces.ids
    np.testing.assert_array_equal(traces.values, before)


def test_a_scale_by_name_does_the_same() -> None:
    traces = traces_of(noise(3, 500))
    for name, options in (
        ("raw", {}),
        ("W8", {"frames_per_bin": 8}),
        ("WL2", {"wavelet_level": 2}),
    ):
        by_name = preprocess_at(traces, Scale.parse(name))
        by_option = preprocess(traces, **options)
        np.testing.assert_array_equal(by_name.values, by_option.values)
        assert by_name.history == by_option.history


def test_two_smoothings_at_once_are_refused() -> None:
    with pytest.raises(SettingsError, match="frames_per_bin=8 and wavelet_level=2 were both"):
        preprocess(traces_of(noise(1, 100)), frames_per_bin=8, wavelet_level=2)
