"""Ensembles without clusters, as like a given one as can be: what a sweep finds by chance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def gaussian_surrogates(values: np.ndarray, seeds: Iterable[int]) -> list[np.ndarray]:
    """Draw ensembles of one Gaussian cloud with the spread of the given one.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples), finite
    seeds : iterable of int
        One ensemble for each.

    Returns
    -------
    list of ndarray, shape (n_traces, n_components), float64
        Coordinates along the principal directions, as many as there are; distances between rows
        are those of curves with the covariance of ``values``.

    Notes
    -----
    A null for the number of clusters, after the gap statistic (R. Tibshirani, G. Walther and
    T. Hastie, J. R. Stat. Soc. B 63, 411 (2001), variant b), normal instead of uniform [I].
    Permuting the scores of each component instead keeps two clusters that lie along one component
    apart, and so finds them in the null too.
    """
    spread = principal_spread(values)
    shape = len(values), spread.size
    return [np.random.default_rng([seed, 1]).standard_normal(shape) * spread for seed in seeds]


def principal_spread(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the curves along their principal directions, largest first.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples), finite
    """
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    tall = centred.shape[0] > centred.shape[1]
    products = centred.T @ centred if tall else centred @ centred.T
    variances = np.linalg.eigvalsh(products)[::-1] / len(centred)
    return np.sqrt(variances[variances > 1e-12 * max(variances[0], 1e-300)])
