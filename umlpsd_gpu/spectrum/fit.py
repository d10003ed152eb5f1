"""Spectrum → PowerLawFit: the exponent β of every trace."""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.backend import is_on_device, xp_of
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.spectrum import device
from umlpsd_gpu.spectrum.floor import fit_with_floor
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum

# model → number of parameters
MODELS = {"power_law": 2, "power_law_floor": 3}


def fit_power_law(
    spectrum: Spectrum,
    f_range_hz: tuple[float | None, float | None] | None = None,
    model: str = "power_law",
) -> PowerLawFit:
    """Fit S(f) = A·f^(−β), or A·f^(−β) + C, to the spectrum of every trace.

    Parameters
    ----------
    spectrum : Spectrum
        Its ``psd`` NumPy's or CuPy's. CuPy's is fitted on the device by the first model, and
        brought down to the host for the second.
    f_range_hz : (low, high), optional
        Both ends are used where they meet a frequency; None on a side, or for both: no limit.
    model : {"power_law", "power_law_floor"}
        ``power_law``: ordinary least squares of ln S on ln f [P, M], every frequency alike, all
        traces at once. ``power_law_floor``: Whittle's likelihood with the χ² degrees of freedom
        of each estimate, C ≥ 0; for spectra that end in shot noise, which pulls β down.

    Returns
    -------
    PowerLawFit
        NumPy arrays in any case. Frequencies without power (0) are left out of a trace's fit;
        with fewer than 3 left (4 with a floor), and where the trace held NaN, the results are NaN.
        ``beta_ci95`` is Student's t interval.

    Raises
    ------
    SettingsError
        If the model is not known, or the range is empty or holds too few frequencies.

    Notes
    -----
    Standard errors come from the scatter about the fit and take frequencies for independent and
    alike. Those of ``log_welch`` are neither: on f^(−β) noise of 10,000 frames the true scatter of
    β is 3.0 times the ``beta_stderr`` of least squares and 2.3 to 3.6 times that of the
    likelihood; ``welch`` 1.4 times, ``periodogram`` 1.1 (benchmarks/results/spectrum_accuracy.md).
    The standard error of <β> over a cluster doesn't use it.

    Least squares of logarithms fit the mean of ln S. With ν degrees of freedom it lies
    ln(ν/2) − ψ(ν/2) below the logarithm of the mean: 0.577 for a periodogram, so that
    ``amplitude`` is 0.56 times the density there. β changes only where ν does: by about −0.01 for
    ``log_welch`` at 10,000 frames. The model with a floor is free of both.
    """
    if model not in MODELS:
        raise SettingsError(f"model '{model}' is not known; choose from {', '.join(MODELS)}")
    chosen = _chosen(spectrum.freqs_hz, f_range_hz, MODELS[model] + 1)
    freqs_hz, psd = spectrum.freqs_hz[chosen], spectrum.psd
    if model == "power_law":
        beta, stderr, amplitude, n_points = _least_squares(np.log(freqs_hz), psd, chosen)
        floor = np.where(np.isnan(beta), np.nan, 0.0)
    else:
        # MINPACK runs on the host
        psd = (xp_of(psd).asnumpy(psd) if is_on_device(psd) else psd)[:, chosen]
        # one BLAS thread: the same bits on machines of any number of cores
        with threadpool_limits(limits=1, user_api="blas"):
            found = [fit_with_floor(freqs_hz, row, spectrum.dof[chosen]) for row in psd]
        beta, stderr, amplitude, floor = np.array(found).reshape(-1, 4).T
        n_points = (psd > 0).sum(axis=1)
    half_width = stderr * _student_t_975(n_points - MODELS[model])
    return PowerLawFit(
        beta=beta,
        beta_stderr=stderr,
        beta_ci95=np.stack([beta - half_width, beta + half_width], axis=1),
        amplitude=amplitude,
        floor=floor,
        f_range_hz=(float(freqs_hz[0]), float(freqs_hz[-1])),
        model=model,
    )


def _chosen(
    freqs_hz: np.ndarray, f_range_hz: tuple[float | None, float | None] | None, n_least: int
) -> np.ndarray:
    low, high = f_range_hz or (None, None)
    low, high = 0.0 if low is None else low, np.inf if high is None else high
    if low >= high:
        raise SettingsError(
            f"the fit range must rise, got {low:g} to {high:g} Hz; exchange its ends"
        )
    chosen = (freqs_hz >= low) & (freqs_hz <= high)
    if chosen.sum() < n_least:
        raise SettingsError(
            f"the fit range {low:g} to {high:g} Hz holds {chosen.sum()} frequencies of the "
            f"spectrum, but {n_least} are needed; the spectrum has {len(freqs_hz)}, from "
            f"{freqs_hz[0]:.4g} to {freqs_hz[-1]:.4g} Hz: widen the range or record longer"
        )
    return chosen


def _least_squares(
    ln_f: np.ndarray, psd: Any, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if is_on_device(psd):
        # frequencies rise: those of a range are neighbours
        return device.power_law_fit(psd, ln_f, int(chosen.argmax()))
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
