"""Factors that minimise a divergence other than the sum of squares, from a good start.

Multiplicative updates with extrapolation: Lee and Seung, NIPS 13, 556 (2001), for the
Kullback–Leibler divergence of counts; Févotte, Bertin and Durrieu, Neural Comput. 21, 793 (2009),
for the Itakura–Saito divergence of power spectra; extrapolated as by Hien, Leplat and Gillis,
arXiv:2405.09352 (2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of

Divergence = Literal["poisson", "itakura_saito"]

# Bytes of a block of rows in float32: what a processor's cache holds, or enough for a GPU
CACHE_BYTES, GPU_BYTES = 1 << 20, 1 << 28
# Smallest expectation and smallest element of a factor, relative to the mean: an element at zero
# could never grow again
LEAST = 1e-10
# The same at the start, where an element that is nearly zero would take long to grow
START_LEAST = 1e-4


@dataclass(frozen=True)
class Polished:
    """Factors that minimise a divergence.

    Attributes
    ----------
    maps : ndarray, shape (n_samples, k)
    components : ndarray, shape (k, n_features)
    divergence : float
    kkt_residual : float
        Change of the factors by another plain update, relative to their sum.
    n_iterations : int
    is_converged : bool
    """

    maps: Array
    components: Array
    divergence: float
    kkt_residual: float
    n_iterations: int
    is_converged: bool


def polish(
    matrix: Array,
    maps: Array,
    components: Array,
    loss: Divergence,
    max_iterations: int,
    tolerance: float,
) -> Polished:
    """Minimise a divergence from given factors on.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
        Of any real type; for "itakura_saito" positive.
    maps : ndarray, shape (n_samples, k)
    components : ndarray, shape (k, n_features)
    loss : {"poisson", "itakura_saito"}
    max_iterations : int
    tolerance : float
        Iterations end when the KKT residual is below this.

    Returns
    -------
    Polished
        The divergence is not larger than at the start.
    """
    if loss == "poisson":
        start = divergence_of(matrix, maps, components, loss)
        done = _iterate(matrix, maps, components, loss, max_iterations, tolerance, True)
        if done.divergence <= start:
            return done
    # Extrapolated updates have no guarantee, and those of the Itakura–Saito divergence run away
    return _iterate(matrix, maps, components, loss, max_iterations, tolerance, False)


def fit_maps(matrix: Array, maps: Array, components: Array, n_iterations: int = 100) -> Array:
    """Fit maps to given components by the Kullback–Leibler divergence.

    Parameters
    ----------
    matrix : ndarray of counts, shape (n_samples, n_features)
    maps : ndarray, shape (n_samples, k)
        Where to start.
    components : ndarray, shape (k, n_features)
    n_iterations : int

    Returns
    -------
    ndarray, shape (n_samples, k)
    """
    xp = xp_of(maps, components)
    maps = _at_least(maps, START_LEAST * float(maps.mean()))
    least = LEAST * float((maps.mean(axis=0) * components.mean(axis=1)).sum())
    small: Array = components.astype(np.float32)
    sums = components.sum(axis=1)
    for rows in _blocks(matrix):
        x: Array = matrix[rows].astype(np.float32)
        block: Array = maps[rows].astype(np.float64)
        for _ in range(n_iterations):
            expected = xp.maximum(block.astype(np.float32) @ small, least)
            block = block * ((x / expected) @ small.T) / sums
        maps[rows] = block
    return maps


def divergence_of(matrix: Array, maps: Array, components: Array, loss: Divergence) -> float:
    """Return the divergence of a matrix from the product of two factors.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    maps : ndarray, shape (n_samples, k)
    components : ndarray, shape (k, n_features)
    loss : {"poisson", "itakura_saito"}
        Σ x ln(x/λ) − x + λ, or Σ x/λ − ln(x/λ) − 1, with λ the product.

    Returns
    -------
    float
    """
    xp = xp_of(maps, components)
    least = LEAST * float((maps.mean(axis=0) * components.mean(axis=1)).sum())
    total = 0.0
    for rows in _blocks(matrix):
        x = matrix[rows].astype(np.float64)
        expected = xp.maximum(maps[rows] @ components, least)
        ratio = x / expected
        logarithm = xp.log(xp.where(x > 0, ratio, 1.0))
        if loss == "poisson":
            total += float((x * logarithm - x + expected).sum())
        else:
            total += float((ratio - logarithm - 1.0).sum())
    return total


def _iterate(
    matrix: Array,
    maps: Array,
    components: Array,
    loss: Divergence,
    max_iterations: int,
    tolerance: float,
    is_extrapolated: bool,
) -> Polished:
    xp = xp_of(maps, components)
    maps = _at_least(maps, START_LEAST * float(maps.mean()))
    components = _at_least(components, START_LEAST * float(components.mean()))
    ahead_maps, ahead_components = maps, components
    momentum, kkt, done = 1.0, np.inf, 0
    while done < max_iterations and kkt > tolerance:
        new_maps, new_components = _update(matrix, ahead_maps, ahead_components, loss)
        change = xp.abs(new_maps - ahead_maps).sum() / new_maps.sum()
        change += xp.abs(new_components - ahead_components).sum() / new_components.sum()
        kkt = float(change)
        next_momentum = 0.5 * (1 + (1 + 4 * momentum**2) ** 0.5)
        step = (momentum - 1) / next_momentum if is_extrapolated else 0.0
        ahead_maps = _at_least(new_maps + step * (new_maps - maps), LEAST * float(new_maps.mean()))
        ahead_components = _at_least(
            new_components + step * (new_components - components),
            LEAST * float(new_components.mean()),
        )
        maps, components, momentum = new_maps, new_components, next_momentum
        done += 1
    value = divergence_of(matrix, maps, components, loss)
    return Polished(maps, components, value, kkt, done, kkt <= tolerance)


def _update(matrix: Array, maps: Array, components: Array, loss: Divergence) -> tuple[Array, Array]:
    """Return maps and components after one update of each."""
    xp = xp_of(maps, components)
    least = LEAST * float((maps.mean(axis=0) * components.mean(axis=1)).sum())
    # squares of inverse expectations leave the range of float32
    dtype: type = np.float32 if loss == "poisson" else np.float64
    power = 1.0 if loss == "poisson" else 0.5
    new_maps = xp.empty_like(maps)
    above, below = xp.zeros_like(components), xp.zeros_like(components)
    small: Array = components.astype(dtype)
    for rows in _blocks(matrix):
        x: Array = matrix[rows].astype(dtype)
        weighted, weights = _ratios(x, maps[rows].astype(dtype) @ small, least, loss)
        factor = (weighted @ small.T) / _times(weights, small.T, components.sum(axis=1))
        new_maps[rows] = maps[rows] * factor**power
        block = new_maps[rows].astype(dtype)
        weighted, weights = _ratios(x, block @ small, least, loss)
        above += block.T @ weighted
        below += _times(block.T, weights, new_maps[rows].sum(axis=0)[:, None])
    return new_maps, components * (above / below) ** power


def _ratios(
    x: Array, expected: Array, least: float, loss: Divergence
) -> tuple[Array, Array | None]:
    """Return what multiplies the other factor in numerator and denominator; None stands for 1."""
    xp = xp_of(x)
    expected = xp.maximum(expected, least)
    if loss == "poisson":
        return x / expected, None
    inverse = 1 / expected
    return x * inverse * inverse, inverse


def _times(first: Array | None, second: Array | None, sums: Array) -> Array:
    return sums if first is None or second is None else first @ second


def _at_least(factor: Array, least: float) -> Array:
    result: Array = xp_of(factor).maximum(factor, least)
    return result


def _blocks(matrix: Array) -> list[slice]:
    n_samples = matrix.shape[0]
    step = (
        max(1, CACHE_BYTES // (4 * matrix.shape[1])) if isinstance(matrix, np.ndarray) else 1 << 14
    )
    return [slice(start, start + step) for start in range(0, n_samples, step)]
