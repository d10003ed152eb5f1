"""Levenberg–Marquardt for many small problems at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-2, 1e-7, 1e7
LOWER, RAISE = 0.15, 5.0
# A diagonal of the normal matrix counts as at least this share of its largest element
LEAST_DIAGONAL = 1e-12


@dataclass(frozen=True)
class Sums:
    """What a model says at some parameters.

    Attributes
    ----------
    chi2 : ndarray of float64, shape (n,)
    gradient : ndarray of float64, shape (n, k)
        Jᵀ W (data − model).
    normal : ndarray of float64, shape (n, k, k)
        Jᵀ W J.
    """

    chi2: np.ndarray
    gradient: np.ndarray
    normal: np.ndarray


@dataclass(frozen=True)
class Minima:
    """Where the fits ended.

    Attributes
    ----------
    parameters : ndarray of float64, shape (n, k)
    sums : Sums
        At these parameters.
    n_iterations : ndarray of int64, shape (n,)
    is_converged : ndarray of bool, shape (n,)
        Whether the last accepted step gained less than the tolerance.
    """

    parameters: np.ndarray
    sums: Sums
    n_iterations: np.ndarray
    is_converged: np.ndarray


Evaluate = Callable[[np.ndarray, np.ndarray], Sums]


def minimise(
    evaluate: Evaluate,
    start: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    longest_step: np.ndarray,
    *,
    is_free: np.ndarray | None = None,
    tolerance: float = 1e-3,
    relative_tolerance: float = 0.0,
    max_iter: int = 40,
) -> Minima:
    """Minimise χ² of many independent problems.

    Parameters
    ----------
    evaluate : callable
        From parameters (m, k) and the numbers of the problems (m,) to `Sums`.
    start : ndarray of float, shape (n, k)
    limits : (ndarray, ndarray), shape (k,)
        Smallest and largest values.
    longest_step : ndarray of float, shape (k,)
        Longest step of each parameter; a longer one is shortened as a whole.
    is_free : ndarray of bool, shape (n, k), optional
        Parameters that may change. Default: all.
    tolerance, relative_tolerance : float, optional
        A fit ends at a gain of χ² below ``tolerance + relative_tolerance · χ²``.
    max_iter : int, optional
        Evaluations after the first.

    Returns
    -------
    Minima
        The same bits in any order and number of problems, if ``evaluate`` gives them.
    """
    n, k = start.shape
    free = np.ones((n, k), dtype=bool) if is_free is None else is_free
    now = np.clip(np.asarray(start, dtype=np.float64), *limits)
    sums = evaluate(now, np.arange(n))
    chi2, gradient, normal = sums.chi2.copy(), sums.gradient.copy(), sums.normal.copy()
    damping = np.full(n, FIRST_DAMPING)
    n_iterations = np.zeros(n, dtype=np.int64)
    is_converged = np.zeros(n, dtype=bool)
    active = np.flatnonzero(np.isfinite(chi2))
    for _ in range(max_iter):
        if active.size == 0:
            break
        step = _steps(normal[active], gradient[active], damping[active], free[active])
        step /= np.maximum(1.0, (np.abs(step) / longest_step).max(axis=1))[:, None]
        tried = np.clip(now[active] + step, *limits)
        new = evaluate(tried, active)
        n_iterations[active] += 1
        gain = chi2[active] - new.chi2
        enough = tolerance + relative_tolerance * chi2[active]
        is_better = gain >= 0
        better = active[is_better]
        now[better], chi2[better] = tried[is_better], new.chi2[is_better]
        gradient[better], normal[better] = new.gradient[is_better], new.normal[is_better]
        # a small gain by a strongly damped step says nothing
        is_newton = damping[active] <= FIRST_DAMPING
        ends = is_better & (gain < enough) & is_newton
        ends |= ~is_better & (damping[active] >= MOST_DAMPING)
        is_converged[active[ends]] = True
        factor = np.where(is_better, LOWER, RAISE)
        damping[active] = np.clip(damping[active] * factor, LEAST_DAMPING, MOST_DAMPING)
        active = active[~ends]
    return Minima(now, Sums(chi2, gradient, normal), n_iterations, is_converged)


def covariances(normal: np.ndarray, is_free: np.ndarray | None = None) -> np.ndarray:
    """Return the inverse of each normal matrix; parameters that are not free have no variance.

    Parameters
    ----------
    normal : ndarray of float, shape (n, k, k)
    is_free : ndarray of bool, shape (n, k), optional

    Returns
    -------
    ndarray of float64, shape (n, k, k)
        Very large, not infinite, where the data don't determine a parameter.
    """
    n, k, _ = normal.shape
    free = np.ones((n, k), dtype=bool) if is_free is None else is_free
    fixed = _fixed(normal, free, np.zeros(n))
    scale = 1.0 / np.sqrt(np.einsum("nkk->nk", fixed))
    inverse = np.linalg.inv(
        fixed * scale[:, :, None] * scale[:, None, :] + LEAST_DIAGONAL * np.eye(k)
    )
    inverse *= scale[:, :, None] * scale[:, None, :]
    return np.where(free[:, :, None] & free[:, None, :], inverse, 0.0)


def _steps(
    normal: np.ndarray, gradient: np.ndarray, damping: np.ndarray, free: np.ndarray
) -> np.ndarray:
    damped = _fixed(normal, free, damping)
    wanted = np.where(free, gradient, 0.0)
    return np.asarray(np.linalg.solve(damped, wanted[..., None])[..., 0])


def _fixed(normal: np.ndarray, free: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Return damped normal matrices; rows and columns of fixed parameters are those of unity."""
    k = normal.shape[1]
    both = free[:, :, None] & free[:, None, :]
    matrix = np.where(both, normal, 0.0)
    diagonal = np.einsum("nkk->nk", matrix).copy()
    floor = np.maximum(LEAST_DIAGONAL * diagonal.max(axis=1), 1e-300)[:, None]
    added = damping[:, None] * diagonal + np.where(diagonal < floor, floor, 0.0)
    matrix[:, np.arange(k), np.arange(k)] += np.where(free, added, 1.0)
    return matrix
