"""Non-negative factors in a subspace by accelerated HALS, for many starts at once.

Hierarchical alternating least squares: each component in turn takes its optimum while the others
are fixed (Cichocki and Phan, IEICE Trans. E92-A, 708, 2009). Steps are extrapolated, and the
extrapolation is withdrawn where the fit gets worse (Ang and Gillis, Neural Comput. 31, 417, 2019).
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.problem import Factors, Problem

# Of Ang and Gillis: first extrapolation, its growth after a good step, growth of its bound, and
# how it shrinks after a bad one
FIRST_STEP, GROWTH, BOUND_GROWTH, SHRINKING = 0.5, 1.05, 1.01, 1.5
# Iterations between looks at the conditions of an optimum, which cost as much as an iteration
CHECKED_EVERY = 10
# Square of a component, relative to the largest, below which it has vanished
VANISHED = 1e-12


def minimise(
    problem: Problem,
    maps: Array,
    components: Array,
    max_iterations: int,
    tolerance: float,
    penalties: Array | None = None,
    sample_weights: Array | None = None,
) -> Factors:
    """Minimise half the sum of squared residuals of each start.

    Parameters
    ----------
    problem : Problem
    maps : ndarray, shape (n_starts, k, n_samples)
        Where to start; not changed.
    components : ndarray, shape (n_starts, k, n_features)
    max_iterations : int
    tolerance : float
        Iterations end when the KKT residual of every start is below this.
    penalties : ndarray, shape (n_starts, k), optional
        Added to the objective times the weighted total of each component; see `Problem`.
    sample_weights : ndarray, shape (n_starts, n_samples), optional
        0 or 1: which samples the components are fitted to.

    Returns
    -------
    Factors
    """
    state = _Iteration(problem, maps, components, penalties, sample_weights)
    done = 0
    kkt = state.kkt_residuals()
    while done < max_iterations and float(kkt.max()) > tolerance:
        for _ in range(min(CHECKED_EVERY, max_iterations - done)):
            state.step()
            done += 1
        state.balance()
        kkt = state.kkt_residuals()
    return Factors(state.maps, state.components, state.plain_objectives(), kkt, done)


class _Iteration:
    """The factors of all starts, their extrapolations, and one step of both."""

    def __init__(
        self,
        problem: Problem,
        maps: Array,
        components: Array,
        penalties: Array | None,
        sample_weights: Array | None,
    ) -> None:
        xp = xp_of(maps, components)
        self.xp, self.problem = xp, problem
        self.maps: Array = maps.astype(problem.dtype)
        self.components: Array = components.astype(problem.dtype)
        self.ahead_maps, self.ahead_components = self.maps, self.components
        self.penalties: Array | None = (
            None if penalties is None else penalties.astype(problem.dtype)
        )
        self.sample_weights = sample_weights
        n_starts = maps.shape[0]
        self.beta = np.full(n_starts, FIRST_STEP)
        self.beta_bound = np.ones(n_starts)
        self.last_good_beta = np.full(n_starts, FIRST_STEP)
        self.is_plain = np.zeros(n_starts, dtype=bool)
        self.objectives = np.full(n_starts, np.inf)

    def step(self) -> None:
        """Update maps, then components, and extrapolate both; a worse step is undone.

        After that, one step is not extrapolated, so that the fit of each start never gets worse.
        """
        xp = self.xp
        beta = self._column(np.where(self.is_plain, 0.0, self.beta))
        products = self.problem.times_components(self.ahead_components)
        if self.penalties is not None:
            products -= self._pull_on_maps(self.ahead_components)
        maps = _update(self.ahead_maps, products, _gram(self.ahead_components))
        maps = xp.maximum(maps + beta * (maps - self.maps), 0)
        fitted = maps if self.sample_weights is None else self._weighted(maps)
        products = self.problem.times_maps(fitted)
        if self.penalties is not None:
            products -= self._pull_on_components(maps)
        gram = _gram_of(fitted, maps)
        components = _update(self.ahead_components, products, gram)
        ahead = xp.maximum(components + beta * (components - self.components), 0)
        # products with the pull of the penalties, so that the objective has it too
        objectives = self._objectives(products, gram, components)
        is_worse = objectives > self.objectives
        self._adapt(is_worse)
        self.objectives = np.where(is_worse, self.objectives, objectives)
        if is_worse.any():
            worse = xp.asarray(is_worse)[:, None, None]
            maps = xp.where(worse, self.maps, maps)
            components = xp.where(worse, self.components, components)
            ahead = xp.where(worse, self.components, ahead)
        self.maps, self.ahead_maps = maps, maps
        self.components, self.ahead_components = components, ahead

    def balance(self) -> None:
        """Give each component unit norm, which changes no product of the factors."""
        xp = self.xp
        norm = xp.sqrt((self.components * self.components).sum(axis=2))[:, :, None]
        norm = xp.where(norm > 0, norm, 1)
        self.maps, self.ahead_maps = self.maps * norm, self.ahead_maps * norm
        self.components = self.components / norm
        self.ahead_components = self.ahead_components / norm

    def kkt_residuals(self) -> Array:
        """Return the largest violation of an optimum's conditions by start; (n_starts,)."""
        to_maps = self.problem.times_components(self.components)
        if self.penalties is not None:
            to_maps -= self._pull_on_maps(self.components)
        of_maps = _violation(self.maps, to_maps, _gram(self.components))
        fitted = self.maps if self.sample_weights is None else self._weighted(self.maps)
        to_components = self.problem.times_maps(fitted)
        if self.penalties is not None:
            to_components -= self._pull_on_components(self.maps)
        of_components = _violation(self.components, to_components, _gram_of(fitted, self.maps))
        largest: Array = np.maximum(on_host(of_maps), on_host(of_components))
        return largest

    def plain_objectives(self) -> Array:
        """Return half the sum of squared residuals without penalties; (n_starts,)."""
        maps = self.maps if self.sample_weights is None else self._weighted(self.maps)
        cross = (self.problem.times_maps(maps) * self.components).sum(axis=(1, 2), dtype=np.float64)
        square = _gram_of(maps, self.maps) * _gram(self.components)
        return on_host(
            self.problem.half_square - cross + 0.5 * square.sum(axis=(1, 2), dtype=np.float64)
        )

    def _objectives(self, products: Array, gram: Array, components: Array) -> Array:
        cross = (products * components).sum(axis=(1, 2), dtype=np.float64)
        square = (gram * _gram(components)).sum(axis=(1, 2), dtype=np.float64)
        return on_host(self.problem.half_square - cross + 0.5 * square)

    def _pull_on_maps(self, components: Array) -> Array:
        """Return the derivative of the penalties by the maps, (n_starts, k, n_samples)."""
        totals = components @ self.problem.feature_weights
        pull: Array = (self.penalties * totals)[:, :, None] * self.problem.sample_weights
        return pull

    def _pull_on_components(self, maps: Array) -> Array:
        totals = maps @ self.problem.sample_weights
        pull: Array = (self.penalties * totals)[:, :, None] * self.problem.feature_weights
        return pull

    def _adapt(self, is_worse: Array) -> None:
        self.beta_bound = np.where(
            is_worse, self.last_good_beta, np.minimum(1.0, BOUND_GROWTH * self.beta_bound)
        )
        self.last_good_beta = np.where(is_worse, self.last_good_beta, self.beta)
        self.beta = np.where(
            is_worse, self.beta / SHRINKING, np.minimum(self.beta_bound, GROWTH * self.beta)
        )
        self.is_plain = is_worse

    def _weighted(self, maps: Array) -> Array:
        assert self.sample_weights is not None
        result: Array = maps * self.sample_weights[:, None, :].astype(maps.dtype)
        return result

    def _column(self, values: Array) -> Array:
        result: Array = self.xp.asarray(values.astype(self.problem.dtype))[:, None, None]
        return result


