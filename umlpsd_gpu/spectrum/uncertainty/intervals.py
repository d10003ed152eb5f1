"""Standard errors and confidence intervals of β, from the likelihood.

Neighbouring estimates share frames and leaked power, so the inverse of Fisher's information H is
not the covariance of the parameters. That is H⁻¹ J H⁻¹ ("sandwich estimator"), with J the
covariance of the slope of the likelihood. Intervals follow the likelihood itself, which is
asymmetric where a floor or a knee is uncertain.
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
    replace_beta,
)
from umlpsd_gpu.spectrum.uncertainty.sampling import LEAKAGE_BETAS, Sampling
from umlpsd_gpu.spectrum.uncertainty.whittle import Estimates, information, maximise_likelihood

NORMAL_975 = 1.959963984540054
_MOST_STEPS = 12
_TOLERANCE = 0.01  # of the end of an interval, in standard errors
_LARGEST_STRIDE = 2.5


@dataclass(frozen=True)
class Errors:
    """Errors of the most likely parameters of each trace.

    Attributes
    ----------
    beta_stderr : ndarray, shape (n_traces,)
    widening : ndarray, shape (n_traces,)
        ``beta_stderr`` divided by the error for independent estimates.
    """

    beta_stderr: np.ndarray
    widening: np.ndarray

    def widen(self, factor: np.ndarray) -> Errors:
        """Return these errors multiplied by a factor.

        Parameters
        ----------
        factor : ndarray, shape (n_traces,)

        Returns
        -------
        Errors
        """
        return Errors(self.beta_stderr * factor, self.widening * factor)


def is_fitted(parameters: np.ndarray, model: str) -> np.ndarray:
    """Return which parameters are fitted and inside their bounds.

    Parameters
    ----------
    parameters : ndarray, shape (n_traces, n_parameters)
    model : str
        One of `models.MODELS`.

    Returns
    -------
    ndarray of bool, shape (n_traces, n_parameters)
    """
    fitted = np.broadcast_to(np.arange(N_PARAMETERS) < MODELS[model], parameters.shape).copy()
    for bounded in (FLOOR, KNEE):
        fitted[:, bounded] &= parameters[:, bounded] > 0
    return fitted


def estimate_errors(
    sampling: Sampling, estimates: Estimates, parameters: np.ndarray, model: str
) -> Errors:
    """Return the standard errors of β, with the other parameters free unless they are at a bound.

    Parameters
    ----------
    sampling : Sampling
    estimates : Estimates
    parameters : ndarray, shape (n_traces, n_parameters)
        Of greatest likelihood.
    model : str
        One of `models.MODELS`.

    Returns
    -------
    Errors
    """
    fitted = is_fitted(parameters, model)
    means, gradient = expected_with_gradient(sampling, parameters, bool(fitted[:, KNEE].any()))
    fisher = information(gradient, estimates.weights, fitted)
    weighted = gradient * fitted[:, None] * estimates.weights[..., None]
    scatter = quadratic_forms(sampling, parameters, means, weighted)
    inverse = np.linalg.pinv(fisher, hermitian=True)
    covariance = inverse @ scatter @ inverse
    variance, naive = covariance[:, BETA, BETA], inverse[:, BETA, BETA]
    return Errors(np.sqrt(variance), np.sqrt(variance / naive))


def quadratic_forms(
    sampling: Sampling, parameters: np.ndarray, means: np.ndarray, vectors: np.ndarray
) -> np.ndarray:
    """Return vᵀ V v, with V the relative covariance of the band means of each trace.

    Parameters
    ----------
    sampling : Sampling
    parameters : ndarray, shape (n_traces, n_parameters)
    means : ndarray, shape (n_traces, n_bands)
        `models.expected_means` of the parameters.
    vectors : ndarray, shape (n_traces, n_bands, n_vectors)

    Returns
    -------
    ndarray, shape (n_traces, n_vectors, n_vectors)
    """
    forms: np.ndarray = np.swapaxes(vectors, 1, 2) @ (sampling.covariance @ vectors)
    beta = np.clip(parameters[:, BETA], LEAKAGE_BETAS[0], LEAKAGE_BETAS[-1])
    place = np.interp(beta, LEAKAGE_BETAS, np.arange(len(LEAKAGE_BETAS)))
    leaking = leaking_share(sampling, parameters, means)[..., None] * vectors
    for node, excess in enumerate(sampling.excess):
        if not excess.any():
            continue
        share = np.maximum(1 - np.abs(place - node), 0)
        near = np.flatnonzero(share)
        added = np.swapaxes(leaking[near], 1, 2) @ (excess @ leaking[near])
        forms[near] += share[near, None, None] * added
    return forms


def likelihood_intervals(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    model: str,
    errors: Errors,
) -> np.ndarray:
    """Return the 95 % intervals of β: where the likelihood has fallen as far as at 1.96 errors.

    The other parameters are fitted again for each β.

    Parameters
    ----------
    sampling : Sampling
    estimates : Estimates
    parameters : ndarray, shape (n_traces, n_parameters)
        Of greatest likelihood.
    model : str
        One of `models.MODELS`.
    errors : Errors

    Returns
    -------
    ndarray, shape (n_traces, 2)
        An end is infinite if it is not reached within `models.BETA_LIMITS`.
    """
    ends = [
        _follow_to_end(sampling, estimates, parameters, model, errors, sign) for sign in (-1, 1)
    ]
    return np.stack(ends, axis=1)


def _follow_to_end(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    model: str,
    errors: Errors,
    sign: int,
) -> np.ndarray:
    """Move β away from its estimate, in steps that shrink as the likelihood nears its target."""
    is_free = np.arange(N_PARAMETERS) < MODELS[model]
    is_free[BETA] = False
    best, peak = parameters[:, BETA], estimates.deviance(sampling, parameters)
    limit = BETA_LIMITS[(sign + 1) // 2]
    away = np.minimum(NORMAL_975 * errors.beta_stderr, np.abs(limit - best))
    end = np.full(len(best), sign * np.inf)
    trial = parameters.copy()
    moving = np.flatnonzero(np.isfinite(away) & (away > 0))
    for _ in range(_MOST_STEPS):
        trial[moving] = replace_beta(trial[moving], best[moving] + sign * away[moving])
        here = estimates.of_traces(moving)
        trial[moving] = maximise_likelihood(sampling, here, trial[moving], is_free)
        fall = np.maximum(here.deviance(sampling, trial[moving]) - peak[moving], 1e-12)
        stride = NORMAL_975 * errors.widening[moving] / np.sqrt(fall)
        at_limit = np.abs(limit - best[moving]) <= away[moving]
        met = np.abs(stride - 1) * NORMAL_975 < _TOLERANCE
        done = met | (at_limit & (stride > 1))
        end[moving[met]] = trial[moving[met], BETA]
        away[moving] *= np.clip(stride, 1 / _LARGEST_STRIDE, _LARGEST_STRIDE)
        away[moving] = np.minimum(away[moving], np.abs(limit - best[moving]))
        moving = moving[~done]
        if not len(moving):
            break
    end[moving] = best[moving] + sign * away[moving]
    return end
