"""Power spectra against plain loops, SciPy, published values, known signals and conservation."""

import numpy as np
import pytest
import scipy.signal

from tests.support import reference, tolerances
from tests.support.ensembles import noise, traces_of
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.spectrum import estimators
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum, welch_dof
from umlpsd_gpu.spectrum.log_welch import log_grid

ONE_SIDED = {"periodogram": 1.0, "welch": 1.0, "log_welch": 4 * np.pi}


@pytest.mark.parametrize("n_frames", [303, 304, 307, 401, 1000])
def test_log_welch_equals_the_plain_loop(n_frames: int) -> None:
    values = noise(2, n_frames)
    spectrum = power_spectrum(traces_of(values))
    for trace, psd in zip(values, spectrum.psd, strict=True):
        freqs_hz, expected, dof = reference.log_welch(trace, 0.03)
        np.testing.assert_allclose(spectrum.freqs_hz, freqs_hz, rtol=tolerances.SUM_FLOAT64)
        np.testing.assert_allclose(psd, expected, rtol=tolerances.PSD_FLOAT64)
        np.testing.assert_allclose(spectrum.dof, dof, rtol=tolerances.SUM_FLOAT64)


def test_log_welch_equals_its_authors_output_on_a_real_dot(shared_data) -> None:
    counts = np.loadtxt(shared_data / "qd_CdSeS_ZnS_blinking_10ms.txt")[:, 1]
    freqs_hz, psd, dof = np.loadtxt(shared_data / "qd_CdSeS_ZnS_psd_reference.txt").T
    spectrum = power_spectrum(traces_of(counts[None], dt_s=0.01))
    np.testing.assert_allclose(spectrum.freqs_hz, freqs_hz, rtol=tolerances.PSD_PUBLISHED)
    np.testing.assert_allclose(spectrum.psd[0], psd, rtol=tolerances.PSD_PUBLISHED)
    np.testing.assert_allclose(spectrum.dof, dof, rtol=tolerances.PSD_PUBLISHED)


@pytest.mark.parametrize("n_frames", [303, 308, 1009, 10_000, 78_030, 123_457])
def test_the_log_grid_keeps_its_promises(n_frames: int) -> None:
    grid = log_grid(n_frames)
    assert (np.diff(grid.cycles) > 0).all()
    assert grid.cycles[-1] <= 0.4 * n_frames
    assert (grid.windows % 2 == 1).all()
    assert grid.windows.min() == 101
    assert (np.diff(grid.windows) <= 0).all()
    assert 3 * grid.windows[0] <= n_frames < 3 * (grid.windows[0] + 2)
    last_frame = (grid.n_windows - 1) * grid.windows // 2 + grid.windows
    assert (last_frame <= n_frames).all()
    own = grid.windows > 101
    three_periods = 3 * n_frames / grid.cycles[own]
    assert (np.abs(grid.windows[own] - three_periods) <= 2).all()


@pytest.mark.parametrize("n_frames", [2, 3, 100, 101, 997])
def test_periodogram_equals_scipy(n_frames: int) -> None:
    values = noise(3, n_frames)
    freqs_hz, psd = scipy.signal.periodogram(values, 1 / 0.03)
    spectrum = power_spectrum(traces_of(values), "periodogram")
    np.testing.assert_allclose(spectrum.freqs_hz, freqs_hz[1:], rtol=tolerances.SUM_FLOAT64)
    np.testing.assert_allclose(
        spectrum.psd, psd[:, 1:], rtol=tolerances.SUM_FLOAT64, atol=1e-12 * psd.max()
    )


