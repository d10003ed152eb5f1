"""Uncertainty of a log-log slope: corrects what least squares assume about the estimates.

The slope β̂ = Σ c ln P is linear in the logarithms, so that its mean m(β) and standard deviation
s(β) for f^(−β) noise follow from those of the estimates (`sampling`). The interval contains every β
for which the fitted slope is not exceptional: |β̂ − m(β)| ≤ 1.96 s(β).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from umlpsd_gpu.spectrum.uncertainty.covariance import log_covariance
from umlpsd_gpu.spectrum.uncertainty.intervals import NORMAL_975
from umlpsd_gpu.spectrum.uncertainty.sampling import LEAKAGE_BETAS, Sampling

_BETAS = np.arange(-2.0, 4.001, 0.02)


@dataclass(frozen=True)
class SlopeErrors:
    """Mean and standard deviation of the fitted slope of f^(−β) noise, for β with a rising mean.

    Attributes
    ----------
    betas, means, deviations : ndarray, shape (n_betas,)
    """

    betas: np.ndarray
    means: np.ndarray
    deviations: np.ndarray

    def stderr(self, slopes: np.ndarray) -> np.ndarray:
        """Return the standard error of fitted slopes.

        Parameters
        ----------
        slopes : ndarray, shape (n_traces,)
            May be NaN.

        Returns
        -------
        ndarray, shape (n_traces,)
            Standard deviation for noise whose mean slope is the fitted one.
        """
        errors: np.ndarray = np.interp(slopes, self.means, self.deviations)
        return errors

    def intervals(self, slopes: np.ndarray, widening: np.ndarray) -> np.ndarray:
        """Return the 95 % intervals of β.

        Parameters
        ----------
        slopes : ndarray, shape (n_traces,)
            Fitted slopes; may be NaN.
        widening : ndarray, shape (n_traces,)
            Factor by which the intervals are widened.

        Returns
        -------
        ndarray, shape (n_traces, 2)
            An upper end is infinite where steeper noise of any β has slopes like the fitted one.
        """
        half = NORMAL_975 * widening[:, None] * self.deviations
        lower = _find_crossing(self.betas, self.means + half, slopes, never=self.betas[-1])
        upper = _find_crossing(self.betas, self.means - half, slopes, never=np.inf)
        return np.stack([lower, upper], axis=1)


def _find_crossing(
    betas: np.ndarray, curves: np.ndarray, levels: np.ndarray, never: float
) -> np.ndarray:
    """Return the β at which each curve first reaches its level; (n_traces,).

    Below the first β the curves continue with slope 1.
    """
    reached = curves >= levels[:, None]
    after = reached.argmax(axis=1)
    rows = np.arange(len(levels))
    high, low = curves[rows, after], curves[rows, np.maximum(after - 1, 0)]
    step = np.where(high > low, high - low, 1.0)
    found = betas[after] - (high - levels) / step * (betas[1] - betas[0])
    found = np.where(after == 0, betas[0] - (high - levels), found)
    found = np.where(reached.any(axis=1), found, never)
    return np.where(np.isnan(levels), np.nan, found)


@lru_cache(maxsize=8)
def slope_errors(sampling: Sampling) -> SlopeErrors:
    """Calculate mean and standard deviation of the slope for one estimator and fit range.

    Parameters
    ----------
    sampling : Sampling

    Returns
    -------
    SlopeErrors
    """
    from scipy.special import digamma

    ln_f = np.log(sampling.freqs)
    centred = ln_f - ln_f.mean()
    slope = -centred / (centred @ centred)
    half_dof = 1 / sampling.of_freqs.diagonal()
    bands = sampling.bands
    means = np.empty(len(_BETAS))
    for i, beta in enumerate(_BETAS.tolist()):
        seen = sampling.response @ sampling.nodes**-beta
        ln_gain = np.log(seen / bands.means(sampling.freqs**-beta))[bands.owner]
        means[i] = slope @ (ln_gain - beta * ln_f + digamma(half_dof) - np.log(half_dof))
    of_bands = np.add.reduceat(slope, bands.starts)
    own = slope @ (log_covariance(sampling.of_freqs) @ slope)
    added = np.einsum("b,kbc,c->k", of_bands, sampling.excess, of_bands)
    deviations = np.sqrt(own + np.interp(_BETAS, LEAKAGE_BETAS, added))
    # noise steeper than this leaks so much that the fitted slope falls again
    rising = slice(0, int(means.argmax()) + 1)
    return SlopeErrors(_BETAS[rising], means[rising], deviations[rising])
