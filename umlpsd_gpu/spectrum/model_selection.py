"""Which model a spectrum speaks for, and what β may be when that isn't sure.

Akaike's criterion: a floor that isn't there widens the interval of β, one that is overlooked
shifts β; hence not Schwarz's dearer penalty. An interval of the chosen model alone would take the
choice for certain. The averaged one leaves 2.5 % on either side of all models, each weighted by
e^(−AICc/2) ("model-averaged tail area", Turek & Fletcher, Comput. Stat. Data Anal. 56, 2809, 2012
[L]).
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
    """Return Akaike's criterion with Hurvich & Tsai's correction for few data; (n_traces,).

    Parameters
    ----------
    deviance : ndarray
        Twice the negative log-likelihood.
    n_fitted : ndarray
        Parameters inside their bounds.
    n_data : ndarray
        Independent estimates that the spectrum is worth: half its degrees of freedom.
    dispersion : ndarray
        How much more they scatter than Gaussian noise explains, as a variance.
    """
    few = 2 * n_fitted * (n_fitted + 1) / np.maximum(n_data - n_fitted - 1, 1)
    return deviance / dispersion + 2 * n_fitted + few


def weights_of(scores: np.ndarray) -> np.ndarray:
    """Return how much each model is believed; (n_models, n_traces), columns add up to 1."""
    relative = np.exp(-(scores - scores.min(axis=0)) / 2)
    return relative / relative.sum(axis=0)


def averaged_intervals(weights: np.ndarray, betas: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Return the 95 % intervals over several models.

    Parameters
    ----------
    weights, betas : ndarray, shape (n_models, n_traces)
        Where a weight is 0 the others may be anything.
    intervals : ndarray, shape (n_models, n_traces, 2)
        Each model's own; its tails are taken for normal on either side of its β.

    Returns
    -------
    ndarray, shape (n_traces, 2)
        Infinite where a tail reaches `models.BETA_LIMITS`.
    """
    counted = weights > 0
    centre = np.where(counted, betas, 0.0)
    half = np.where(counted[..., None], np.abs(intervals - centre[..., None]), 1.0)
    spread = np.maximum(half / NORMAL_975, 1e-12)
    ends = [_tail_end(weights, centre, spread, sign) for sign in (-1, 1)]
    return np.stack(ends, axis=1)


def _tail_end(weights: np.ndarray, centre: np.ndarray, spread: np.ndarray, sign: int) -> np.ndarray:
    """Bisect for where the weighted tails beyond, to the side of the sign, add up to 2.5 %."""
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