def _update(factor: Array, products: Array, gram: Array) -> Array:
    """Return a factor (n_starts, k, n) after each component has taken its optimum in turn."""
    xp = xp_of(factor)
    updated = factor.copy()
    for component in range(factor.shape[1]):
        diagonal = gram[:, component, component]
        # a component that has vanished from the other factor has no optimum
        is_there = diagonal > VANISHED * gram.max(axis=(1, 2))
        share = xp.where(is_there, 1 / xp.where(is_there, diagonal, 1), 0)[:, None]
        explained = (gram[:, component : component + 1, :] @ updated)[:, 0]
        step = (products[:, component] - explained) * share
        updated[:, component] = xp.maximum(updated[:, component] + step, 0)
    return updated


def _violation(factor: Array, products: Array, gram: Array) -> Array:
    xp = xp_of(factor)
    gradient = gram @ factor - products
    projected = xp.where(factor > 0, gradient, xp.minimum(gradient, 0))
    norm = xp.sqrt((products * products).sum(axis=(1, 2), dtype=np.float64))
    result: Array = xp.sqrt((projected * projected).sum(axis=(1, 2), dtype=np.float64)) / norm
    return result


def _gram(factor: Array) -> Array:
    return _gram_of(factor, factor)


def _gram_of(first: Array, second: Array) -> Array:
    return first @ second.transpose(0, 2, 1)