@pytest.mark.parametrize(
    ("n_frames", "nperseg", "noverlap"),
    [(1000, 100, 50), (1000, 101, 0), (997, 997, 30), (64, 7, 6)],
)
def test_welch_equals_scipy(n_frames: int, nperseg: int, noverlap: int) -> None:
    values = noise(3, n_frames)
    freqs_hz, psd = scipy.signal.welch(values, 1 / 0.03, nperseg=nperseg, noverlap=noverlap)
    spectrum = power_spectrum(traces_of(values), "welch", nperseg=nperseg, noverlap=noverlap)
    np.testing.assert_allclose(spectrum.freqs_hz, freqs_hz[1:], rtol=tolerances.SUM_FLOAT64)
    np.testing.assert_allclose(spectrum.psd, psd[:, 1:], rtol=tolerances.PSD_FLOAT64)


@pytest.mark.parametrize(("n_frames", "nperseg"), [(10_000, 1250), (1000, 256), (100, 100)])
def test_welch_defaults_keep_low_frequencies(n_frames: int, nperseg: int) -> None:
    spectrum = power_spectrum(traces_of(noise(1, n_frames)), "welch")
    assert spectrum.freqs_hz[0] == pytest.approx(1 / (nperseg * 0.03))


def test_welch_degrees_of_freedom() -> None:
    hann = scipy.signal.get_window("hann", 4096)
    for n_windows in (1, 2, 15):
        expected = 36 * n_windows**2 / (19 * n_windows - 1)
        assert welch_dof(hann, 2048, n_windows) == pytest.approx(expected, rel=1e-3)
    assert welch_dof(np.ones(10), 10, 7) == 14


@pytest.mark.parametrize("method", METHODS)
def test_the_scatter_of_white_noise_has_the_degrees_of_freedom(method: str) -> None:
    spectrum = power_spectrum(traces_of(noise(400, 1000)), method)
    scatter = spectrum.psd.var(axis=0) / spectrum.psd.mean(axis=0) ** 2
    assert np.median(scatter * spectrum.dof / 2) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_white_noise_has_the_one_sided_density_of_its_variance(method: str) -> None:
    spectrum = power_spectrum(traces_of(noise(100, 1000)), method)
    density = ONE_SIDED[method] * spectrum.psd.mean()
    assert density == pytest.approx(2 * 40**2 * 0.03, rel=0.02)


@pytest.mark.parametrize("n_frames", [100, 101, 997])
def test_parseval(n_frames: int) -> None:
    values = noise(3, n_frames)
    spectrum = power_spectrum(traces_of(values), "periodogram")
    power = spectrum.psd.sum(axis=1) * spectrum.freqs_hz[0]
    np.testing.assert_allclose(power, values.var(axis=1), rtol=tolerances.SUM_FLOAT64)


def test_a_sine_is_one_spike_of_its_power() -> None:
    times_s = np.arange(1200) * 0.05
    sine = 100 + 7 * np.sin(2 * np.pi * 2.5 * times_s + 0.3)
    spectrum = power_spectrum(traces_of(sine[None], 0.05), "periodogram")
    spike = spectrum.psd[0].argmax()
    assert spectrum.freqs_hz[spike] == pytest.approx(2.5)
    assert spectrum.psd[0, spike] * spectrum.freqs_hz[0] == pytest.approx(7**2 / 2)
    assert np.delete(spectrum.psd[0], spike).max() < 1e-20 * spectrum.psd[0, spike]


@pytest.mark.parametrize("method", ["welch", "log_welch"])
def test_a_sine_peaks_at_its_frequency(method: str) -> None:
    traces = traces_of(noise(1, 4000))
    for target in (5, 20, 40):
        f_hz = power_spectrum(traces, method).freqs_hz[target]
        sine = 300 + 50 * np.sin(2 * np.pi * f_hz * np.arange(4000) * 0.03)
        spectrum = power_spectrum(traces_of(sine[None]), method)
        assert spectrum.psd[0].argmax() == target


