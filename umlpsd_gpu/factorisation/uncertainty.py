"""How certain the components of a factorisation are: noise, halves of the data, equal fits."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.canonical import match
from umlpsd_gpu.factorisation.equal_fits import find_equal_fits
from umlpsd_gpu.factorisation.factorise import (
    SPARE_RANK,
    FactorisationOptions,
    factorise_subspace,
)
from umlpsd_gpu.factorisation.hals import minimise
from umlpsd_gpu.factorisation.noise import NoisyData, measure_noise
from umlpsd_gpu.factorisation.problem import Problem
from umlpsd_gpu.factorisation.result import Factorisation, Uncertainty
from umlpsd_gpu.factorisation.subspace import Subspace, inverse_of

# Iterations after which a fit has followed the noise of a draw
NOISE_ITERATIONS, NOISE_TOLERANCE = 40, 1e-4
# Random halves of the samples, and starts of the fit of each
N_HALVES, STARTS_OF_HALVES = 10, 4
# Share of the samples in which a component is purest
PUREST_SHARE = 0.01


def bound_components(
    matrix: Array,
    found: Factorisation,
    subspace: Subspace,
    options: FactorisationOptions | None = None,
    n_draws: int = 50,
) -> Uncertainty:
    """Return how certain the components of a factorisation are.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    found : Factorisation
        Of this matrix.
    subspace : Subspace
        Of this matrix, with at least ``k`` singular vectors.
    options : FactorisationOptions, optional
        Those of the factorisation.
    n_draws : int
        Fits to data with other noise.

    Returns
    -------
    Uncertainty
        Errors are standard deviations, in the units of components and maps.
    """
    options = options or FactorisationOptions()
    subspace = subspace.truncated(found.k + SPARE_RANK)
    maps = found.maps * inverse_of(subspace.row_scale)[:, None]
    components = found.components * inverse_of(subspace.column_scale)
    rng = np.random.default_rng([options.seed, 1])
    with threadpool_limits(limits=1, user_api="blas"):
        noise = measure_noise(
            matrix, found.maps, found.components, subspace.row_scale, subspace.column_scale
        )
        errors = _errors_by_noise(found, NoisyData(maps, components, noise), subspace, n_draws, rng)
        stability = _stability_of_halves(found, subspace, options, rng)
        equal = find_equal_fits(maps, components, subspace, noise)
    return Uncertainty(
        component_errors=errors[1],
        map_errors=errors[0],
        half_stability=stability,
        least_share=equal.least_share,
        largest_share=equal.largest_share,
        lowest_components=equal.lowest_components,
        highest_components=equal.highest_components,
        purity=purity_of(found.maps),
    )


def purity_of(maps: Array) -> Array:
    """Return how pure each component is where it is purest.

    Parameters
    ----------
    maps : ndarray, shape (n_samples, k)

    Returns
    -------
    ndarray, shape (k,)
        Mean share of the component in the purest 1 % of the samples, 0…1.
    """
    values = on_host(maps)
    totals = values.sum(axis=1)
    shares = values[totals > 0] / totals[totals > 0, None]
    n_purest = max(1, round(PUREST_SHARE * shares.shape[0]))
    purest: Array = np.sort(shares, axis=0)[-n_purest:].mean(axis=0)
    return purest


def _errors_by_noise(
    found: Factorisation,
    data: NoisyData,
    subspace: Subspace,
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Return standard deviations of maps and components over fits to data with fresh noise."""
    xp = xp_of(found.maps)
    squares_of_maps = xp.zeros_like(found.maps)
    squares_of_components = xp.zeros_like(found.components)
    for _ in range(n_draws):
        left, right = data.draw(rng)
        problem = Problem(left, right, 0.0, subspace.row_scale, subspace.column_scale, np.float32)
        fitted = minimise(
            problem,
            data.maps.T[None],
            data.components[None],
            NOISE_ITERATIONS,
            NOISE_TOLERANCE,
        )
        components = fitted.components[0].astype(np.float64) * subspace.column_scale
        sums = components.sum(axis=1)
        maps = fitted.maps[0].T * subspace.row_scale[:, None] * sums
        squares_of_components += (components / sums[:, None] - found.components) ** 2
        squares_of_maps += (maps - found.maps) ** 2
    return xp.sqrt(squares_of_maps / n_draws), xp.sqrt(squares_of_components / n_draws)


def _stability_of_halves(
    found: Factorisation,
    subspace: Subspace,
    options: FactorisationOptions,
    rng: np.random.Generator,
) -> Array:
    """Return the median cosine of components with those of random halves of the samples."""
    n_samples, k = subspace.shape[0], found.k
    quick = FactorisationOptions(
        scaling=options.scaling,
        n_restarts=STARTS_OF_HALVES,
        seed=options.seed,
        tolerance=1e-4,
        max_iterations=300,
    )
    xp = xp_of(subspace.left)
    cosines = []
    for _ in range(N_HALVES):
        half = np.sort(rng.permutation(n_samples)[: max(k, n_samples // 2)])
        fitted = factorise_subspace(subspace.of_samples(xp.asarray(half)), k, quick)
        cosines.append(match(found.components, fitted.components)[1])
    median: Array = np.median(cosines, axis=0)
    return median
