"""Exponents against SciPy, exact spectra, simulated noise and a published dot; cluster means."""

import numpy as np
import pytest
import scipy.stats

from tests.support import tolerances
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.spectrum.clusters import cluster_spectra
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum
from umlpsd_gpu.spectrum.fit import FITTINGS, fit_power_law
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.traces.traces import Traces

MODELS = ("power_law", "power_law_floor")
ALL_MODELS = (*MODELS, "power_law_knee", "auto")


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
    assert set(fit.trace_models) == {"power_law_floor"}


def test_noise_without_floor_gets_little_or_none() -> None:
    noise = simulate_power_law_noise(1, n_traces=50, seed=8)
    spectrum = power_spectrum(noise, "welch")
    fit = fit_power_law(spectrum, model="power_law_floor")
    # a floor can't be below 0, so that half of the traces meet the bound
    assert 0.3 < (fit.floor == 0).mean() < 0.8
    assert (fit.floor >= 0).all()
    at_the_top = fit.amplitude * spectrum.freqs_hz[-1] ** -fit.beta
    assert np.median(fit.floor / at_the_top) < 0.05
    assert fit.beta.mean() == pytest.approx(1, abs=tolerances.BETA_SIMULATED)


@pytest.mark.parametrize("method", METHODS)
def test_white_noise_has_no_slope_beside_a_floor(method: str) -> None:
    noise = simulate_power_law_noise(0, n_traces=30, n_frames=2000, seed=9)
    spectrum = power_spectrum(noise, method)
    for model in ("power_law_floor", "power_law_knee"):
        fit = fit_power_law(spectrum, model=model)
        assert fit.n_without_beta == np.isnan(fit.beta).sum() == 30
        assert fit.trace_models == ("",) * 30
        for result in (fit.beta_stderr, fit.beta_ci95, fit.amplitude, fit.floor, fit.knee_hz):
            assert np.isnan(result).all()
    chosen = fit_power_law(spectrum, model="auto")
    assert set(chosen.trace_models) == {"power_law"}
    assert chosen.n_without_beta == 0
    assert np.abs(chosen.beta).max() < 0.3


@pytest.mark.parametrize("method", METHODS)
def test_a_telegraph_has_a_knee_and_falls_as_the_square(method: str) -> None:
    """A two-state process that forgets at rate Γ has its knee at Γ/2π and β = 2."""
    rng = np.random.default_rng(10)
    rate, n_frames = 0.05, 10_000
    drawn = rng.integers(0, 2, size=(20, n_frames))
    fresh = rng.random((20, n_frames)) < -np.expm1(-rate)
    fresh[:, 0] = True
    latest = np.maximum.accumulate(np.where(fresh, np.arange(n_frames), 0), axis=1)
    states = np.take_along_axis(drawn, latest, axis=1)
    values = states + rng.normal(0, 0.5, states.shape)
    spectrum = power_spectrum(Traces.without_place(values, 0.03), method)
    fit = fit_power_law(spectrum, model="auto")
    assert set(fit.trace_models) == {"power_law_knee"}
    assert np.median(fit.knee_hz) == pytest.approx(rate / (2 * np.pi * 0.03), rel=0.15)
    assert np.median(fit.beta) == pytest.approx(2, abs=0.15)


def test_whittle_and_least_squares_are_both_there() -> None:
    spectrum = power_spectrum(simulate_power_law_noise(1, n_traces=100, seed=11))
    least, most_likely = (
        fit_power_law(spectrum, fitting=fitting) for fitting in ("least_squares", "whittle")
    )
    assert (least.fitting, most_likely.fitting) == ("least_squares", "whittle")
    np.testing.assert_array_equal(least.beta, fit_power_law(spectrum).beta)
    np.testing.assert_array_equal(least.p_value, most_likely.p_value)
    assert most_likely.beta.std() < 0.6 * least.beta.std()
    for fit in (least, most_likely):
        assert fit.beta.mean() == pytest.approx(1, abs=tolerances.BETA_SIMULATED)


