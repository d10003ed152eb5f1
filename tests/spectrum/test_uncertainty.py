"""Standard errors, intervals and goodness of fit against the scatter of simulated noise.

The whole table, 2,000 traces a row: benchmarks/results/decision_beta.md.
"""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from tests.support import tolerances
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum
from umlpsd_gpu.spectrum.fit import fit_power_law
from umlpsd_gpu.spectrum.model_selection import akaike_weights, average_intervals
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.spectrum.uncertainty.goodness import Goodness
from umlpsd_gpu.spectrum.uncertainty.sampling import sampling_of
from umlpsd_gpu.spectrum.uncertainty.slope import SlopeErrors, slope_errors

N_TRACES, N_FRAMES = 500, 2000


def noise_of(beta, floor=0.0, seed=1):
    """Traces of f^(−beta) noise, the share ``floor`` of the variance white."""
    noise = simulate_power_law_noise(beta, N_TRACES, N_FRAMES, seed=seed)
    slow = noise.values / noise.values.std(axis=1, keepdims=True)
    white = np.random.default_rng(seed).normal(size=slow.shape)
    values = np.sqrt(1 - floor) * slow + np.sqrt(floor) * white
    return noise.with_values(values, "floor added")


@pytest.fixture(scope="module")
def spectra():
    """Spectra by method, exponent and floor."""
    cases = {(beta, floor): noise_of(beta, floor) for beta, floor in ((0, 0), (1.5, 0), (1, 0.3))}
    return {
        (method, *case): power_spectrum(traces, method)
        for method in METHODS
        for case, traces in cases.items()
    }


def covered(fit, beta):
    low, high = fit.beta_ci95.T
    return np.mean((low <= beta) & (beta <= high))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("beta", "floor", "model", "fitting"),
    [
        (0, 0, "power_law", "least_squares"),
        (1.5, 0, "power_law", "least_squares"),
        (0, 0, "power_law", "whittle"),
        (1.5, 0, "power_law", "whittle"),
        (1, 0.3, "power_law_floor", "whittle"),
        (1, 0.3, "auto", "whittle"),
        (1.5, 0, "auto", "whittle"),
    ],
)
def test_intervals_cover_and_errors_are_the_scatter(spectra, method, beta, floor, model, fitting):
    fit = fit_power_law(spectra[method, beta, floor], model=model, fitting=fitting)
    assert fit.n_without_beta == 0
    # 95 % of 500 is known to 1 %
    assert 0.92 <= covered(fit, beta) <= 0.985
    if model != "auto":
        assert np.abs(fit.beta.mean() - beta) < 0.2 * fit.beta.std() + 0.02
        ratio = fit.beta.std() / np.median(fit.beta_stderr)
        assert ratio == pytest.approx(1, abs=tolerances.STDERR_CALIBRATION)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("beta", [0, 1.5])
def test_the_right_model_is_seldom_rejected_and_a_wrong_one_always(spectra, method, beta):
    right = fit_power_law(spectra[method, beta, 0])
    assert 0.02 < np.mean(right.p_value < 0.05) < 0.09
    assert np.mean(right.reduced_chi2) == pytest.approx(1, abs=0.1)
    assert scipy.stats.kstest(right.p_value, "uniform").pvalue > 1e-4
    with_floor = spectra[method, 1, 0.3]
    assert np.mean(fit_power_law(with_floor, model="power_law_floor").p_value < 0.05) < 0.09
    wrong = fit_power_law(with_floor)
    assert np.mean(wrong.p_value < 0.05) > 5 * np.mean(right.p_value < 0.05)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("beta", [0, 1, 1.75, 2])
def test_slopes_scatter_about_their_mean_as_predicted(method, beta):
    spectrum = power_spectrum(simulate_power_law_noise(beta, 400, 3000, seed=3), method)
    fit = fit_power_law(spectrum)
    errors = slope_errors(sampling_of(spectrum, slice(0, None)))
    predicted = np.interp(beta, errors.betas, errors.deviations)
    assert fit.beta.std() == pytest.approx(predicted, rel=0.2)
    mean = np.interp(beta, errors.betas, errors.means)
    assert fit.beta.mean() == pytest.approx(mean, abs=0.25 * predicted)


def test_a_part_of_the_range_has_errors_of_its_own():
    for method in METHODS:
        spectrum = power_spectrum(noise_of(1.0, seed=4), method)
        fit = fit_power_law(spectrum, (0.2, 5))
        assert fit.f_range_hz[0] >= 0.2
        assert 0.92 <= covered(fit, 1.0) <= 0.985
        most_likely = fit_power_law(spectrum, (0.2, 5), fitting="whittle")
        assert 0.92 <= covered(most_likely, 1.0) <= 0.985


