"""One form for each factorisation, and which components of two factorisations belong together."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host


def canonical(maps: Array, components: Array) -> tuple[Array, Array]:
    """Return factors in their canonical form: components sum to 1, the largest total first.

    Parameters
    ----------
    maps : ndarray, shape (n_samples, k)
    components : ndarray, shape (k, n_features)

    Returns
    -------
    maps : ndarray, shape (n_samples, k)
    components : ndarray, shape (k, n_features)
        A component that is zero everywhere stays zero, and comes last.
    """
    xp = xp_of(maps, components)
    sums = components.sum(axis=1)
    is_there = sums > 0
    components = components / xp.where(is_there, sums, 1.0)[:, None]
    maps = maps * sums
    totals = maps.sum(axis=0)
    order = np.argsort(-on_host(totals), kind="stable")
    return maps[:, order], components[order]


def cosines(first: Array, second: Array) -> Array:
    """Return the cosine of every component of one factorisation with every one of another.

    Parameters
    ----------
    first : ndarray, shape (k, n_features)
    second : ndarray, shape (l, n_features)

    Returns
    -------
    ndarray, shape (k, l)
        0 for a component that is zero.
    """
    return unit_norm(first) @ unit_norm(second).T


def match(reference: Array, components: Array) -> tuple[Array, Array]:
    """Return which component belongs to which of a reference, for the largest sum of cosines.

    Parameters
    ----------
    reference : ndarray, shape (k, n_features)
    components : ndarray, shape (l, n_features), l ≥ k

    Returns
    -------
    order : ndarray of int, shape (k,)
        ``components[order]`` are matched with the reference.
    cosine : ndarray, shape (k,)
    """
    table = on_host(cosines(reference, components))
    rows, order = linear_sum_assignment(-table)
    return order, table[rows, order]


def unit_norm(components: Array) -> Array:
    """Return components of unit norm; one that is zero stays zero.

    Parameters
    ----------
    components : ndarray, shape (k, n_features)

    Returns
    -------
    ndarray, shape (k, n_features)
    """
    xp = xp_of(components)
    norm = xp.sqrt((components * components).sum(axis=1))
    result: Array = components / xp.where(norm > 0, norm, 1.0)[:, None]
    return result
