"""Choose between models, and the confidence interval of β that allows for that choice.

The criterion is Akaike's: a superfluous floor only widens the interval of β, whereas a missing one
biases β, so Schwarz's larger penalty would be wrong here. An interval of the chosen model alone
would ignore that the choice is uncertain. The averaged interval leaves 2.5 % on either side of all
models, each weighted by e^(−AICc/2) ("model-averaged tail area", Turek & Fletcher, Comput. Stat.
Data Anal. 56, 2809, 2012 [L]).
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.spectrum.models import BETA_LIMITS
from umlpsd_gpu.spectrum.uncertainty.intervals import NORMAL_975

_TAIL = 0.025
_N_BISECTIONS = 40


def aicc(
    deviance: np.ndarray, n_fitted: np.ndarray, n_data: np.ndarray, dispersion: np.ndarray
) -> np.ndarray:
    """Return Akaike's criterion, corrected for few data after Hurvich & Tsai.

    Parameters
    ----------
    deviance : ndarray, shape (n_traces,)
        Twice the negative log-likelihood.
    n_fitted : ndarray, shape (n_traces,)
        Number of parameters inside their bounds.
    n_data : ndarray, shape (n_traces,)
        Number of independent estimates: half the degrees of freedom of the spectrum.
    dispersion : ndarray, shape (n_traces,)
        Variance of the estimates over that of Gaussian noise.

    Returns
    -------
    ndarray, shape (n_traces,)

    Notes
    -----
    C. M. Hurvich & C.-L. Tsai, Biometrika 76, 297 (1989) [L].
    """
    few = 2 * n_fitted * (n_fitted + 1) / np.maximum(n_data - n_fitted - 1, 1)
    criterion: np.ndarray = deviance / dispersion + 2 * n_fitted + few
    return criterion


def akaike_weights(scores: np.ndarray) -> np.ndarray:
    """Return the weight of each model; the weights of a trace add up to 1.

    Parameters
    ----------
    scores : ndarray, shape (n_models, n_traces)
        AICc; infinite for a model that is not meaningful. At least one is finite per trace.

    Returns
    -------
    ndarray, shape (n_models, n_traces)
    """
    relative = np.exp(-(scores - scores.min(axis=0)) / 2)
    weights: np.ndarray = relative / relative.sum(axis=0)
    return weights


def average_intervals(weights: np.ndarray, betas: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Return the 95 % intervals of β over several models.

    Parameters
    ----------
    weights, betas : ndarray, shape (n_models, n_traces)
        Where a weight is 0, β and the interval are ignored and may be NaN.
    intervals : ndarray, shape (n_models, n_traces, 2)
        The 95 % interval of each model. Each side is treated as one half of a normal distribution.

    Returns
    -------
    ndarray, shape (n_traces, 2)
        Infinite where a tail reaches `models.BETA_LIMITS`.
    """
    counted = weights > 0
    centre = np.where(counted, betas, 0.0)
    half = np.where(counted[..., None], np.abs(intervals - centre[..., None]), 1.0)
    spread = np.maximum(half / NORMAL_975, 1e-12)
    ends = [_find_tail_end(weights, centre, spread, sign) for sign in (-1, 1)]
    return np.stack(ends, axis=1)


def _find_tail_end(
    weights: np.ndarray, centre: np.ndarray, spread: np.ndarray, sign: int
) -> np.ndarray:
    """Bisect for the β beyond which the weighted tails add up to 2.5 %; sign −1: lower end."""
    from scipy.special import ndtr

    inside = np.full(weights.shape[1], -sign * np.inf)
    inside = np.clip(inside, *BETA_LIMITS)
    outside = -inside + sum(BETA_LIMITS)
    limit = outside.copy()
    for _ in range(_N_BISECTIONS):
        middle = (inside + outside) / 2
        beyond = sign * (middle - centre)
        own = np.where(middle < centre, spread[..., 0], spread[..., 1])
        too_much = np.sum(weights * ndtr(-beyond / own), axis=0) > _TAIL
        inside = np.where(too_much, middle, inside)
        outside = np.where(too_much, outside, middle)
    return np.where(outside == limit, sign * np.inf, outside)