def test_an_interval_is_where_the_test_does_not_reject():
    betas = np.arange(-2, 3.01, 0.02)
    # slopes that fall behind β from 1 on, and never exceed 2
    means = np.where(betas < 1, betas, 2 - 1 / np.maximum(betas, 1))
    errors = SlopeErrors(betas, means, np.full(len(betas), 0.1))
    low, high = errors.intervals(np.array([0.0, 1.3, 1.6, -5.0, np.nan]), np.ones(5)).T
    half = 0.1 * scipy.stats.norm.ppf(0.975)
    assert (low[0], high[0]) == pytest.approx((-half, half), abs=1e-3)
    assert (low[1], high[1]) == pytest.approx((1 / (0.7 + half), 1 / (0.7 - half)), abs=1e-3)
    assert low[2] == pytest.approx(1 / (0.4 + half), abs=1e-3)
    assert high[2] == np.inf
    assert (low[3], high[3]) == pytest.approx((-5 - half, -5 + half), abs=1e-3)
    assert np.isnan([low[4], high[4]]).all()
    wide = errors.intervals(np.array([0.0]), np.array([3.0]))
    assert wide[0] == pytest.approx((-3 * half, 3 * half), abs=1e-3)


def test_only_a_misfit_beyond_chance_widens():
    limit = scipy.stats.chi2.isf(0.01, 10)
    goodness = Goodness(np.array([2.0, limit, limit + 30, np.nan]), np.array([10.0] * 3 + [np.nan]))
    np.testing.assert_allclose(goodness.widening, [1, 1, 2, 1])
    np.testing.assert_allclose(goodness.p_value[:2], [scipy.stats.chi2.sf(2, 10), 0.01])
    np.testing.assert_allclose(goodness.reduced_chi2[:1], 0.2)
    assert np.isnan([goodness.p_value[3], goodness.reduced_chi2[3]]).all()


@pytest.mark.parametrize("fitting", ["least_squares", "whittle"])
def test_a_spectrum_that_misfits_has_wider_errors(spectra, fitting):
    sound = spectra["welch", 0, 0]
    bent = dataclasses.replace(
        sound, psd=sound.psd * (1 + 3 * np.exp(-((sound.freqs_hz - 2) ** 2)))
    )
    before, after = (fit_power_law(s, fitting=fitting) for s in (sound, bent))
    assert np.median(after.p_value) < 1e-6
    ratio = np.median(after.beta_stderr / before.beta_stderr)
    expected = np.sqrt(np.median(after.reduced_chi2))
    assert 0.6 * expected < ratio < 1.3 * expected


def test_averaged_intervals_leave_the_tails_of_all_models():
    ends = np.array([[[-1.96, 1.96]], [[0.04, 3.96]]])
    betas = np.array([[0.0], [2.0]])
    for weights in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.9, 0.1]):
        weights = np.array(weights)
        low, high = average_intervals(weights[:, None], betas, ends)[0]
        below = weights @ scipy.stats.norm.cdf(low - betas[:, 0])
        above = weights @ scipy.stats.norm.sf(high - betas[:, 0])
        assert (below, above) == pytest.approx((0.025, 0.025), abs=1e-4)
    unlimited = np.array([[[-1.96, 1.96]], [[0.04, np.inf]]])
    low, high = average_intervals(np.array([[0.5], [0.5]]), betas, unlimited)[0]
    assert np.isfinite(low)
    assert high == np.inf


def test_weights_of_models_follow_their_criteria():
    weights = akaike_weights(np.array([[10.0, 0.0], [12.0, np.inf], [np.inf, np.inf]]))
    np.testing.assert_allclose(weights[:, 0], np.array([1, np.exp(-1), 0]) / (1 + np.exp(-1)))
    np.testing.assert_allclose(weights[:, 1], [1, 0, 0])


@pytest.mark.parametrize("model", ["power_law", "power_law_floor", "power_law_knee", "auto"])
def test_neither_company_nor_order_changes_a_fit(spectra, model):
    spectrum = spectra["welch", 1, 0.3]
    whole = fit_power_law(spectrum, model=model)
    order = np.random.default_rng(5).permutation(N_TRACES)[:60]
    part = fit_power_law(dataclasses.replace(spectrum, psd=spectrum.psd[order]), model=model)
    for name in ("beta", "beta_stderr", "beta_ci95", "amplitude", "floor", "p_value"):
        np.testing.assert_allclose(
            getattr(part, name), getattr(whole, name)[order], rtol=1e-3, atol=1e-4
        )
    assert part.trace_models == tuple(whole.trace_models[i] for i in order)
    again = fit_power_law(spectrum, model=model)
    for name in ("beta", "beta_ci95", "p_value"):
        assert getattr(again, name).tobytes() == getattr(whole, name).tobytes()


def test_few_bands_are_not_tested():
    freqs_hz = np.array([1.0, 2.0, 4.0, 8.0])
    psd = np.array([[4.0, 2.0, 1.0, 0.5], [4.0, 2.1, 0.0, 0.0]])
    fit = fit_power_law(Spectrum(freqs_hz, psd, "made", np.full(4, 2.0), 0.03))
    assert fit.beta[0] == pytest.approx(1)
    assert np.isnan(fit.p_value).all()
    assert np.isnan(fit.beta[1])
