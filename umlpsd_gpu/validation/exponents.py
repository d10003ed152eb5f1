"""Noise of known β → bias of β and coverage of its intervals, for the user's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.spectrum.estimators import power_spectrum
from umlpsd_gpu.spectrum.fit import fit_power_law
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum
from umlpsd_gpu.traces.traces import Traces
from umlpsd_gpu.validation.ensembles import Conditions
from umlpsd_gpu.validation.rates import rate_of
from umlpsd_gpu.validation.result import ExponentTest

BETAS = (0.0, 0.5, 1.0, 1.5)
# gives the coverage to ± 2 percentage points [I]
N_TRACES = 400
# fixed, so that memory stays small and the result does not depend on the machine
TRACES_AT_ONCE = 100
# Half ON on average with a standard deviation of 1/6. Gaussian noise then stays above the
# background in 99.9 % of the frames, and cutting off the rest hardly changes its spectrum. Real
# blinking varies more and is less affected by shot noise [I].
MEAN_ON, DEVIATION_ON = 0.5, 1 / 6


def exponent_tests(
    conditions: Conditions,
    settings: Settings,
    f_range_hz: tuple[float, float],
    seeds: Sequence[int],
    report: Callable[[int, int], None],
) -> tuple[ExponentTest, ...]:
    """Fit noise of each β, without and with shot noise.

    Parameters
    ----------
    conditions : Conditions
    settings : Settings
        Estimator, model and fitting.
    f_range_hz : (low, high)
        Frequencies that the studies fitted, Hz.
    seeds : sequence of int
        One for each of `BETAS`.
    report : callable
        Called with (n_done, n_betas).

    Returns
    -------
    tuple of ExponentTest
        For each β: without shot noise, with shot noise, and, if the model of the settings has no
        floor, with shot noise and a model that has one.
    """
    tests: list[ExponentTest] = []
    report(0, len(BETAS))
    for done, (beta, seed) in enumerate(zip(BETAS, seeds, strict=True), 1):
        pure, noisy, white_percent = _spectra(beta, conditions, settings, seed)
        fit = partial(_fit, f_range_hz=f_range_hz, settings=settings)
        tests.append(compare_fits(fit(pure), beta))
        tests.append(compare_fits(fit(noisy), beta, white_percent))
        if settings.spectrum.model == "power_law":
            tests.append(compare_fits(fit(noisy, model="power_law_floor"), beta, white_percent))
        report(done, len(BETAS))
    return tuple(tests)


def compare_fits(fit: PowerLawFit, beta: float, white_percent: float | None = None) -> ExponentTest:
    """Compare fits with the β that all their traces have.

    Parameters
    ----------
    fit : PowerLawFit
    beta : float
        The truth.
    white_percent : float, optional
        Share of the variance due to shot noise, %; None if there is none.

    Returns
    -------
    ExponentTest
    """
    fitted = np.isfinite(fit.beta)
    values, (low, high) = fit.beta[fitted], fit.beta_ci95[fitted].T
    n_fitted = values.size
    scatter = float(values.std(ddof=1)) if n_fitted > 1 else float("nan")
    return ExponentTest(
        beta=beta,
        shot_noise=white_percent is not None,
        white_percent=white_percent or 0.0,
        model=fit.model,
        n_traces=len(fit.beta),
        n_without_beta=fit.n_without_beta,
        bias=float(values.mean() - beta) if n_fitted else float("nan"),
        bias_stderr=scatter / n_fitted**0.5 if n_fitted else float("nan"),
        scatter=scatter,
        coverage=rate_of(int(((low <= beta) & (beta <= high)).sum()), n_fitted),
    )


def camera_counts(noise: np.ndarray, conditions: Conditions, seed: int) -> tuple[np.ndarray, float]:
    """Convert noise to counts of a camera; also return the share of the variance that this adds.

    Parameters
    ----------
    noise : ndarray, shape (n_traces, n_frames)
        Each trace is first scaled to the same mean and variance.
    conditions : Conditions
    seed : int

    Returns
    -------
    counts : ndarray, shape (n_traces, n_frames), float32
    white_percent : float
        Median over traces, %.
    """
    rng = np.random.default_rng(seed)
    level = noise - noise.mean(axis=1, keepdims=True)
    level *= DEVIATION_ON / level.std(axis=1, keepdims=True)
    on = rng.uniform(*conditions.on_counts, (len(noise), 1))
    expected = conditions.background_counts + on * np.maximum(MEAN_ON + level, 0)
    counts = emccd_counts(rng, expected)
    added = 1 - expected.var(axis=1) / counts.var(axis=1, dtype=np.float64)
    return counts, float(100 * np.median(added))


def _spectra(
    beta: float, conditions: Conditions, settings: Settings, seed: int
) -> tuple[Spectrum, Spectrum, float]:
    """Return spectra of noise and of its counts, and the share of shot noise in %."""
    parts = list(_parts(beta, conditions, settings, seed))
    pure, noisy, shares = zip(*parts, strict=True)
    return _join(pure), _join(noisy), float(np.mean(shares))


def _parts(
    beta: float, conditions: Conditions, settings: Settings, seed: int
) -> Iterator[tuple[Spectrum, Spectrum, float]]:
    sequence = np.random.SeedSequence(seed)
    drawn = iter(sequence.generate_state(2 * N_TRACES // TRACES_AT_ONCE, np.uint64).tolist())
    for noise_seed, camera_seed in zip(drawn, drawn, strict=True):
        n_frames, dt_s = conditions.n_frames, conditions.dt_s
        pure = simulate_power_law_noise(beta, TRACES_AT_ONCE, n_frames, dt_s, noise_seed)
        counts, share = camera_counts(pure.values, conditions, camera_seed)
        noisy = pure.with_values(counts, "counts of an EM-CCD")
        yield _spectrum(pure, settings), _spectrum(noisy, settings), share


def _spectrum(traces: Traces, settings: Settings) -> Spectrum:
    return power_spectrum(traces, settings.spectrum.method, n_threads=settings.n_threads)


def _join(spectra: Sequence[Spectrum]) -> Spectrum:
    return replace(spectra[0], psd=np.concatenate([spectrum.psd for spectrum in spectra]))


def _fit(
    spectrum: Spectrum,
    f_range_hz: tuple[float, float],
    settings: Settings,
    model: str | None = None,
) -> PowerLawFit:
    """Fit as the study does, or with another model and that model's default fitting."""
    chosen, n_threads = settings.spectrum, settings.n_threads
    if model is not None:
        return fit_power_law(spectrum, f_range_hz, model, n_threads=n_threads)
    return fit_power_law(spectrum, f_range_hz, chosen.model, chosen.fitting, n_threads)
