"""Where a factorisation starts: one start from the singular vectors, the others at random."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.factorisation.canonical import unit_norm
from umlpsd_gpu.factorisation.subspace import Subspace

# Samples of which a random component is the mean: one alone is mostly noise
SAMPLES_PER_COMPONENT = 5
# Elements that are zero in the first start, relative to the mean of the others: HALS can't leave an
# optimum in which a whole component is zero
SMALL = 1e-2


def first_components(subspace: Subspace, k: int) -> Array:
    """Return components from the singular vectors: the larger of their positive and negative parts.

    Boutsidis and Gallopoulos, Pattern Recognit. 41, 1350 (2008). Zeros are replaced by a small part
    of the mean of the component, which unlike the mean of the data has the unit of a component.

    Parameters
    ----------
    subspace : Subspace
    k : int
        At most its rank.

    Returns
    -------
    ndarray, shape (k, n_features)
    """
    xp = xp_of(subspace.right)
    left, right = subspace.left[:, :k], subspace.right[:k]
    positive, negative = xp.maximum(right, 0), xp.maximum(-right, 0)
    size_positive = _norm(positive, 1) * _norm(xp.maximum(left, 0), 0)
    size_negative = _norm(negative, 1) * _norm(xp.maximum(-left, 0), 0)
    parts = xp.where((size_positive >= size_negative)[:, None], positive, negative)
    return unit_norm(xp.maximum(parts, SMALL * parts.mean(axis=1)[:, None]))


def random_components(subspace: Subspace, k: int, rng: np.random.Generator) -> Array:
    """Return components that are means of a few random samples, without negative values.

    Parameters
    ----------
    subspace : Subspace
    k : int
    rng : Generator

    Returns
    -------
    ndarray, shape (k, n_features)
    """
    xp = xp_of(subspace.left)
    n_samples = subspace.left.shape[0]
    chosen = xp.asarray(rng.integers(n_samples, size=(k, SAMPLES_PER_COMPONENT)))
    rows = subspace.left[chosen].mean(axis=1) * subspace.values
    parts = xp.maximum(rows @ subspace.right, 0)
    # samples without counts give nothing to start from
    level = float(parts.mean()) or 1.0
    smallest = SMALL * xp.maximum(parts.mean(axis=1), level)
    return unit_norm(xp.maximum(parts, smallest[:, None]))


def first_maps(subspace: Subspace, components: Array) -> Array:
    """Return maps for given components: their overlap with the data, on one common scale.

    Parameters
    ----------
    subspace : Subspace
    components : ndarray, shape (n_starts, k, n_features)

    Returns
    -------
    ndarray, shape (n_starts, k, n_samples)
        Positive where the data are; HALS finds the rest.
    """
    xp = xp_of(components)
    overlap = ((components @ subspace.right.T) * subspace.values) @ subspace.left.T
    square = (components * components).sum(axis=2)
    # a component without any value has no scale
    square = xp.where(square > 0, square, 1.0)
    k = components.shape[1]
    result: Array = xp.maximum(overlap, 0) / (k * square[:, :, None])
    return result


def components_of(subspace: Subspace, maps: Array) -> Array:
    """Return components for given maps: their overlap with the data, on one common scale.

    Parameters
    ----------
    subspace : Subspace
    maps : ndarray, shape (n_starts, k, n_samples)

    Returns
    -------
    ndarray, shape (n_starts, k, n_features)
    """
    xp = xp_of(maps)
    overlap = ((maps @ subspace.left) * subspace.values) @ subspace.right
    square = (maps * maps).sum(axis=2)
    square = xp.where(square > 0, square, 1.0)
    k = maps.shape[1]
    result: Array = xp.maximum(overlap, 0) / (k * square[:, :, None])
    return result


def _norm(values: Array, axis: int) -> Array:
    xp = xp_of(values)
    result: Array = xp.sqrt((values * values).sum(axis=axis))
    return result
