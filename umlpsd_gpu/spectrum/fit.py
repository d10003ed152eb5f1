"""Spectrum → PowerLawFit: the exponent β of every trace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.backend import is_on_device, n_cores, xp_of
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.models import BETA, MODELS, in_hertz
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum
from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling, sampling_of
from umlpsd_gpu.spectrum.uncertainty.slope import slope_errors
from umlpsd_gpu.spectrum.whittle_fit import AUTO, LikelihoodFit, fit_by_likelihood

FITTINGS = ("least_squares", "whittle")
_TRACES_AT_ONCE = 256


def fit_power_law(
    spectrum: Spectrum,
    f_range_hz: tuple[float | None, float | None] | None = None,
    model: str = "power_law",
    fitting: str | None = None,
    n_threads: int | None = None,
) -> PowerLawFit:
    """Fit a power law, alone or with a floor and a knee, to the spectrum of every trace.

    Parameters
    ----------
    spectrum : Spectrum
        Its ``psd`` NumPy's or CuPy's. Least squares of CuPy's run on the device; for all else it is
        brought down to the host.
    f_range_hz : (low, high), optional
        Both ends are used where they meet a frequency; None on a side, or for both: no limit.
        `ranges.trusted_range_hz` gives the range that the estimator serves well.
    model : {"power_law", "power_law_floor", "power_law_knee", "auto"}
        A·f^(−β) [P]; with a white (shot-noise) floor, A·f^(−β) + C; and level below a knee,
        A/(f^β + f_k^β) + C, a telegraph's Lorentzian at β = 2. C and f_k are 0 or above.
        ``auto``: for each trace the one of least AICc.
    fitting : {"least_squares", "whittle"}, optional
        ``least_squares`` of ln S on ln f [P, M], every frequency alike: of ``power_law`` only, and
        its default. ``whittle``: greatest likelihood, corrected for what leaks through windows.
    n_threads : int, optional
        All cores by default; the bits don't depend on it.

    Returns
    -------
    PowerLawFit
        NumPy arrays in any case. Frequencies without power (0) are left out of a trace's fit. NaN
        where the trace held NaN, where no more frequencies (or bands of them, by likelihood) have
        power than the model has parameters, and, with a floor or knee, where the spectrum can't be
        told from white noise: then β isn't a property of it.

    Raises
    ------
    SettingsError
        If the model or fitting is not known or they don't go together, or the range is empty or
        holds too few frequencies.

    Notes
    -----
    Intervals cover 95 % for Gaussian noise of the fitted form with β up to 1.5
    (benchmarks/results/decision_beta.md): they count that neighbouring estimates share frames,
    and what least squares and leakage shift. Where the spectrum misfits its model beyond the 99 %
    point of χ², errors and intervals are widened. Telegraphs with a few long dwells aren't
    Gaussian, and scatter more than that tells. Of spectra that aren't those of
    `estimators.power_spectrum`, only ``dof`` is known: estimates count as independent, and least
    squares take their errors from the scatter about the line, by Student's t.

    Least squares of logarithms fit the mean of ln S. With ν degrees of freedom it lies
    ln(ν/2) − ψ(ν/2) below the logarithm of the mean: 0.577 for a periodogram, so that
    ``amplitude`` is 0.56 times the density there. β changes only where ν does: by about −0.01 for
    ``log_welch`` at 10,000 frames. The likelihood is free of both.
    """
    fitting = _fitting_of(model, fitting)
    n_least = 1 + (min(MODELS.values()) if model == AUTO else MODELS[model])
    chosen = _chosen(spectrum.freqs_hz, f_range_hz, n_least)
    sampling = sampling_of(spectrum, chosen)
    powers = _band_powers(sampling, spectrum.psd, chosen)
    # least squares have errors of their own; whether the model fits the likelihood tells
    found = _likelihoods(sampling, powers, model, fitting == "whittle", n_threads)
    freqs_hz = spectrum.freqs_hz[chosen]
    if fitting == "whittle":
        beta, stderr, intervals = found.parameters[:, BETA], found.beta_stderr, found.beta_ci95
        amplitude, floor, knee_hz = in_hertz(sampling, found.parameters, spectrum.dt_s)
    else:
        beta, scatter, amplitude, n_points = _least_squares(np.log(freqs_hz), spectrum.psd, chosen)
        stderr, intervals = _slope_uncertainty(sampling, beta, scatter, n_points, found)
        floor = knee_hz = np.where(np.isnan(beta), np.nan, 0.0)
    names = [*MODELS, ""]  # −1: none
    numbers = np.where(np.isnan(beta), -1, found.model if fitting == "whittle" else 0)
    return PowerLawFit(
        beta=beta,
        beta_stderr=stderr,
        beta_ci95=intervals,
        amplitude=amplitude,
        floor=floor,
        knee_hz=knee_hz,
        f_range_hz=(float(freqs_hz[0]), float(freqs_hz[-1])),
        model=model,
        trace_models=tuple(names[number] for number in numbers.tolist()),
        fitting=fitting,
        reduced_chi2=found.reduced_chi2,
        p_value=found.p_value,
    )


def _fitting_of(model: str, fitting: str | None) -> str:
    known = (*MODELS, AUTO)
    if model not in known:
        raise SettingsError(f"model '{model}' is not known; choose from {', '.join(known)}")
    if fitting is None:
        return "least_squares" if model == "power_law" else "whittle"
    if fitting not in FITTINGS:
        raise SettingsError(f"fitting '{fitting}' is not known; choose from {', '.join(FITTINGS)}")
    if fitting == "least_squares" and model != "power_law":
        raise SettingsError(
            f"fitting 'least_squares' is for model 'power_law', not '{model}'; choose 'whittle'"
        )
    return fitting


def _chosen(
    freqs_hz: np.ndarray, f_range_hz: tuple[float | None, float | None] | None, n_least: int
) -> slice:
    low, high = f_range_hz or (None, None)
    low, high = 0.0 if low is None else low, np.inf if high is None else high
    if low >= high:
        raise SettingsError(
            f"the fit range must rise, got {low:g} to {high:g} Hz; exchange its ends"
        )
    start, stop = np.searchsorted(freqs_hz, low), np.searchsorted(freqs_hz, high, side="right")
    if stop - start < n_least:
        raise SettingsError(
            f"the fit range {low:g} to {high:g} Hz holds {stop - start} frequencies of the "
            f"spectrum, but {n_least} are needed; the spectrum has {len(freqs_hz)}, from "
            f"{freqs_hz[0]:.4g} to {freqs_hz[-1]:.4g} Hz: widen the range or record longer"
        )
    return slice(int(start), int(stop))


def _band_powers(sampling: Sampling, psd: Any, chosen: slice) -> np.ndarray:
    """Return the band means of every trace, on the host."""
    powers = np.empty((psd.shape[0], len(sampling.bands.starts)))
    for start in range(0, len(powers), _TRACES_AT_ONCE):
        part = psd[start : start + _TRACES_AT_ONCE, chosen]
        part = xp_of(part).asnumpy(part) if is_on_device(part) else part
        powers[start : start + _TRACES_AT_ONCE] = sampling.bands.powers(part)
    return powers


def _likelihoods(
    sampling: Sampling,
    powers: np.ndarray,
    model: str,
    with_intervals: bool,
    n_threads: int | None,
) -> LikelihoodFit:
    """Fit every trace by itself, some at once: the blocks, not the threads, settle every bit."""
    fit = LikelihoodFit.nowhere(len(powers))

    def fill(start: int) -> None:
        rows = np.arange(start, min(start + _TRACES_AT_ONCE, len(powers)))
        fit.put(rows, fit_by_likelihood(sampling, powers[rows], model, with_intervals))

    n_threads = n_threads or n_cores()
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(fill, range(0, len(powers), _TRACES_AT_ONCE)))
    return fit


def _slope_uncertainty(
    sampling: Sampling,
    beta: np.ndarray,
    scatter: np.ndarray,
    n_points: np.ndarray,
    found: LikelihoodFit,
) -> tuple[np.ndarray, np.ndarray]:
    """Return standard errors and intervals of least squares' β.

    Parameters
    ----------
    scatter : ndarray, shape (n_traces,)
        Standard errors from the scatter about the line, for estimates that are independent.
    """
    if not sampling.is_known:
        half_width = scatter * _student_t_975(n_points - MODELS["power_law"])
        return scatter, np.stack([beta - half_width, beta + half_width], axis=1)
    errors = slope_errors(sampling)
    widening = np.where(np.isnan(found.widening), 1.0, found.widening)
    return errors.stderr(beta) * widening, errors.intervals(beta, widening)


def _least_squares(
    ln_f: np.ndarray, psd: Any, chosen: slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if is_on_device(psd):
        return device.power_law_fit(psd, ln_f, chosen.start)
    return _ordinary_least_squares(ln_f, psd[:, chosen])


def _ordinary_least_squares(
    ln_f: np.ndarray, psd: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return β, its standard error, the amplitude and the number of points of every trace."""
    has_power = psd > 0
    n_points = has_power.sum(axis=1)
    n = np.where(n_points >= 3, n_points, np.nan)[:, None]
    y = np.log(psd, where=has_power, out=np.zeros_like(psd))
    x = np.where(has_power, ln_f, 0.0)
    x_mean, y_mean = x.sum(axis=1, keepdims=True) / n, y.sum(axis=1, keepdims=True) / n
    dx, dy = np.where(has_power, x - x_mean, 0.0), np.where(has_power, y - y_mean, 0.0)
    spread = (dx**2).sum(axis=1)
    # a trace with too few points has NaN for n, and stays NaN without dividing by 0
    spread = np.where(n_points >= 3, spread, np.nan)
    slope = (dx * dy).sum(axis=1) / spread
    residual = dy - slope[:, None] * dx
    variance = (residual**2).sum(axis=1) / (n[:, 0] - 2)
    amplitude = np.exp(y_mean[:, 0] - slope * x_mean[:, 0])
    return -slope, np.sqrt(variance / spread), amplitude, n_points


def _student_t_975(dof: np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    return stdtrit(np.where(dof >= 1, dof, np.nan), 0.975)
