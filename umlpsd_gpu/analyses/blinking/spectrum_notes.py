"""Notes about the exponents: missing ones, lower bounds, and spectra that no model describes."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.spectrum.lines import SpectralLine
from umlpsd_gpu.spectrum.result import PowerLawFit

# Spectra that fit their model fall below this p-value once in a hundred
MISFIT = 0.01
# Leakage through the windows hides slopes from here on; Hann windows of welch leak far less
STEEPEST, LEAKING = 2.0, ("log_welch", "periodogram")
# From here on a slope may be a hidden steeper one where the model does not fit
DOUBTFUL = 1.7


def list_spectrum_notes(
    fit: PowerLawFit, usable: np.ndarray, method: str, line: SpectralLine | None = None
) -> list[str]:
    """Return notes about the fits of the clustered traces.

    Parameters
    ----------
    fit : PowerLawFit
    usable : ndarray, shape (n_traces,), bool
        Traces that were clustered.
    method : str
        Estimator of the spectra.
    line : SpectralLine, optional
        A line that stands out; a note of its own tells it.

    Returns
    -------
    list of str
    """
    line = line if line is not None and line.is_common else None
    return [
        *_note_without_beta(fit.beta[usable]),
        *_note_bounds(fit, usable, method, line),
        *_note_misfits(fit, usable, method, line),
    ]


def _note_without_beta(beta: np.ndarray) -> list[str]:
    """Return a note on clustered traces whose exponent is not finite."""
    n_nan = np.count_nonzero(~np.isfinite(beta))
    return [f"{n_nan} of {beta.size} clustered traces have no exponent β."] if n_nan else []


def _note_bounds(
    fit: PowerLawFit, usable: np.ndarray, method: str, line: SpectralLine | None
) -> list[str]:
    """Return a note if most exponents are only bounds, as the estimator can't show steeper ones."""
    n_bounds = np.count_nonzero(_is_bound(fit, usable, method))
    if line is not None or 2 * n_bounds <= np.count_nonzero(np.isfinite(fit.beta[usable])):
        return []
    if method in LEAKING:
        why = f"{method} can't show slopes much steeper than {STEEPEST:g}, because of leakage"
        advice = "Compare with --psd welch, which leaks less."
    else:
        why = "the interval has no upper end"
        advice = "Fit a wider range of frequencies, or record longer."
    return [
        f"β is only a lower bound for {n_bounds} of {np.count_nonzero(usable)} traces: {why}. "
        f"{advice}"
    ]


def _is_bound(fit: PowerLawFit, usable: np.ndarray, method: str) -> np.ndarray:
    beta, high = fit.beta[usable], fit.beta_ci95[usable, 1]
    is_steep = (beta >= STEEPEST) & (method in LEAKING)
    # the interval of a spectrum of another form is widened, which is no bound
    is_open = np.isposinf(high) & ~(fit.p_value[usable] < MISFIT)
    bound: np.ndarray = np.isfinite(beta) & (is_open | is_steep)
    return bound


def _note_misfits(
    fit: PowerLawFit, usable: np.ndarray, method: str, line: SpectralLine | None
) -> list[str]:
    """Return a note if most spectra differ from the model that was fitted."""
    n_misfits, n = np.count_nonzero(fit.p_value[usable] < MISFIT), np.count_nonzero(usable)
    if 2 * n_misfits <= n:
        return []
    low_hz, high_hz = fit.f_range_hz
    start = f"{n_misfits} of {n} spectra differ from "
    chance = f"by more than chance (p < {MISFIT})"
    if line is not None:
        return [f"{start}their model ({fit.model}) {chance}; a spectral line is one reason."]
    if fit.model != "power_law":
        return [
            f"{start}their model ({fit.model}) {chance}, for example because of steps, a drift or "
            "a peak: no model of S(f) here describes them, so that β is a mean slope at best."
        ]
    steep = ""
    doubtful = _is_bound(fit, usable, method) | (fit.beta[usable] > DOUBTFUL)
    if method in LEAKING and doubtful.mean() > 0.05:
        steep = f" Slopes steeper than {STEEPEST:g} also do this: compare with --psd welch."
    return [
        f"{start}a power law {chance}, for example because of shot noise or a knee; their β is a "
        f"mean slope from {low_hz:.3g} to {high_hz:.3g} Hz. Use --psd-model auto to fit a floor or "
        f"a knee too.{steep}"
    ]
