"""Exponents against SciPy, exact spectra, simulated noise and a published dot; cluster means."""

import numpy as np
import pytest
import scipy.stats

from tests import tolerances
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.spectrum.clusters import cluster_spectra
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum
from umlpsd_gpu.spectrum.fit import fit_power_law
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.traces.traces import Traces

MODELS = ("power_law", "power_law_floor")


def spectrum_of(psd: np.ndarray, freqs_hz: np.ndarray, dof: float = 2.0) -> Spectrum:
    return Spectrum(freqs_hz, np.atleast_2d(psd), "made", np.full(len(freqs_hz), dof), 0.03)


def chi_squared_spectrum(density: np.ndarray, n_traces: int, dof: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return density * rng.chisquare(dof, size=(n_traces, len(density))) / dof


@pytest.fixture(scope="module", params=[0, 0.5, 1, 1.5])
def power_law_noise(request) -> tuple[float, Traces]:
    return request.param, simulate_power_law_noise(request.param, n_traces=50, seed=5)


@pytest.mark.parametrize("method", METHODS)
def test_beta_of_power_law_noise_is_found(power_law_noise, method: str) -> None:
    beta, traces = power_law_noise
    fit = fit_power_law(power_spectrum(traces, method))
    assert fit.beta.mean() == pytest.approx(beta, abs=tolerances.BETA_SIMULATED)
    assert fit.model == "power_law"
    assert not fit.floor.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_white_floor_is_told_from_the_power_law(method: str) -> None:
    noise = simulate_power_law_noise(1.5, n_traces=50, seed=6)
    white = np.random.default_rng(7).normal(size=noise.values.shape)
    slow = noise.values / noise.values.std(axis=1, keepdims=True)
    values = np.sqrt(0.7) * slow + np.sqrt(0.3) * white
    spectrum = power_spectrum(noise.with_values(values, "white floor added"), method)
    plain, fit = (fit_power_law(spectrum, model=model) for model in MODELS)
    assert fit.beta.mean() == pytest.approx(1.5, abs=tolerances.BETA_SIMULATED_FLOOR)
    assert plain.beta.mean() < 1.1
    published = 4 * np.pi if method == "log_welch" else 1
    assert published * np.median(fit.floor) == pytest.approx(2 * 0.3 * 0.03, rel=0.05)
    assert fit.model == "power_law_floor"


def test_noise_without_floor_gets_none() -> None:
    spectrum = power_spectrum(simulate_power_law_noise(1, n_traces=50, seed=8), "welch")
    fit = fit_power_law(spectrum, model="power_law_floor")
    assert (fit.floor == 0).mean() >= 0.9
    assert fit.beta.mean() == pytest.approx(1, abs=tolerances.BETA_SIMULATED)


def test_beta_of_a_real_dot_is_the_published_one(shared_data) -> None:
    counts = np.loadtxt(shared_data / "qd_CdSeS_ZnS_blinking_10ms.txt")[None, :, 1]
    spectrum = power_spectrum(Traces.without_place(counts, 0.01))
    fit = fit_power_law(spectrum, (0.02, 5))
    assert fit.beta[0] == pytest.approx(1.2983, abs=tolerances.BETA_PUBLISHED)
    assert 0.02 <= fit.f_range_hz[0] < fit.f_range_hz[1] <= 5


@pytest.mark.parametrize("beta", [-0.4, 0, 1.3, 2])
@pytest.mark.parametrize("model", MODELS)
def test_an_exact_power_law_is_returned(beta: float, model: str) -> None:
    freqs_hz = np.geomspace(0.01, 20, 40)
    fit = fit_power_law(spectrum_of(7 * freqs_hz**-beta, freqs_hz), model=model)
    assert fit.beta[0] == pytest.approx(beta, abs=tolerances.MINPACK)
    assert fit.amplitude[0] == pytest.approx(7, rel=tolerances.MINPACK)
    assert fit.floor[0] == pytest.approx(0, abs=tolerances.MINPACK)
    assert fit.beta_stderr[0] == pytest.approx(0, abs=tolerances.MINPACK)


@pytest.mark.parametrize("dof", [2, 300])
def test_an_exact_floor_is_returned(dof: float) -> None:
    freqs_hz = np.arange(1, 400) / 300
    fit = fit_power_law(
        spectrum_of(0.3 * freqs_hz**-1.7 + 2, freqs_hz, dof), model="power_law_floor"
    )
    assert fit.beta[0] == pytest.approx(1.7, rel=tolerances.MINPACK)
    assert fit.amplitude[0] == pytest.approx(0.3, rel=tolerances.MINPACK)
    assert fit.floor[0] == pytest.approx(2, rel=tolerances.MINPACK)


def test_least_squares_equals_scipy() -> None:
    freqs_hz = np.geomspace(0.01, 10, 23)
    psd = chi_squared_spectrum(5 * freqs_hz**-1.2, 4, 4, seed=1)
    fit = fit_power_law(spectrum_of(psd, freqs_hz))
    for i, row in enumerate(psd):
        line = scipy.stats.linregress(np.log(freqs_hz), np.log(row))
        half = scipy.stats.t.ppf(0.975, 21) * line.stderr
        for ours, expected in (
            (fit.beta[i], -line.slope),
            (fit.beta_stderr[i], line.stderr),
            (fit.amplitude[i], np.exp(line.intercept)),
            (fit.beta_ci95[i], [-line.slope - half, -line.slope + half]),
        ):
            np.testing.assert_allclose(ours, expected, rtol=tolerances.OLS_FLOAT64)


@pytest.mark.parametrize(("model", "floor"), [(MODELS[0], 0), (MODELS[1], 0), (MODELS[1], 1)])
@pytest.mark.parametrize("dof", [2, 20])
def test_standard_errors_are_the_scatter_for_independent_points(
    model: str, floor: float, dof: float
) -> None:
    freqs_hz = np.geomspace(0.001, 100, 200)  # wide enough for every trace to show its floor
    psd = chi_squared_spectrum(freqs_hz**-1.2 + floor, 400, dof, seed=2)
    fit = fit_power_law(spectrum_of(psd, freqs_hz, dof), model=model)
    assert fit.beta.std() == pytest.approx(
        np.median(fit.beta_stderr), rel=tolerances.STDERR_CALIBRATION
    )
    inside = (fit.beta_ci95[:, 0] < 1.2) & (fit.beta_ci95[:, 1] > 1.2)
    assert inside.mean() == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("model", MODELS)
def test_gain_and_frame_interval_leave_beta_alone(model: str) -> None:
    freqs_hz = np.geomspace(0.01, 10, 50)
    psd = chi_squared_spectrum(freqs_hz**-1.4 + 0.5, 5, 10, seed=3)
    plain = fit_power_law(spectrum_of(psd, freqs_hz, 10), model=model)
    gained = fit_power_law(spectrum_of(1e6 * psd, freqs_hz, 10), model=model)
    slower = fit_power_law(spectrum_of(psd, freqs_hz / 10, 10), model=model)
    for other in (gained, slower):
        np.testing.assert_allclose(other.beta, plain.beta, rtol=tolerances.MINPACK)
    np.testing.assert_allclose(gained.floor, 1e6 * plain.floor, rtol=10 * tolerances.MINPACK)


def test_both_ends_of_the_range_are_kept() -> None:
    freqs_hz = np.arange(1, 21) / 4
    psd = np.where((freqs_hz >= 1) & (freqs_hz <= 2), freqs_hz**-1.0, 1e3)
    fit = fit_power_law(spectrum_of(psd, freqs_hz), (1, 2))
    assert fit.f_range_hz == (1, 2)
    assert fit.beta[0] == pytest.approx(1)
    assert fit_power_law(spectrum_of(psd, freqs_hz), (None, 2)).f_range_hz == (0.25, 2)
    assert fit_power_law(spectrum_of(psd, freqs_hz), (1, None)).f_range_hz == (1, 5)


@pytest.mark.parametrize("model", MODELS)
def test_frequencies_without_power_are_left_out_and_few_make_nan(model: str) -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    psd = np.tile(3 * freqs_hz**-0.8, (5, 1))
    psd[0, [2, 7]] = 0
    psd[1] = np.nan
    psd[2] = 0
    psd[3, 2:] = 0
    fit = fit_power_law(spectrum_of(psd, freqs_hz), model=model)
    np.testing.assert_allclose(fit.beta[[0, 4]], 0.8, rtol=tolerances.MINPACK)
    for result in (fit.beta, fit.beta_stderr, fit.beta_ci95, fit.amplitude, fit.floor):
        assert np.isnan(result[1:4]).all()


@pytest.mark.parametrize("model", MODELS)
def test_an_ensemble_without_traces_has_no_exponents(model: str) -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    fit = fit_power_law(spectrum_of(np.empty((0, 12)), freqs_hz), model=model)
    assert fit.beta.shape == (0,)
    assert fit.beta_ci95.shape == (0, 2)


def test_a_range_or_model_that_does_not_fit_is_refused() -> None:
    freqs_hz = np.arange(1, 11.0)
    spectrum = spectrum_of(1 / freqs_hz, freqs_hz)
    with pytest.raises(SettingsError, match=r"20 to 30 Hz holds 0 .* from 1 to 10 Hz: widen"):
        fit_power_law(spectrum, (20, 30))
    with pytest.raises(SettingsError, match=r"must rise, got 3 to 1 Hz"):
        fit_power_law(spectrum, (3, 1))
    with pytest.raises(SettingsError, match=r"1 to 3 Hz holds 3 .*, but 4 are needed"):
        fit_power_law(spectrum, (1, 3), "power_law_floor")
    with pytest.raises(SettingsError, match="'lorentzian' is not known; choose from power_law,"):
        fit_power_law(spectrum, model="lorentzian")


def test_cluster_means_and_their_errors() -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    psd = chi_squared_spectrum(freqs_hz**-1.0, 9, 2, seed=4)
    psd[3] = np.nan
    psd[4] = 0
    spectrum = spectrum_of(psd, freqs_hz)
    fit = fit_power_law(spectrum)
    found = cluster_spectra(spectrum, fit, np.array([1, 2, 1, 1, 1, 0, 1, 4, 4]))
    assert found.clusters.tolist() == [1, 2, 4]
    assert found.n_traces.tolist() == [4, 1, 2]
    assert found.n_beta.tolist() == [3, 1, 2]
    first, betas = psd[[0, 2, 4, 6]], fit.beta[[0, 2, 6]]
    np.testing.assert_allclose(found.psd_mean[0], first.mean(axis=0))
    np.testing.assert_allclose(found.psd_stderr[0], scipy.stats.sem(first))
    np.testing.assert_allclose(found.beta_mean[0], betas.mean())
    np.testing.assert_allclose(found.beta_stderr[0], scipy.stats.sem(betas))
    np.testing.assert_array_equal(found.psd_mean[1], psd[1])
    assert np.isnan(found.psd_stderr[1]).all()
    assert np.isnan(found.beta_stderr[1])


def test_a_cluster_of_bad_traces_is_nan_and_no_clusters_are_none() -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    spectrum = spectrum_of(np.full((2, 12), np.nan), freqs_hz)
    fit = fit_power_law(spectrum)
    bad = cluster_spectra(spectrum, fit, np.array([1, 1]))
    assert bad.n_traces.tolist() == bad.n_beta.tolist() == [0]
    assert np.isnan(bad.psd_mean).all()
    assert np.isnan(bad.beta_mean).all()
    none = cluster_spectra(spectrum, fit, np.array([0, 0]))
    assert none.psd_mean.shape == none.psd_stderr.shape == (0, 12)
    assert none.beta_mean.shape == (0,)


def test_labels_that_do_not_match_are_refused() -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    spectrum = spectrum_of(np.ones((2, 12)), freqs_hz)
    with pytest.raises(SettingsError, match=r"labels of shape \(3,\) and 2 exponents"):
        cluster_spectra(spectrum, fit_power_law(spectrum), np.array([1, 1, 2]))