@pytest.mark.parametrize("method", METHODS)
def test_gain_offset_and_frame_interval_scale_the_density(method: str) -> None:
    values = noise(3, 1000)
    plain = power_spectrum(traces_of(values), method)
    gained = power_spectrum(traces_of(3 * values + 1000), method)
    np.testing.assert_allclose(gained.psd, 9 * plain.psd, rtol=tolerances.PSD_FLOAT64)
    slower = power_spectrum(traces_of(values, dt_s=0.3), method)
    np.testing.assert_allclose(slower.psd, 10 * plain.psd, rtol=tolerances.SUM_FLOAT64)
    np.testing.assert_allclose(slower.freqs_hz, plain.freqs_hz / 10, rtol=tolerances.SUM_FLOAT64)
    assert slower.dt_s == 0.3


@pytest.mark.parametrize("method", METHODS)
def test_neither_threads_nor_company_change_a_spectrum(method: str, monkeypatch) -> None:
    values = noise(23, 997)
    spectra = [power_spectrum(traces_of(values), method, n_threads=n).psd for n in (1, 2, 5)]
    monkeypatch.setattr(estimators, "_BLOCK_FRAMES", 4 * 997)
    spectra += [power_spectrum(traces_of(values), method, n_threads=n).psd for n in (1, 3)]
    for psd in spectra[1:3]:
        np.testing.assert_array_equal(psd, spectra[0])
    np.testing.assert_array_equal(spectra[4], spectra[3])
    order = np.random.default_rng(1).permutation(23)
    permuted = power_spectrum(traces_of(values[order]), method)
    np.testing.assert_allclose(permuted.psd, spectra[0][order], rtol=tolerances.PSD_FLOAT64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.int64])
def test_every_type_of_counts_is_computed_in_float64(method: str, dtype: type) -> None:
    values = noise(2, 500).astype(dtype)
    spectrum = power_spectrum(traces_of(values), method)
    expected = power_spectrum(traces_of(values.astype(np.float64)), method)
    assert spectrum.psd.dtype == np.float64
    np.testing.assert_array_equal(spectrum.psd, expected.psd)


@pytest.mark.parametrize("method", METHODS)
def test_bad_traces_are_nan_constant_ones_0_and_others_untouched(method: str) -> None:
    values = noise(6, 400)
    clean = power_spectrum(traces_of(values), method).psd
    before = values.copy()
    values[1, 7], values[2, 0], values[3] = np.nan, -np.inf, 0.1
    spectrum = power_spectrum(traces_of(values), method)
    assert np.isnan(spectrum.psd[[1, 2]]).all()
    assert not spectrum.psd[3].any()
    np.testing.assert_array_equal(spectrum.psd[[0, 4, 5]], clean[[0, 4, 5]])
    np.testing.assert_array_equal(values[[0, 4, 5]], before[[0, 4, 5]])


@pytest.mark.parametrize("method", METHODS)
def test_an_ensemble_without_traces_has_no_spectra(method: str) -> None:
    spectrum = power_spectrum(traces_of(np.empty((0, 400))), method)
    assert spectrum.psd.shape == (0, len(spectrum.freqs_hz))


def test_traces_too_short_are_refused_with_what_is_needed() -> None:
    with pytest.raises(TracesError, match=r"at least 303 frames, got 302; choose .*periodogram"):
        power_spectrum(traces_of(noise(2, 302)))
    with pytest.raises(TracesError, match="at least 2 frames, got 1"):
        power_spectrum(traces_of(noise(2, 1)), "periodogram")


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("lomb", {}, "'lomb' is not known; choose from log_welch, welch, periodogram"),
        ("log_welch", {"nperseg": 100}, "are for method 'welch'"),
        ("periodogram", {"noverlap": 0}, "are for method 'welch'"),
        ("welch", {"nperseg": 401}, "nperseg is 401, but must be from 2 to 400, the number"),
        ("welch", {"nperseg": 1}, "nperseg is 1, but"),
        ("welch", {"nperseg": 100, "noverlap": 100}, r"at least 0 and below nperseg \(100\)"),
    ],
)
def test_options_that_do_not_fit_are_refused(method: str, options: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        power_spectrum(traces_of(noise(1, 400)), method, **options)
