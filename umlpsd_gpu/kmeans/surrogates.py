"""Ensembles without clusters but otherwise like a given one: what a sweep finds by chance."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.kmeans.columns import centred_blocks


def gaussian_surrogates(values: Array, seeds: Iterable[int]) -> list[np.ndarray]:
    """Draw ensembles of one Gaussian cloud with the spread of the given one.

    Parameters
    ----------
    values : array, shape (n_traces, n_samples), finite
        NumPy or CuPy.
    seeds : iterable of int
        One ensemble is drawn for each.

    Returns
    -------
    list of ndarray, shape (n_traces, n_components), float64
        NumPy.
        Coordinates along the principal directions, as many as there are; distances between rows
        are those of curves with the covariance of ``values``.

    Notes
    -----
    A null for the number of clusters, after variant b of the gap statistic [1]_, but normal
    instead of uniform (our choice). Permuting the scores of each component instead would keep two
    clusters apart that differ along one component, and so find them in the null too.

    References
    ----------
    .. [1] R. Tibshirani, G. Walther and T. Hastie, J. R. Stat. Soc. B 63, 411 (2001).
    """
    return draw_surrogates(len(values), principal_spread(values), seeds)


def draw_surrogates(n_traces: int, spread: np.ndarray, seeds: Iterable[int]) -> list[np.ndarray]:
    """Draw ensembles of one Gaussian cloud of a known spread.

    Parameters
    ----------
    n_traces : int
    spread : ndarray, shape (n_components,)
        Standard deviation along each principal direction, as `principal_spread` returns it.
    seeds : iterable of int
        One ensemble is drawn for each.

    Returns
    -------
    list of ndarray, shape (n_traces, n_components), float64
    """
    shape = n_traces, spread.size
    return [np.random.default_rng([seed, 1]).standard_normal(shape) * spread for seed in seeds]


def principal_spread(values: Array) -> np.ndarray:
    """Return the standard deviation of the curves along their principal directions, largest first.

    Parameters
    ----------
    values : array, shape (n_traces, n_samples), finite
        NumPy or CuPy.

    Returns
    -------
    ndarray, shape (n_components,)
        In the unit of the values; directions without spread (below 1e-6 of the largest) are left
        out.
    """
    return spread_of_products(_products(values), len(values))


def spread_of_products(products: np.ndarray, n_traces: int) -> np.ndarray:
    """Return the same from the scalar products of the centred curves.

    Parameters
    ----------
    products : ndarray, shape (n, n)
        Of the curves, or of the samples.
    n_traces : int

    Returns
    -------
    ndarray, shape (n_components,)
    """
    variances = np.linalg.eigvalsh(products)[::-1] / n_traces
    spread: np.ndarray = np.sqrt(variances[variances > 1e-12 * max(variances[0], 1e-300)])
    return spread


def _products(values: Array) -> np.ndarray:
    """Return the matrix of scalar products of the centred rows or columns, the smaller one.

    From a GPU the products come down, not the values.
    """
    if values.shape[0] > values.shape[1]:
        centred = xp_of(values).asarray(values, dtype=np.float64)
        centred = centred - centred.mean(axis=0)
        return on_host(centred.T @ centred)
    return on_host(reduce(add, (centred @ centred.T for centred in centred_blocks(values))))
