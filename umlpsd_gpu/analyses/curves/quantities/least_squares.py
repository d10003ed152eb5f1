"""Least squares of many curves at once: Levenberg and Marquardt's method in step.

Each curve has its own parameters and damping (Marquardt, J. SIAM 11, 431, 1963). Curves that have
converged leave the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Takes parameters (n_curves, n_parameters) and rows; returns residuals in units of their standard
# deviation (n_curves, n_points) and their derivatives (n_curves, n_parameters, n_points).
Residuals = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

MOST_ITERATIONS = 100
# A fit whose residuals are then still five times their standard deviation is given up: no model
# that fits needs more, and minima of large residuals are approached slowly.
LEAST_ITERATIONS, HOPELESS = 15, 30.0
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-2, 1e-9, 1e10
# Of one residual, if its point alone determines a parameter
LEAST_FREE = 0.1
# Converged when the next step would lower χ² by less than this share of χ²/n: 1 % of the standard
# error of a parameter.
SHARE_OF_VARIANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Fits:
    """Fits of one model to many curves.

    Attributes
    ----------
    parameters : ndarray, shape (n_curves, n_parameters)
    covariance : ndarray, shape (n_curves, n_parameters, n_parameters)
        Consistent for noise whose size differs from point to point (HC3 of MacKinnon and White,
        J. Econometrics 29, 305, 1985); NaN where parameters are not determined.
    chi2 : ndarray, shape (n_curves,)
    converged : ndarray, shape (n_curves,), bool
    """

    parameters: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    converged: np.ndarray


def fit_all(
    residuals: Residuals,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    n_used: np.ndarray,
) -> Fits:
    """Minimise the sum of squared residuals of every curve.

    Parameters
    ----------
    residuals : callable
        Takes parameters of some curves, shape (n, n_parameters), and their indices; returns
        residuals, shape (n, n_points), 0 at points that are not used, and their derivatives, shape
        (n, n_parameters, n_points).
    start : ndarray, shape (n_curves, n_parameters)
    lower, upper : ndarray, shape (n_parameters,)
        Limits of the parameters.
    n_used : ndarray, shape (n_curves,)
        Number of points used.

    Returns
    -------
    Fits
    """
    parameters = np.clip(start, lower, upper)
    n, p = parameters.shape
    chi2, damping = np.full(n, np.inf), np.full(n, FIRST_DAMPING)
    normal, gradient = np.zeros((n, p, p)), np.zeros((n, p))
    converged = np.zeros(n, dtype=bool)
    active, trial = np.arange(n), parameters
    for i in range(MOST_ITERATIONS):
        found, slopes = residuals(trial, active)
        now = np.einsum("ij,ij->i", found, found)
        better = now < chi2[active]
        improved = active[better]
        chi2[improved], parameters[improved] = now[better], trial[better]
        normal[improved] = np.matmul(slopes[better], slopes[better].transpose(0, 2, 1))
        gradient[improved] = np.einsum("ipj,ij->ip", slopes[better], found[better])
        damping[active] *= np.where(better, 0.2, 8.0)
        damping[active] = np.clip(damping[active], LEAST_DAMPING, MOST_DAMPING)
        now_at, slope = parameters[active], gradient[active]
        # a parameter at a limit that would go beyond it stays
        fixed = ((now_at <= lower) & (slope > 0)) | ((now_at >= upper) & (slope < 0))
        step = _damped_step(normal[active], slope, damping[active], fixed)
        trial = np.clip(now_at + step, lower, upper)
        # of an undamped step: a short damped one says nothing about the distance to the minimum
        whole = _damped_step(normal[active], slope, np.full(active.size, LEAST_DAMPING), fixed)
        gain = -np.einsum("ip,ip->i", slope, whole)
        done = gain <= SHARE_OF_VARIANCE * chi2[active] / np.maximum(n_used[active], 1)
        converged[active[done]] = True
        given_up = (chi2[active] > HOPELESS * n_used[active]) & (i >= LEAST_ITERATIONS)
        going_on = ~done & ~given_up & (damping[active] < MOST_DAMPING) & np.isfinite(chi2[active])
        active, trial = active[going_on], trial[going_on]
        if not active.size:
            break
    return Fits(parameters, _covariance(residuals, parameters, n_used), chi2, converged)


def _damped_step(
    normal: np.ndarray, gradient: np.ndarray, damping: np.ndarray, fixed: np.ndarray
) -> np.ndarray:
    """Return the step of each curve, 0 in parameters that are fixed."""
    p = gradient.shape[1]
    diagonal = np.einsum("ipp->ip", normal)
    scale = np.sqrt(np.maximum(diagonal, 1e-300 + 1e-16 * diagonal.max(axis=1, keepdims=True)))
    scaled = normal / (scale[:, :, None] * scale[:, None, :])
    scaled = np.where(fixed[:, :, None] | fixed[:, None, :], 0.0, scaled)
    scaled += np.eye(p) * (damping[:, None] + fixed)[:, :, None]
    slope = np.where(fixed, 0.0, gradient) / scale
    step: np.ndarray = -np.linalg.solve(scaled, slope[:, :, None])[:, :, 0] / scale
    return step


def _covariance(residuals: Residuals, parameters: np.ndarray, n_used: np.ndarray) -> np.ndarray:
    found, slopes = residuals(parameters, np.arange(len(parameters)))
    p = parameters.shape[1]
    normal = np.matmul(slopes, slopes.transpose(0, 2, 1))
    scale = np.sqrt(np.einsum("ipp->ip", normal))
    determined = (scale > 0).all(axis=1) & (n_used > p)
    scale = np.where(determined[:, None], scale, 1.0)
    scaled = normal / (scale[:, :, None] * scale[:, None, :])
    scaled[~determined] = np.eye(p)
    determined &= np.linalg.eigvalsh(scaled)[:, 0] > 1e-12
    scaled[~determined] = np.eye(p)
    inverse = np.linalg.inv(scaled) / (scale[:, :, None] * scale[:, None, :])
    # a residual of leverage h is 1 − h of the error on average: MacKinnon and White's HC3
    leverage = np.einsum("ipj,ipj->ij", slopes, np.matmul(inverse, slopes))
    weighted = slopes * (found / np.maximum(1 - leverage, LEAST_FREE))[:, None, :]
    spread = np.matmul(weighted, weighted.transpose(0, 2, 1))
    covariance: np.ndarray = np.matmul(np.matmul(inverse, spread), inverse)
    covariance[~determined] = np.nan
    return covariance
