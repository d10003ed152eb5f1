"""Samples of an ensemble's traces: how much a result depends on which traces were measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Samples hold half of the traces, and no more than this: larger ensembles scatter less, and the
# scatter of a sample tells by how much.
MOST_DRAWN = 100


def n_drawn(n_traces: int) -> int:
    """Return how many traces a sample holds."""
    return min(n_traces // 2, MOST_DRAWN)


def half_samples(values: np.ndarray, seed: int, n_samples: int) -> Iterator[np.ndarray]:
    """Draw samples of the traces, without replacement.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_points), finite
    seed : int
        The traces of the i-th sample depend on the seed, i and n_traces only: at every smoothing
        scale they are the same.
    n_samples : int

    Yields
    ------
    ndarray, shape (n_drawn, n_components), float64
        Principal coordinates: distances between rows are those of the curves.
    """
    coordinates = _principal_coordinates(values)
    for i in range(n_samples):
        drawn = np.random.default_rng([seed, 2, i]).permutation(len(values))
        yield coordinates[np.sort(drawn[: n_drawn(len(values))])]


def _principal_coordinates(values: np.ndarray) -> np.ndarray:
    """Return as few coordinates as keep all distances: at most n_traces of them."""
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    if centred.shape[0] >= centred.shape[1]:
        return centred
    variances, directions = np.linalg.eigh(centred @ centred.T)
    return directions * np.sqrt(np.maximum(variances, 0))