def test_beta_of_a_real_dot_is_the_published_one(shared_data) -> None:
    counts = np.loadtxt(shared_data / "qd_CdSeS_ZnS_blinking_10ms.txt")[None, :, 1]
    spectrum = power_spectrum(Traces.without_place(counts, 0.01))
    fit = fit_power_law(spectrum, (0.02, 5))
    assert fit.beta[0] == pytest.approx(1.2983, abs=tolerances.BETA_PUBLISHED)
    assert 0.02 <= fit.f_range_hz[0] < fit.f_range_hz[1] <= 5


@pytest.mark.parametrize("beta", [-0.4, 0, 1.3, 2])
@pytest.mark.parametrize("fitting", FITTINGS)
def test_an_exact_power_law_is_returned(beta: float, fitting: str) -> None:
    freqs_hz = np.geomspace(0.01, 20, 40)
    fit = fit_power_law(spectrum_of(7 * freqs_hz**-beta, freqs_hz), fitting=fitting)
    assert fit.beta[0] == pytest.approx(beta, abs=tolerances.SCORING)
    assert fit.amplitude[0] == pytest.approx(7, rel=tolerances.SCORING)
    assert fit.floor[0] == fit.knee_hz[0] == 0
    # estimates of 2 degrees of freedom have 1 unit of information each on ln S
    ln_f = np.log(freqs_hz)
    own = 1 / np.sqrt(np.sum((ln_f - ln_f.mean()) ** 2))
    expected = {"least_squares": 0, "whittle": own}[fitting]
    assert fit.beta_stderr[0] == pytest.approx(expected, rel=0.02, abs=tolerances.SCORING)
    assert fit.reduced_chi2[0] < 0.05
    assert fit.p_value[0] > 0.999


@pytest.mark.parametrize("beta", [1.3, 2])
def test_an_exact_power_law_has_no_floor_or_knee(beta: float) -> None:
    freqs_hz = np.geomspace(0.01, 20, 80)
    for model in ALL_MODELS[1:]:
        fit = fit_power_law(spectrum_of(7 * freqs_hz**-beta, freqs_hz, 20), model=model)
        assert fit.beta[0] == pytest.approx(beta, abs=1e-3)
        assert fit.floor[0] < 1e-3 * 7 * 20**-beta
        assert fit.knee_hz[0] < 1e-3
    assert fit.trace_models == ("power_law",)


@pytest.mark.parametrize("dof", [2, 300])
def test_an_exact_floor_is_returned(dof: float) -> None:
    freqs_hz = np.arange(1, 400) / 300
    fit = fit_power_law(
        spectrum_of(0.3 * freqs_hz**-1.7 + 2, freqs_hz, dof), model="power_law_floor"
    )
    assert fit.beta[0] == pytest.approx(1.7, rel=tolerances.SCORING)
    assert fit.amplitude[0] == pytest.approx(0.3, rel=tolerances.SCORING)
    assert fit.floor[0] == pytest.approx(2, rel=tolerances.SCORING)


@pytest.mark.parametrize("model", ["power_law_knee", "auto"])
def test_an_exact_knee_is_returned(model: str) -> None:
    freqs_hz = np.geomspace(0.003, 20, 150)
    psd = 0.3 / (freqs_hz**1.8 + 0.05**1.8) + 0.01
    fit = fit_power_law(spectrum_of(psd, freqs_hz, 50), model=model)
    assert fit.trace_models == ("power_law_knee",)
    for found, expected in (
        (fit.beta, 1.8),
        (fit.amplitude, 0.3),
        (fit.floor, 0.01),
        (fit.knee_hz, 0.05),
    ):
        assert found[0] == pytest.approx(expected, rel=10 * tolerances.SCORING)
    assert fit.beta_ci95[0, 0] < 1.8 < fit.beta_ci95[0, 1]


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


