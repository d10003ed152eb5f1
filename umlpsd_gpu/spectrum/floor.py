"""The model with a white floor, A·f^(−β) + C, fitted by Whittle's likelihood.

An averaged estimate P of a density S is S·χ²_ν/ν, so that twice the negative log-likelihood is
the deviance Σ ν·(P/S − 1 − ln(P/S)): a sum of squares, which MINPACK minimises. P. Whittle,
Ark. Mat. 2, 423 (1953) [L]; the choice for this method is ours [I].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_N_LEAST = 4
_CONVERGED = (1, 2, 3, 4)  # of MINPACK's answers
_MAX_CALLS = 100  # fits that mean something take 5 to 30; on white noise C and β drift on forever


def fit_with_floor(
    freqs_hz: np.ndarray, psd: np.ndarray, dof: np.ndarray
) -> tuple[float, float, float, float]:
    """Fit one spectrum with a floor where it shows one.

    Parameters
    ----------
    freqs_hz, psd, dof : ndarray, shape (n_freqs,)
        Frequencies without power are left out.

    Returns
    -------
    beta, beta_stderr, amplitude, floor : float
        Without a floor that the spectrum speaks for, A·f^(−β) is fitted alone and the floor is 0.
        All NaN with fewer than 4 points.

    Notes
    -----
    Standard errors come from the expected information times the dispersion found (Pearson's), so
    that a spectrum that isn't quite of this form gets a wider one.

    Pure power laws and white noise hold no information about C, and the fit drifts off. A floor is
    kept where it lowers the deviance by 2 ln n_freqs times the dispersion and leaves a β of at
    least 4 standard errors: twice Schwarz's penalty and twice the usual 2, because neighbours of
    ``log_welch`` aren't independent (what this finds: benchmarks/results/spectrum_accuracy.md).
    """
    has_power = psd > 0
    if has_power.sum() < _N_LEAST:
        return (np.nan,) * 4
    ln_f = np.log(freqs_hz[has_power])
    centre = ln_f.mean()
    data = _Whittle(ln_f - centre, np.log(psd[has_power]), dof[has_power])
    line_and_floor = data.guess()
    fitted, deviance = data.minimised(line_and_floor[:2])
    with_floor, deviance_with_floor = data.minimised(line_and_floor)
    gain = deviance - deviance_with_floor
    if gain > data.penalty(with_floor) and with_floor[1] > 4 * data.beta_stderr(with_floor):
        fitted = with_floor
    ln_amplitude = fitted[0] + fitted[1] * centre
    floor = np.exp(fitted[2]) if len(fitted) == 3 else 0.0
    return fitted[1], data.beta_stderr(fitted), np.exp(ln_amplitude), floor


@dataclass(frozen=True)
class _Whittle:
    """One spectrum and its likelihood.

    Parameters of the model are ln A at the mean of ln f, β, and, where there is a floor, ln C.

    Attributes
    ----------
    x, ln_p, dof : ndarray, shape (n_freqs,)
        ln f less its mean, ln of the estimates, degrees of freedom.
    """

    x: np.ndarray
    ln_p: np.ndarray
    dof: np.ndarray

    def guess(self) -> np.ndarray:
        """Return a line through the lower half of the decades and the median of the last tenth."""
        lower = self.x <= max((self.x[0] + self.x[-1]) / 2, self.x[2])
        slope, ln_a = np.polyfit(self.x[lower], self.ln_p[lower], 1)
        n_last = max(3, len(self.x) // 10)
        return np.array([ln_a, -slope, np.median(self.ln_p[-n_last:])])

    def minimised(self, start: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the parameters of least deviance and that; infinite where none were found."""
        from scipy.optimize import leastsq

        found, _, info, _, status = leastsq(
            self.residuals, start, Dfun=self.derivatives, full_output=True, maxfev=_MAX_CALLS
        )
        return found, float(info["fvec"] @ info["fvec"]) if status in _CONVERGED else np.inf

    def residuals(self, parameters: np.ndarray) -> np.ndarray:
        return _signed_root(self.ln_p - self.ln_density(parameters), self.dof)[0]

    def derivatives(self, parameters: np.ndarray) -> np.ndarray:
        slope = _signed_root(self.ln_p - self.ln_density(parameters), self.dof)[1]
        return -slope[:, None] * self.gradient(parameters)

    def ln_density(self, parameters: np.ndarray) -> np.ndarray:
        line = parameters[0] - parameters[1] * self.x
        return line if len(parameters) == 2 else np.logaddexp(line, parameters[2])

    def gradient(self, parameters: np.ndarray) -> np.ndarray:
        """Return ∂ ln S / ∂ parameters; (n_freqs, n_parameters)."""
        if len(parameters) == 2:
            return np.stack([np.ones_like(self.x), -self.x], axis=1)
        line = parameters[0] - parameters[1] * self.x
        share = np.exp(line - self.ln_density(parameters))
        return np.stack([share, -self.x * share, 1 - share], axis=1)

    def dispersion(self, parameters: np.ndarray) -> float:
        """Return Pearson's χ² per degree of freedom; 1 for independent estimates of the model."""
        misfit = np.expm1(self.ln_p - self.ln_density(parameters))
        return float((self.dof / 2 * misfit**2).sum() / (len(self.x) - len(parameters)))

    def penalty(self, parameters: np.ndarray) -> float:
        """Return the fall of the deviance that a floor has to bring."""
        return 2 * np.log(len(self.x)) * self.dispersion(parameters)

    def beta_stderr(self, parameters: np.ndarray) -> float:
        weighted = np.sqrt(self.dof / 2)[:, None] * self.gradient(parameters)
        covariance = np.linalg.pinv(weighted.T @ weighted) * self.dispersion(parameters)
        return float(np.sqrt(covariance[1, 1]))


def _signed_root(excess: np.ndarray, dof: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the signed root r(u) of ν·(e^u − 1 − u) at u = ln(P/S), and its slope dr/du."""
    near = np.abs(excess) < 1e-4  # e^u − 1 − u cancels there: the first terms of its series
    u = np.where(near, 1.0, np.minimum(excess, 300.0))
    rise = np.expm1(u)
    root = np.sign(u) * np.sqrt(dof * (rise - u))
    scale = np.sqrt(dof / 2)
    return (
        np.where(near, scale * excess * (1 + excess / 6), root),
        np.where(near, scale * (1 + excess / 3), dof * rise / (2 * root)),
    )
