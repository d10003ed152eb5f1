"""Spectrum → PowerLawFit: the exponent β of every trace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, n_cores, xp_of
from umlpsd_gpu.compute.current_device import on_device_of_first
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.keywords import whole_number
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.models import BETA, MODELS, to_hertz
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum
from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling, sampling_of
from umlpsd_gpu.spectrum.uncertainty.slope import slope_errors
from umlpsd_gpu.spectrum.whittle_fit import AUTO, LikelihoodFit, fit_by_likelihood

FITTINGS = ("least_squares", "whittle")
_TRACES_AT_ONCE = 256


@on_device_of_first
def fit_power_law(
    spectrum: Spectrum,
    f_range_hz: tuple[float | None, float | None] | None = None,
    model: str = "power_law",
    fitting: str | None = None,
    n_threads: int | None = None,
) -> PowerLawFit:
    """Fit a power law, optionally with a floor and a knee, to the spectrum of every trace.

    Parameters
    ----------
    spectrum : Spectrum
        With ``psd`` as a NumPy or CuPy array. Least squares on a CuPy array run on the GPU; for
        everything else it is copied to the host.
    f_range_hz : (low, high), optional
        Frequencies to fit, Hz, both ends included. None, for one end or both, means no limit.
        `ranges.trusted_range_hz` gives the range in which the estimator can be trusted.
    model : {"power_law", "power_law_floor", "power_law_knee", "auto"}
        A·f^(−β) [P]; A·f^(−β) + C with a white (shot-noise) floor; or A/(f^β + f_k^β) + C, constant
        below a knee, which is the Lorentzian of a telegraph signal at β = 2. C and f_k are not
        negative. ``auto`` selects the model of least AICc for each trace.
    fitting : {"least_squares", "whittle"}, optional
        ``least_squares`` of ln S on ln f [P, M], all frequencies with equal weight; only for
        ``power_law``, and its default. ``whittle``: maximum likelihood, corrected for leakage
        through the windows.
    n_threads : int, optional
        Default: all cores. The result does not depend on it.

    Returns
    -------
    PowerLawFit
        Always NumPy arrays. Frequencies at which a trace has no power (0) are left out of its fit.
        NaN for a trace that contains NaN; for one with no more frequencies (for ``whittle``: bands)
        with power than the model has parameters; and, for a model with a floor or knee, for one
        whose spectrum cannot be distinguished from white noise, since β is then undefined.

    Raises
    ------
    SettingsError
        If the model or fitting is unknown, if they cannot be combined, or if the range is empty or
        contains too few frequencies.

    Notes
    -----
    Intervals cover 95 % for Gaussian noise of the fitted form with β up to 1.5
    (benchmarks/results/decision_beta.md). They include that neighbouring estimates share frames,
    and the bias of least squares and of leakage. Where χ² exceeds its 99 % point, errors and
    intervals are widened. Telegraph signals with few long dwells are not Gaussian and scatter more
    than this. For a spectrum that was not made by `estimators.power_spectrum` only ``dof`` is
    known: estimates are treated as independent, and errors of least squares follow from the scatter
    about the line, with Student's t.

    Least squares of logarithms fit the mean of ln S. With ν degrees of freedom it is ln(ν/2) −
    ψ(ν/2) below the logarithm of the mean: 0.577 for a periodogram, so that ``amplitude`` is 0.56
    times the density there. β is affected only where ν changes with frequency: by about −0.01 for
    ``log_welch`` at 10,000 frames. The likelihood has neither bias.

    Examples
    --------
    >>> from umlpsd_gpu import fit_power_law, power_spectrum
    >>> from umlpsd_gpu.simulate.models import simulate_power_law_noise
    >>> traces = simulate_power_law_noise(1.2, n_traces=5, n_frames=4000)
    >>> fit = fit_power_law(power_spectrum(traces))
    >>> fit.beta.round(2)
    array([1.24, 1.14, 1.28, 1.2 , 1.2 ])
    """
    n_threads = None if n_threads is None else whole_number("n_threads", n_threads, 1)
    fitting = _fitting_of(model, fitting)
    n_least = 1 + (min(MODELS.values()) if model == AUTO else MODELS[model])
    chosen = _select_frequencies(spectrum.freqs_hz, f_range_hz, n_least)
    sampling = sampling_of(spectrum, chosen)
    powers = _band_powers(sampling, spectrum.psd, chosen)
    # least squares have their own errors; goodness of fit always comes from the likelihood
    likelihood = _fit_likelihoods(sampling, powers, model, fitting == "whittle", n_threads)
    freqs_hz = spectrum.freqs_hz[chosen]
    if fitting == "whittle":
        beta, stderr, intervals = (
            likelihood.parameters[:, BETA],
            likelihood.beta_stderr,
            likelihood.beta_ci95,
        )
        amplitude, floor, knee_hz = to_hertz(sampling, likelihood.parameters, spectrum.dt_s)
    else:
        beta, scatter, amplitude, n_points = _least_squares(np.log(freqs_hz), spectrum.psd, chosen)
        stderr, intervals = _slope_uncertainty(sampling, beta, scatter, n_points, likelihood)
        floor = knee_hz = np.where(np.isnan(beta), np.nan, 0.0)
    names = [*MODELS, ""]  # −1: none
    numbers = np.where(np.isnan(beta), -1, likelihood.model if fitting == "whittle" else 0)
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
        reduced_chi2=likelihood.reduced_chi2,
        p_value=likelihood.p_value,
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


def _select_frequencies(
    freqs_hz: np.ndarray, f_range_hz: tuple[float | None, float | None] | None, n_least: int
) -> slice:
    try:
        low, high = f_range_hz or (None, None)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"f_range_hz needs two frequencies (low, high) in Hz, either may be None, got "
            f"{f_range_hz}"
        ) from error
    low, high = 0.0 if low is None else low, np.inf if high is None else high
    if low >= high:
        raise SettingsError(
            f"the fit range must be in rising order, got {low:g} to {high:g} Hz; swap its ends"
        )
    start, stop = np.searchsorted(freqs_hz, low), np.searchsorted(freqs_hz, high, side="right")
    if stop - start < n_least:
        raise SettingsError(
            f"the fit range {low:g} to {high:g} Hz contains {stop - start} frequencies of the "
            f"spectrum, but {n_least} are needed; the spectrum has {len(freqs_hz)}, from "
            f"{freqs_hz[0]:.4g} to {freqs_hz[-1]:.4g} Hz: widen the range or record longer"
        )
    return slice(int(start), int(stop))


def _band_powers(sampling: Sampling, psd: Array, chosen: slice) -> np.ndarray:
    """Return the band means of every trace as a NumPy array."""
    powers = np.empty((psd.shape[0], len(sampling.bands.starts)))
    for start in range(0, len(powers), _TRACES_AT_ONCE):
        part = psd[start : start + _TRACES_AT_ONCE, chosen]
        part = xp_of(part).asnumpy(part) if is_on_device(part) else part
        powers[start : start + _TRACES_AT_ONCE] = sampling.bands.powers(part)
    return powers


def _fit_likelihoods(
    sampling: Sampling,
    powers: np.ndarray,
    model: str,
    with_intervals: bool,
    n_threads: int | None,
) -> LikelihoodFit:
    """Fit blocks of traces; the blocks do not depend on the threads, so neither does any bit."""
    fit = LikelihoodFit.empty(len(powers))

    def fill(start: int) -> None:
        rows = np.arange(start, min(start + _TRACES_AT_ONCE, len(powers)))
        fit.fill(rows, fit_by_likelihood(sampling, powers[rows], model, with_intervals))

    n_threads = n_threads or n_cores()
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(fill, range(0, len(powers), _TRACES_AT_ONCE)))
    return fit


def _slope_uncertainty(
    sampling: Sampling,
    beta: np.ndarray,
    scatter: np.ndarray,
    n_points: np.ndarray,
    likelihood: LikelihoodFit,
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
    widening = np.where(np.isnan(likelihood.widening), 1.0, likelihood.widening)
    return errors.stderr(beta) * widening, errors.intervals(beta, widening)


def _least_squares(
    ln_f: np.ndarray, psd: Array, chosen: slice
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

    quantile: np.ndarray = stdtrit(np.where(dof >= 1, dof, np.nan), 0.975)
    return quantile
