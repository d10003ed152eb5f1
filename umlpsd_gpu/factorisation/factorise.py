"""A non-negative matrix as a sum of K components: the best of many starts, in canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.factorisation.canonical import canonical, match
from umlpsd_gpu.factorisation.divergences import polish
from umlpsd_gpu.factorisation.hals import minimise
from umlpsd_gpu.factorisation.problem import Factors, Problem, batches_of, joined
from umlpsd_gpu.factorisation.result import Factorisation
from umlpsd_gpu.factorisation.starts import (
    components_of,
    first_components,
    first_maps,
    random_components,
)
from umlpsd_gpu.factorisation.subspace import Scaling, Subspace, project, row_blocks

Loss = Literal["frobenius", "poisson", "itakura_saito"]

# Singular vectors kept for K components: enough that the rest is noise
SPARE_RANK = 16
# Iterations and KKT residual of each start; the best one is then followed to the tolerance
START_ITERATIONS, START_TOLERANCE = 150, 1e-3
# Iterations of the best start in a sweep over numbers of components
SWEEP_ITERATIONS = 50
# Of more than twice as many samples or features, each start is followed on this many at first, and
# on all for at most the following number of iterations
PART_OF_STARTS, LAST_ITERATIONS = 1024, 20
# Starts whose objectives are this near the best fit equally well; the first of them is taken, so
# that rounding does not choose
EQUAL_FIT = 1e-5


@dataclass(frozen=True)
class FactorisationOptions:
    """How a matrix is factorised.

    Attributes
    ----------
    loss : {"frobenius", "poisson", "itakura_saito"}
        "poisson": scaled least squares, then the Kullback–Leibler divergence, for counts.
        "itakura_saito": least squares, then that divergence, for power spectra.
    scaling : {"none", "keenan_kotula"}
        Of the least squares; see `project`.
    n_restarts : int
        Starts; the first is always the same.
    seed : int
        Of the other starts.
    tolerance : float
        Iterations end below this KKT residual.
    max_iterations : int
        Of the best start.
    polish_tolerance : float
        The same for the divergence, which converges more slowly.
    polish_iterations : int
        Updates of the divergence at most.
    """

    loss: Loss = "frobenius"
    scaling: Scaling = "none"
    n_restarts: int = 20
    seed: int = 0
    tolerance: float = 1e-8
    max_iterations: int = 2000
    polish_tolerance: float = 1e-4
    polish_iterations: int = 200


def factorise(matrix: Array, k: int, options: FactorisationOptions | None = None) -> Factorisation:
    """Factorise a non-negative matrix.

    The least squares are solved within the subspace of the leading singular vectors, where an
    iteration costs no pass over the matrix. The result depends on the unit of the matrix only
    by its own unit.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
        Non-negative and finite; integers are not copied as a whole.
    k : int
        Number of components.
    options : FactorisationOptions, optional
        Default: least squares of the unscaled matrix.

    Returns
    -------
    Factorisation

    Raises
    ------
    TracesError
        If the matrix can't be factorised; see `project`.
    SettingsError
        If k is not between 1 and the smaller side of the matrix, or the Itakura–Saito divergence is
        chosen for a matrix with zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.factorisation.factorise import factorise
    >>> rng = np.random.default_rng(0)
    >>> found = factorise(rng.random((60, 3)) @ rng.random((3, 40)), 3)
    >>> found.components.shape, bool(found.relative_error < 1e-4)
    ((3, 40), True)
    """
    options = options or FactorisationOptions()
    found = factorise_subspace(project(matrix, k + SPARE_RANK, options.scaling), k, options)
    return found if options.loss == "frobenius" else polish_factorisation(matrix, found, options)


def polish_factorisation(
    matrix: Array, found: Factorisation, options: FactorisationOptions
) -> Factorisation:
    """Minimise the divergence of ``options.loss`` from a factorisation by least squares on.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    found : Factorisation
    options : FactorisationOptions

    Returns
    -------
    Factorisation
        With the divergence as objective, and the residual norm of the unscaled matrix.

    Raises
    ------
    SettingsError
        If the Itakura–Saito divergence is chosen for a matrix with zeros.
    """
    if options.loss == "itakura_saito" and float(matrix.min()) <= 0:
        raise SettingsError(
            "the Itakura–Saito divergence needs positive values, and the matrix has zeros; choose "
            "the loss poisson for counts or frobenius"
        )
    assert options.loss != "frobenius"
    with threadpool_limits(limits=1, user_api="blas"):
        polished = polish(
            matrix,
            found.maps,
            found.components,
            options.loss,
            options.polish_iterations,
            options.polish_tolerance,
        )
        maps, components = canonical(polished.maps, polished.components)
        error = _relative_error(matrix, maps, components)
    return replace(
        found,
        maps=maps,
        components=components,
        loss=options.loss,
        objective=polished.divergence,
        relative_error=error,
        kkt_residual=polished.kkt_residual,
        n_iterations=found.n_iterations + polished.n_iterations,
        is_converged=polished.is_converged,
    )


def factorise_subspace(
    subspace: Subspace, k: int, options: FactorisationOptions | None = None
) -> Factorisation:
    """Factorise a matrix by least squares within the subspace of its leading singular vectors.

    Parameters
    ----------
    subspace : Subspace
    k : int
        Number of components, from 1 to the rank of the subspace.
    options : FactorisationOptions, optional

    Returns
    -------
    Factorisation
        Of the unscaled matrix. Objective, error and KKT residual are those of the scaled one.

    Raises
    ------
    SettingsError
        If k is not between 1 and the rank of the subspace.
    """
    options = options or FactorisationOptions()
    rank = subspace.values.shape[0]
    if not 1 <= k <= rank:
        raise SettingsError(
            f"{k} components can't be found in a matrix of {subspace.shape[0]} × "
            f"{subspace.shape[1]} values; choose 1 to {rank}"
        )
    subspace = subspace.truncated(k + SPARE_RANK)
    with threadpool_limits(limits=1, user_api="blas"):
        starts = follow_starts(subspace, k, options)
        objectives = starts.objectives
        # half the square of the data is the scale of what rounding changes
        equal = objectives <= objectives.min() + EQUAL_FIT * 0.5 * subspace.total_square
        best = int(np.flatnonzero(equal)[0])
        final = minimise(
            Problem.of_subspace(subspace, np.float64),
            starts.maps[best : best + 1],
            starts.components[best : best + 1],
            options.max_iterations,
            options.tolerance,
        )
    column_scale = subspace.column_scale
    maps, components = canonical(
        final.maps[0].T * subspace.row_scale[:, None], final.components[0] * column_scale
    )
    unscaled = starts.components * column_scale
    matched = [match(components, each)[1] for each in unscaled]
    objective = max(0.0, float(final.objectives[0]))
    return Factorisation(
        components=components,
        maps=maps,
        loss="frobenius",
        objective=objective,
        relative_error=(2 * objective / subspace.total_square) ** 0.5,
        kkt_residual=float(final.kkt_residuals[0]),
        n_iterations=starts.n_iterations + final.n_iterations,
        is_converged=bool(final.kkt_residuals[0] <= options.tolerance),
        restart_objectives=np.maximum(objectives, 0.0),
        stability=np.median(np.array(matched), axis=0),
    )


def sweep_components(
    subspace: Subspace,
    k_max: int,
    options: FactorisationOptions | None = None,
    k_chosen: int | None = None,
) -> list[Factorisation]:
    """Factorise a matrix into 1…k_max components, to compare their fits and stabilities.

    Parameters
    ----------
    subspace : Subspace
    k_max : int
    options : FactorisationOptions, optional
        Iterations end early: a fit changes by less than what distinguishes two numbers.
    k_chosen : int, optional
        The number whose factorisation is followed to its end.

    Returns
    -------
    list of Factorisation
    """
    options = options or FactorisationOptions()
    quick = replace(options, tolerance=START_TOLERANCE, max_iterations=SWEEP_ITERATIONS)
    return [
        factorise_subspace(subspace, k, options if k == k_chosen else quick)
        for k in range(1, k_max + 1)
    ]


def follow_starts(subspace: Subspace, k: int, options: FactorisationOptions) -> Factors:
    """Follow every start until it hardly improves: on a part of large data first, then on all.

    Parameters
    ----------
    subspace : Subspace
    k : int
    options : FactorisationOptions

    Returns
    -------
    Factors
    """
    rng = np.random.default_rng(options.seed)
    starts = [
        first_components(subspace, k) if not number else random_components(subspace, k, rng)
        for number in range(options.n_restarts)
    ]
    n_samples, n_features = subspace.shape
    if max(n_samples, n_features) <= 2 * PART_OF_STARTS:
        return _follow(subspace, _batches(subspace, starts), START_ITERATIONS)
    if n_samples >= n_features:
        part = subspace.of_samples(_draw_telling(subspace.left[:, :k], rng))
        found = _follow(part, _batches(part, starts), START_ITERATIONS)
        begun = list(_batches(subspace, list(found.components)))
    else:
        chosen = _draw_telling(subspace.right[:k].T, rng)
        part = subspace.of_features(chosen)
        on_part = _batches(part, [start[:, chosen] for start in starts])
        maps = _follow(part, on_part, START_ITERATIONS).maps
        begun = [
            (some, components_of(subspace, some))
            for some in (maps[batch] for batch in batches_of(len(starts), k, subspace))
        ]
    return _follow(subspace, begun, LAST_ITERATIONS)


def _follow(
    subspace: Subspace, batches: Iterable[tuple[Array, Array]], max_iterations: int
) -> Factors:
    """Follow batches of maps and components."""
    problem = Problem.of_subspace(subspace, np.float32)
    return joined(
        [
            minimise(problem, maps, components, max_iterations, START_TOLERANCE)
            for maps, components in batches
        ]
    )


def _batches(subspace: Subspace, starts: list[Array]) -> Iterator[tuple[Array, Array]]:
    """Yield maps and components of as many starts as are followed at once."""
    xp = xp_of(subspace.left)
    for batch in batches_of(len(starts), starts[0].shape[0], subspace):
        components = xp.stack(starts[batch])
        yield first_maps(subspace, components), components


def _draw_telling(leading: Array, rng: np.random.Generator) -> Array:
    """Return rows, in order, drawn by their weight in the leading singular vectors."""
    weights = on_host((leading * leading).sum(axis=1))
    # the largest of log weights with Gumbel noise are a sample without replacement
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + rng.gumbel(size=weights.size)
    drawn = np.argpartition(-keys, PART_OF_STARTS)[:PART_OF_STARTS]
    result: Array = xp_of(leading).asarray(np.sort(drawn))
    return result


def _relative_error(matrix: Array, maps: Array, components: Array) -> float:
    left, total = 0.0, 0.0
    for rows, block in row_blocks(matrix):
        total += float((block * block).sum())
        block -= maps[rows] @ components
        left += float((block * block).sum())
    result: float = (left / total) ** 0.5
    return result
