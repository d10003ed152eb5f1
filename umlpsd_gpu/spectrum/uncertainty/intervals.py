"""How sure the most likely parameters are: standard errors and intervals of β.

Neighbouring estimates share frames and leaked power, so that the inverse of Fisher's information
H alone is not the covariance: that is H⁻¹ J H⁻¹ ("sandwich"), J the covariance of the slope of the
likelihood. Intervals come from the likelihood itself, which isn't symmetric where a floor or a knee
is uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.spectrum.models import (
    BETA,
    BETA_LIMITS,
    FLOOR,
    KNEE,
    MODELS,
    N_PARAMETERS,
    expected_with_gradient,
    leaking_share,
    with_beta,
)
from umlpsd_gpu.spectrum.uncertainty.sampling import LEAKAGE_BETAS, Sampling
from umlpsd_gpu.spectrum.uncertainty.whittle import Estimates, climbed, information

NORMAL_975 = 1.959963984540054
_MOST_STEPS = 12
_NEAR_ENOUGH = 0.01  # of a standard error, at the end of an interval
_LARGEST_STRIDE = 2.5


@dataclass(frozen=True)
class Errors:
    """Of the most likely parameters of each trace.

    Attributes
    ----------
    beta_stderr : ndarray, shape (n_traces,)
    widening : ndarray, shape (n_traces,)
        ``beta_stderr`` over that of independent estimates.
    """

    beta_stderr: np.ndarray
    widening: np.ndarray

    def widened(self, factor: np.ndarray) -> Errors:
        """Return errors so many times as large."""
        return Errors(self.beta_stderr * factor, self.widening * factor)


def is_fitted(parameters: np.ndarray, model: str) -> np.ndarray:
    """Return which parameters were found inside their bounds; (n_traces, n_parameters)."""
    fitted = np.broadcast_to(np.arange(N_PARAMETERS) < MODELS[model], parameters.shape).copy()
    for bounded in (FLOOR, KNEE):
        fitted[:, bounded] &= parameters[:, bounded] > 0
    return fitted


def errors_of(
    sampling: Sampling, estimates: Estimates, parameters: np.ndarray, model: str
) -> Errors:
    """Return the standard errors of β with all other parameters free but those at their bounds."""
    fitted = is_fitted(parameters, model)
    means, gradient = expected_with_gradient(sampling, parameters, bool(fitted[:, KNEE].any()))
    found = information(gradient, estimates.weights, fitted)
    weighted = gradient * fitted[:, None] * estimates.weights[..., None]
    scatter = quadratic_forms(sampling, parameters, means, weighted)
    inverse = np.linalg.pinv(found, hermitian=True)
    covariance = inverse @ scatter @ inverse
    variance, naive = covariance[:, BETA, BETA], inverse[:, BETA, BETA]
    return Errors(np.sqrt(variance), np.sqrt(variance / naive))


def quadratic_forms(
    sampling: Sampling, parameters: np.ndarray, means: np.ndarray, vectors: np.ndarray
) -> np.ndarray:
    """Return vᵀ V v with the covariance V of each trace's band means, relative to their means.

    Parameters
    ----------
    means : ndarray, shape (n_traces, n_bands)
        `models.expected` of the parameters.
    vectors : ndarray, shape (n_traces, n_bands, n_vectors)

    Returns
    -------
    ndarray, shape (n_traces, n_vectors, n_vectors)
    """
    found = np.swapaxes(vectors, 1, 2) @ (sampling.covariance @ vectors)
    beta = np.clip(parameters[:, BETA], LEAKAGE_BETAS[0], LEAKAGE_BETAS[-1])
    place = np.interp(beta, LEAKAGE_BETAS, np.arange(len(LEAKAGE_BETAS)))
    leaking = leaking_share(sampling, parameters, means)[..., None] * vectors
    for node, excess in enumerate(sampling.excess):
        if not excess.any():
            continue
        share = np.maximum(1 - np.abs(place - node), 0)
        near = np.flatnonzero(share)
        added = np.swapaxes(leaking[near], 1, 2) @ (excess @ leaking[near])
        found[near] += share[near, None, None] * added
    return found


def likelihood_intervals(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    model: str,
    errors: Errors,
) -> np.ndarray:
    """Return where the likelihood of β has fallen as far as at 1.96 standard errors.

    The other parameters follow β. An end that isn't met within `models.BETA_LIMITS` is infinite.

    Returns
    -------
    ndarray, shape (n_traces, 2)
    """
    ends = [_end(sampling, estimates, parameters, model, errors, sign) for sign in (-1, 1)]
    return np.stack(ends, axis=1)


def _end(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    model: str,
    errors: Errors,
    sign: int,
) -> np.ndarray:
    """Follow β away from its estimate, by strides that shrink with what is left to fall."""
    is_free = np.arange(N_PARAMETERS) < MODELS[model]
    is_free[BETA] = False
    best, peak = parameters[:, BETA], estimates.deviance(sampling, parameters)
    limit = BETA_LIMITS[(sign + 1) // 2]
    away = np.minimum(NORMAL_975 * errors.beta_stderr, np.abs(limit - best))
    end = np.full(len(best), sign * np.inf)
    trial = parameters.copy()
    moving = np.flatnonzero(np.isfinite(away) & (away > 0))
    for _ in range(_MOST_STEPS):
        trial[moving] = with_beta(trial[moving], best[moving] + sign * away[moving])
        here = estimates.of_traces(moving)
        trial[moving] = climbed(sampling, here, trial[moving], is_free)
        fall = np.maximum(here.deviance(sampling, trial[moving]) - peak[moving], 1e-12)
        stride = NORMAL_975 * errors.widening[moving] / np.sqrt(fall)
        at_limit = np.abs(limit - best[moving]) <= away[moving]
        met = np.abs(stride - 1) * NORMAL_975 < _NEAR_ENOUGH
        done = met | (at_limit & (stride > 1))
        end[moving[met]] = trial[moving[met], BETA]
        away[moving] *= np.clip(stride, 1 / _LARGEST_STRIDE, _LARGEST_STRIDE)
        away[moving] = np.minimum(away[moving], np.abs(limit - best[moving]))
        moving = moving[~done]
        if not len(moving):
            break
    end[moving] = best[moving] + sign * away[moving]
    return end
