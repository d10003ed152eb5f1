"""Whether classes of particles are found again in other particles, and by which method.

A classifier that learns the labels of a clustering is right in nearly all cases whatever was
clustered, and the cophenetic correlation is that of a tree and does not see the clusters: both are
reported as they were published, and neither measures quality. What tells classes from noise is
whether two halves of the particles give the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import pdist

N_SPLITS = 10
# Adjusted Rand index of the classes of two halves from which on they are called classes
LEAST_ARI = 0.8
# Trees are made of at most so many particles: their distances take n² numbers
MOST_OF_TREE = 3000

# Takes the particles to learn from, all particles, K and a seed; returns classes of all particles
Method = Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]


@dataclass(frozen=True)
class MethodStability:
    """How well a method of clustering finds its classes again.

    Attributes
    ----------
    method : str
        ``"K-means"``, ``"Gaussian mixture"`` or ``"average linkage"``.
    ari : float
        Mean adjusted Rand index of the classes of all particles, as learnt from two halves.
    agreement : float
        Adjusted Rand index with the final classes.
    """

    method: str
    ari: float
    agreement: float


def split_half_ari(matrix: np.ndarray, k: int, seed: int = 0, method: str = "K-means") -> float:
    """Return how alike the classes are that two halves of the particles give.

    Parameters
    ----------
    matrix : ndarray of float, shape (n_particles, n_features)
        Finite.
    k : int
        Number of classes.
    seed : int, optional
    method : str, optional
        See `MethodStability`.

    Returns
    -------
    float
        Mean adjusted Rand index over ten splits: 1 for the same classes, about 0 by chance; NaN
        for one class, or fewer than 2 k particles.
    """
    from sklearn.metrics import adjusted_rand_score

    n = len(matrix)
    if k < 2 or n < 2 * k:
        return float("nan")
    rng, learn, found = np.random.default_rng([seed, k]), METHODS[method], []
    for split in range(N_SPLITS):
        order = rng.permutation(n)
        halves = matrix[order[: n // 2]], matrix[order[n // 2 :]]
        first, second = (learn(half, matrix, k, seed + split) for half in halves)
        found.append(adjusted_rand_score(first, second))
    return float(np.mean(found))


def compare_methods(
    matrix: np.ndarray, labels: np.ndarray, seed: int = 0, ari: float | None = None
) -> list[MethodStability]:
    """Compare K-means, a Gaussian mixture and average linkage at the same number of classes.

    Parameters
    ----------
    matrix : ndarray of float, shape (n_particles, n_features)
    labels : ndarray of int, shape (n_particles,)
        The final classes.
    seed : int, optional
    ari : float, optional
        `split_half_ari` of K-means, if it is known.

    Returns
    -------
    list of MethodStability
        The most stable first; empty for one class.
    """
    from sklearn.metrics import adjusted_rand_score

    k = np.unique(labels).size
    if k < 2:
        return []
    known = {} if ari is None else {"K-means": ari}
    found = [
        MethodStability(
            name,
            known[name] if name in known else split_half_ari(matrix, k, seed, name),
            float(adjusted_rand_score(labels, learn(matrix, matrix, k, seed))),
        )
        for name, learn in METHODS.items()
    ]
    return sorted(found, key=lambda each: -each.ari)


def cophenetic_correlation(matrix: np.ndarray, seed: int = 0) -> float:
    """Return the cophenetic correlation of the single-linkage tree, as published.

    Parameters
    ----------
    matrix : ndarray of float, shape (n_particles, n_features)
        At most 3,000 random ones are used.
    seed : int, optional

    Returns
    -------
    float
        −1…1; NaN for fewer than three particles. It depends on the tree alone: clusters, and their
        number, don't enter.
    """
    if len(matrix) < 3:
        return float("nan")
    distances = pdist(_sample(matrix, seed))
    return float(cophenet(linkage(distances, "single"), distances)[0])


def _kmeans(half: np.ndarray, everything: np.ndarray, k: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    learnt = KMeans(k, n_init=5, random_state=seed).fit(half)
    labels: np.ndarray = learnt.predict(everything)
    return labels


def _mixture(half: np.ndarray, everything: np.ndarray, k: int, seed: int) -> np.ndarray:
    from sklearn.mixture import GaussianMixture

    learnt = GaussianMixture(k, n_init=2, reg_covar=1e-4, random_state=seed).fit(half)
    labels: np.ndarray = learnt.predict(everything)
    return labels


def _average_linkage(half: np.ndarray, everything: np.ndarray, k: int, seed: int) -> np.ndarray:
    from sklearn.neighbors import NearestCentroid

    half = _sample(half, seed)
    labels = fcluster(linkage(half, "average"), k, "maxclust")
    if np.unique(labels).size < 2:
        return np.ones(len(everything), dtype=int)
    # other particles belong to the class whose centre is nearest
    nearest: np.ndarray = NearestCentroid().fit(half, labels).predict(everything)
    return nearest


def _sample(matrix: np.ndarray, seed: int) -> np.ndarray:
    if len(matrix) <= MOST_OF_TREE:
        return matrix
    drawn = np.random.default_rng([seed, 3]).choice(len(matrix), MOST_OF_TREE, replace=False)
    return matrix[np.sort(drawn)]


METHODS: dict[str, Method] = {
    "K-means": _kmeans,
    "Gaussian mixture": _mixture,
    "average linkage": _average_linkage,
}
