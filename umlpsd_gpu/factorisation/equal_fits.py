"""How much of the data each component could hold at an equal fit.

Factors are unique only where components have samples or features of their own; otherwise, many
factors fit equally well (the rotational ambiguity of curve resolution; Tauler, J. Chemom. 15, 627,
2001). The share of one component is pulled up and down as long as the fit stays as good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.hals import minimise
from umlpsd_gpu.factorisation.noise import Noise
from umlpsd_gpu.factorisation.problem import Factors, Problem, batches_of, joined
from umlpsd_gpu.factorisation.subspace import Subspace

# Samples on which the pulls act; iterations of a pull, and the KKT residual at which they end
MOST_SAMPLES, PULL_ITERATIONS, PULL_TOLERANCE = 2048, 100, 1e-4
# Strengths of the pull, in units of what changes the objective by its standard deviation over a
# change of the whole share
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True)
class EqualFits:
    """What components can be among factors that fit as well.

    Attributes
    ----------
    least_share, largest_share : ndarray, shape (k,)
        Shares of the total of the unscaled matrix, 0…1.
    lowest_components, highest_components : ndarray, shape (k, n_features)
        The smallest and largest value of each element, of components that sum to 1.
    """

    least_share: Array
    largest_share: Array
    lowest_components: Array
    highest_components: Array


def find_equal_fits(maps: Array, components: Array, subspace: Subspace, noise: Noise) -> EqualFits:
    """Return what components can be among factors that fit as well.

    A fit is as good if its sum of squares is less than one standard deviation larger, which a test
    of the fit could not tell.

    Parameters
    ----------
    maps : ndarray, shape (n_samples, k)
        Of the scaled matrix.
    components : ndarray, shape (k, n_features)
    subspace : Subspace
    noise : Noise

    Returns
    -------
    EqualFits
    """
    xp, k = xp_of(maps), components.shape[0]
    shares = _shares(maps.T[None], components[None], subspace)[0]
    given = _spectra(components[None], subspace)[0]
    if k == 1:
        return EqualFits(shares, shares, given, given)
    n_samples = subspace.shape[0]
    chosen = xp.arange(0, n_samples, max(1, -(-n_samples // MOST_SAMPLES)))
    some = subspace.of_samples(chosen)
    problem = Problem.of_subspace(some, np.float32)
    # the optimum of these samples, from which pulls are measured
    best = minimise(
        problem, maps[chosen].T[None], components[None], PULL_ITERATIONS, PULL_TOLERANCE / 10
    )
    allowed = _spread_of_objective(noise) * chosen.shape[0] / n_samples
    pulled = _pull(problem, best, allowed, some)
    before = _shares(best.maps, best.components, some)[0]
    spectra_before = _spectra(best.components, some)[0]
    is_equal = pulled.objectives <= best.objectives[0] + allowed
    shares_after = _shares(pulled.maps, pulled.components, some)[is_equal]
    spectra_after = _spectra(pulled.components, some)[is_equal]
    # relative to the shares in these samples, which are not all
    ratios = np.vstack([np.ones((1, k)), shares_after / before])
    changes = np.concatenate([np.zeros((1, *given.shape)), spectra_after - spectra_before])
    return EqualFits(
        shares * ratios.min(axis=0),
        np.minimum(1.0, shares * ratios.max(axis=0)),
        np.maximum(0.0, given + changes.min(axis=0)),
        given + changes.max(axis=0),
    )


def _pull(problem: Problem, best: Factors, allowed: float, some: Subspace) -> Factors:
    """Return fits in which the share of each component was pulled up and down in many strengths."""
    xp = xp_of(best.maps)
    k = best.components.shape[1]
    total = float(
        ((best.maps[0] @ some.row_scale) * (best.components[0] @ some.column_scale)).sum()
    )
    strengths = np.outer((1.0, -1.0), STRENGTHS).ravel() * allowed / total
    pulls = np.kron(strengths[:, None], np.eye(k))
    found = []
    for batch in batches_of(pulls.shape[0], k, some):
        n = pulls[batch].shape[0]
        found.append(
            minimise(
                problem,
                xp.repeat(best.maps, n, axis=0),
                xp.repeat(best.components, n, axis=0),
                PULL_ITERATIONS,
                PULL_TOLERANCE,
                xp.asarray(pulls[batch]),
            )
        )
    return joined(found)


def _shares(maps: Array, components: Array, subspace: Subspace) -> Array:
    """Return the share of each component in the total of each start; (n_starts, k)."""
    totals = on_host((maps @ subspace.row_scale) * (components @ subspace.column_scale))
    shares: Array = totals / totals.sum(axis=1, keepdims=True)
    return shares


def _spectra(components: Array, subspace: Subspace) -> Array:
    """Return components of the unscaled matrix that sum to 1; (n_starts, k, n_features)."""
    unscaled = on_host(components * subspace.column_scale)
    sums = unscaled.sum(axis=2, keepdims=True)
    spectra: Array = unscaled / np.where(sums > 0, sums, 1.0)
    return spectra


def _spread_of_objective(noise: Noise) -> float:
    """Return the standard deviation of half the sum of squared residuals."""
    fourth = float((noise.of_samples**4).sum()) * float((noise.of_features**4).sum())
    return float(np.sqrt(fourth / 2))