@pytest.mark.parametrize("model", ALL_MODELS)
def test_gain_and_frame_interval_leave_beta_alone(model: str) -> None:
    freqs_hz = np.geomspace(0.01, 10, 50)
    psd = chi_squared_spectrum(1 / (freqs_hz**1.4 + 0.01) + 0.1, 5, 60, seed=3)
    plain = fit_power_law(spectrum_of(psd, freqs_hz, 60), model=model)
    gained = fit_power_law(spectrum_of(1e6 * psd, freqs_hz, 60), model=model)
    slower = fit_power_law(spectrum_of(psd, freqs_hz / 10, 60), model=model)
    assert gained.trace_models == slower.trace_models == plain.trace_models
    for other in (gained, slower):
        np.testing.assert_allclose(other.beta, plain.beta, rtol=tolerances.SCORING)
        np.testing.assert_allclose(other.beta_ci95, plain.beta_ci95, rtol=10 * tolerances.SCORING)
        np.testing.assert_allclose(other.p_value, plain.p_value, rtol=10 * tolerances.SCORING)
    np.testing.assert_allclose(gained.floor, 1e6 * plain.floor, rtol=10 * tolerances.SCORING)
    np.testing.assert_allclose(slower.knee_hz, plain.knee_hz / 10, rtol=10 * tolerances.SCORING)


def test_both_ends_of_the_range_are_kept() -> None:
    freqs_hz = np.arange(1, 21) / 4
    psd = np.where((freqs_hz >= 1) & (freqs_hz <= 2), freqs_hz**-1.0, 1e3)
    fit = fit_power_law(spectrum_of(psd, freqs_hz), (1, 2))
    assert fit.f_range_hz == (1, 2)
    assert fit.beta[0] == pytest.approx(1)
    assert fit_power_law(spectrum_of(psd, freqs_hz), (None, 2)).f_range_hz == (0.25, 2)
    assert fit_power_law(spectrum_of(psd, freqs_hz), (1, None)).f_range_hz == (1, 5)


@pytest.mark.parametrize("model", ALL_MODELS)
def test_frequencies_without_power_are_left_out_and_few_make_nan(model: str) -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    psd = np.tile(3 * freqs_hz**-0.8, (5, 1))
    psd[0, [2, 7]] = 0
    psd[1] = np.nan
    psd[2] = 0
    psd[3, 2:] = 0
    fit = fit_power_law(spectrum_of(psd, freqs_hz, 60), model=model)
    exactly = model == "power_law"
    expected = pytest.approx([0.8, 0.8], abs=tolerances.SCORING if exactly else 1e-3)
    assert fit.beta[[0, 4]] == expected
    for name in ("beta", "beta_stderr", "beta_ci95", "amplitude", "floor", "knee_hz", "p_value"):
        assert np.isnan(getattr(fit, name)[1:4]).all()
    assert fit.n_without_beta == 3
    assert fit.trace_models[1:4] == ("",) * 3
    assert "" not in (fit.trace_models[0], fit.trace_models[4])


@pytest.mark.parametrize("model", ALL_MODELS)
def test_an_ensemble_without_traces_has_no_exponents(model: str) -> None:
    freqs_hz = np.geomspace(0.1, 10, 12)
    fit = fit_power_law(spectrum_of(np.empty((0, 12)), freqs_hz), model=model)
    assert fit.beta.shape == (0,)
    assert fit.beta_ci95.shape == (0, 2)
    assert fit.trace_models == ()
    assert fit.n_without_beta == 0


def test_a_range_or_model_that_does_not_fit_is_refused() -> None:
    freqs_hz = np.arange(1, 11.0)
    spectrum = spectrum_of(1 / freqs_hz, freqs_hz)
    with pytest.raises(SettingsError, match=r"20 to 30 Hz contains 0 .* from 1 to 10 Hz: widen"):
        fit_power_law(spectrum, (20, 30))
    with pytest.raises(SettingsError, match=r"must be in rising order, got 3 to 1 Hz"):
        fit_power_law(spectrum, (3, 1))
    with pytest.raises(SettingsError, match=r"1 to 3 Hz contains 3 .*, but 4 are needed"):
        fit_power_law(spectrum, (1, 3), "power_law_floor")
    with pytest.raises(SettingsError, match=r"1 to 4 Hz contains 4 .*, but 5 are needed"):
        fit_power_law(spectrum, (1, 4), "power_law_knee")
    with pytest.raises(SettingsError, match="'lorentzian' is not known; choose from power_law,"):
        fit_power_law(spectrum, model="lorentzian")
    with pytest.raises(SettingsError, match="'ols' is not known; choose from least_squares, whi"):
        fit_power_law(spectrum, fitting="ols")
    with pytest.raises(SettingsError, match="'least_squares' is for model 'power_law', not 'auto'"):
        fit_power_law(spectrum, model="auto", fitting="least_squares")


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
