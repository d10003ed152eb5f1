"""Saturated points of curves, completed from curves that are not saturated there."""

from __future__ import annotations

from typing import Any

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of

N_COMPONENTS = 4
N_ROUNDS = 12
# Subspace iterations: the leading components of curves decay fast
N_POWER = 4
# Variance that the components leave, against division by 0 for equal curves: far below the noise,
# which is 0.1
LEAST_REST = 1e-12
# Curves without a saturated point from which the first components are found
LEAST_FREE = 20
# A completed value is at most this far beyond its bound, in units of asinh: a factor of 20
FURTHEST = 3.0


def complete_saturated(values: Array, is_saturated: Array) -> Array:
    """Return curves whose saturated points are predicted by the curve's other points.

    The leading principal components of all curves are fitted to the points of a saturated curve
    that are not saturated, and give the others (probabilistic PCA with missing values; Tipping and
    Bishop, J. R. Stat. Soc. B 61, 611, 1999), in several rounds. A prediction within the bound,
    which is the recorded value, is replaced by the bound.

    Parameters
    ----------
    values : array, shape (n_curves, n_points)
        Finite; NumPy's or CuPy's.
    is_saturated : array, shape (n_curves, n_points), bool

    Returns
    -------
    array, shape (n_curves, n_points)
        ``values`` itself where nothing is saturated.
    """
    xp: Any = xp_of(values, is_saturated)
    rows = xp.flatnonzero(is_saturated.any(axis=1))
    if rows.size == 0:
        return values
    complete, bound, masked = values.copy(), values[rows], is_saturated[rows]
    sign, least = xp.where(bound < 0, -1.0, 1.0), xp.abs(bound)
    free = xp.flatnonzero(~is_saturated.any(axis=1))
    for i in range(N_ROUNDS):
        # the bounds themselves are no values, so the first round is without these curves
        known = complete[free] if i == 0 and free.size >= LEAST_FREE else complete
        mean = known.mean(axis=0)
        components, noise_variance = _components(xp, known - mean)
        predicted = _predict(xp, bound - mean, masked, components, noise_variance) + mean
        size = xp.minimum(xp.maximum(predicted * sign, least), least + FURTHEST)
        complete[rows] = xp.where(masked, size * sign, bound)
    return complete


def _components(xp: Any, centred: Array) -> tuple[Array, Array]:
    """Return leading principal components in rows, scaled to their standard deviation.

    Also the mean variance of a point that they leave.
    """
    n_points = centred.shape[1]
    gram = centred.T @ centred / len(centred)
    n = min(N_COMPONENTS, n_points)
    basis = gram[:, :: max(1, n_points // n)][:, :n]
    for _ in range(N_POWER):
        basis = gram @ _orthonormal(xp, basis)
    basis = _orthonormal(xp, basis)
    variance = xp.maximum(xp.sum(basis * (gram @ basis), axis=0), 0.0)
    at = xp.arange(n_points)
    total = gram[at, at].sum()
    rest = xp.maximum((total - variance.sum()) / n_points, LEAST_REST)
    return (basis * xp.sqrt(variance)[None, :]).T, rest


def _orthonormal(xp: Any, basis: Array) -> Array:
    """Return orthonormal columns of the same span (Gram and Schmidt, twice)."""
    columns: list[Array] = []
    for i in range(basis.shape[1]):
        column = basis[:, i]
        for _ in range(2):
            for other in columns:
                column = column - other * xp.sum(other * column)
        columns.append(column / xp.maximum(xp.sqrt(xp.sum(xp.square(column))), 1e-300))
    found: Array = xp.stack(columns, axis=1)
    return found


def _predict(
    xp: Any, centred: Array, masked: Array, components: Array, noise_variance: Array
) -> Array:
    """Fit the components to the points of each curve that are not masked; return the curve."""
    weight = xp.where(masked, 0.0, 1.0)
    n = len(components)
    outer = (components[:, None, :] * components[None, :, :]).reshape(n * n, -1)
    normal = (weight @ outer.T).reshape(-1, n, n)
    at = xp.arange(n)
    # scores have unit variance, as the components are scaled
    normal = normal + xp.where(at[:, None] == at[None, :], 1.0, 0.0)[None] * noise_variance
    return _solve(xp, normal, (weight * centred) @ components.T) @ components


def _solve(xp: Any, matrices: Array, right: Array) -> Array:
    """Solve positive definite systems by elimination, all at once."""
    n = right.shape[1]
    rows = [xp.concatenate([matrices[:, i], right[:, i : i + 1]], axis=1) for i in range(n)]
    for i in range(n):
        rows[i] = rows[i] / rows[i][:, i : i + 1]
        for j in range(n):
            if j != i:
                rows[j] = rows[j] - rows[j][:, i : i + 1] * rows[i]
    found: Array = xp.stack([row[:, n] for row in rows], axis=1)
    return found
