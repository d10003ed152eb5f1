"""Tests of every cluster: whether it is one cloud, and apart from the nearest other cluster.

Both ask whether a cut through a set of items runs through a gap that is deeper than the gap of the
same cut through a single Gaussian cloud of the same covariance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from umlpsd_gpu.kmeans.replication import BORDER, CORE, PRIOR_OF_ALL, log_density_ratio

# Gaussian clouds that a gap is compared with: the smallest p value is 0.01 (our choice).
N_CLOUDS = 99
# Clusters of fewer items are not tested; of larger sets this many random items and principal
# coordinates are (our choice).
LEAST_ITEMS = 8
MOST_ITEMS = 400
MOST_COORDINATES = 40
# Of the longest axis, and of K-means that starts across it, which is nearly the best cut
N_ITERATIONS = 10
# At a smaller p value, and with a gap above 0, a cut is called a gap (our choice).
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class ClusterTests:
    """Whether each cluster is one cloud, and apart from the others.

    A gap is ln(density of items at the sparser centroid / density at the border), along the line
    between two centroids: above 0 there are fewer items between than at the centroids. A p value is
    the share of Gaussian clouds with the covariance of the same items that, cut in two, have a gap
    as deep; 0.01…1. NaN for fewer than 8 items.

    Attributes
    ----------
    nearest : ndarray, shape (n_clusters,), int16
        The other cluster with the smallest gap to this one; 0 for a single cluster.
    gap : ndarray, shape (n_clusters,)
        Between the cluster and that one.
    apart_p : ndarray, shape (n_clusters,)
        Of the hypothesis that both are one Gaussian cloud: small if they are apart.
    inner_gap : ndarray, shape (n_clusters,)
        Between the two parts of the cluster, if it is cut in two by K-means.
    one_cloud_p : ndarray, shape (n_clusters,)
        Of the hypothesis that the cluster is one Gaussian cloud: small if it consists of several.
    """

    nearest: np.ndarray
    gap: np.ndarray
    apart_p: np.ndarray
    inner_gap: np.ndarray
    one_cloud_p: np.ndarray

    @property
    def is_apart(self) -> np.ndarray:
        """Clusters with a gap to every other one; ndarray, shape (n_clusters,), bool."""
        apart: np.ndarray = (self.gap > 0) & (self.apart_p <= SIGNIFICANT)
        return apart

    @property
    def is_divided(self) -> np.ndarray:
        """Clusters with a gap inside; ndarray, shape (n_clusters,), bool."""
        divided: np.ndarray = (self.inner_gap > 0) & (self.one_cloud_p <= SIGNIFICANT)
        return divided


def examine_clusters(matrix: np.ndarray, labels: np.ndarray, seed: int = 0) -> ClusterTests:
    """Look for gaps inside every cluster, and between it and the nearest other one.

    Parameters
    ----------
    matrix : ndarray, shape (n_items, n_columns), finite
    labels : ndarray, shape (n_items,), int
        From 1; 0: in no cluster.
    seed : int
        Of the choice of items in large clusters, and of the Gaussian clouds.

    Returns
    -------
    ClusterTests

    Notes
    -----
    The comparison with one Gaussian cloud is that of SigClust [1]_, with the gap in place of the
    within-cluster sum of squares. Items are taken as independent: neighbouring pixels of an image,
    which share the light of a blurred spot, are not quite.

    References
    ----------
    .. [1] Y. Liu et al., J. Am. Stat. Assoc. 103, 1281 (2008).
    """
    members = _members(labels)
    inside = [_cut_inside(matrix, cluster, np.random.default_rng([seed, 1])) for cluster in members]
    between = _cuts_between(matrix, members, seed)
    nearest = [_nearest(cluster, between) for cluster in range(len(members))]
    around = [_NOT_TESTED if pair is None else between[pair] for _, pair in nearest]
    return ClusterTests(
        nearest=np.array([other + 1 for other, _ in nearest], dtype=np.int16),
        gap=np.array([cut.gap for cut in around], dtype=np.float64),
        apart_p=np.array([cut.p_value(seed) for cut in around], dtype=np.float64),
        inner_gap=np.array([cut.gap for cut in inside], dtype=np.float64),
        one_cloud_p=np.array([cut.p_value(seed) for cut in inside], dtype=np.float64),
    )


def least_gap(matrix: np.ndarray, labels: np.ndarray, seed: int = 0) -> float:
    """Return the gap between the two clusters that are least apart.

    Parameters
    ----------
    matrix : ndarray, shape (n_items, n_columns), finite
    labels : ndarray, shape (n_items,), int
        From 1; 0: in no cluster.
    seed : int
        Of the choice of items in large clusters.

    Returns
    -------
    float
        See `ClusterTests`; infinite if no two clusters have 8 items or more each.
    """
    gaps = [cut.gap for cut in _cuts_between(matrix, _members(labels), seed).values()]
    return float(np.nanmin([*gaps, np.inf]))


def _members(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == c) for c in range(1, int(labels.max(initial=0)) + 1)]


def _cuts_between(
    matrix: np.ndarray, members: Sequence[np.ndarray], seed: int
) -> dict[tuple[int, int], _Cut]:
    return {
        (a, b): _cut_between(matrix, members[a], members[b], np.random.default_rng([seed, 2]))
        for a, b in combinations(range(len(members)), 2)
    }


@dataclass(frozen=True)
class _Cut:
    """Items in principal coordinates, cut in two, and the gap along the line between both parts."""

    points: np.ndarray
    is_second: np.ndarray
    gap: float

    @classmethod
    def of(cls, points: np.ndarray, is_second: np.ndarray) -> _Cut:
        return cls(points, is_second, float(_gaps(points[None], is_second[None])[0]))

    def p_value(self, seed: int) -> float:
        """Return the share of Gaussian clouds of the same covariance with a gap as deep."""
        if np.isnan(self.gap):
            return np.nan
        n, n_coordinates = self.points.shape
        spread = np.sqrt((self.points**2).sum(axis=0) / (n - 1))
        rng = np.random.default_rng([seed, 3])
        clouds = rng.standard_normal((N_CLOUDS, n, n_coordinates)) * spread
        clouds -= clouds.mean(axis=1, keepdims=True)
        n_as_deep = np.count_nonzero(_gaps(clouds, _cut_in_two(clouds)) >= self.gap)
        return (1 + n_as_deep) / (1 + N_CLOUDS)


_NOT_TESTED = _Cut(np.empty((0, 0)), np.empty(0, dtype=bool), np.nan)


def _cut_inside(matrix: np.ndarray, members: np.ndarray, rng: np.random.Generator) -> _Cut:
    if members.size < LEAST_ITEMS:
        return _NOT_TESTED
    points = principal_coordinates(matrix[_pick(members, MOST_ITEMS, rng)])
    return _Cut.of(points, _cut_in_two(points[None])[0])


def _cut_between(
    matrix: np.ndarray, some: np.ndarray, others: np.ndarray, rng: np.random.Generator
) -> _Cut:
    if min(some.size, others.size) < LEAST_ITEMS:
        return _NOT_TESTED
    share = MOST_ITEMS / (some.size + others.size)
    picked = [_pick(part, max(LEAST_ITEMS, int(share * part.size)), rng) for part in (some, others)]
    points = principal_coordinates(matrix[np.concatenate(picked)])
    return _Cut.of(points, np.repeat([False, True], [part.size for part in picked]))


def _nearest(
    cluster: int, between: Mapping[tuple[int, int], _Cut]
) -> tuple[int, tuple[int, int] | None]:
    """Return the other cluster of the smallest gap, and the pair; −1 and None if there is none."""
    gaps = {
        pair: cut.gap for pair, cut in between.items() if cluster in pair and not np.isnan(cut.gap)
    }
    if not gaps:
        return -1, None
    pair = min(gaps, key=gaps.__getitem__)
    return sum(pair) - cluster, pair


def _pick(members: np.ndarray, n_most: int, rng: np.random.Generator) -> np.ndarray:
    if members.size <= n_most:
        return members
    return np.sort(rng.choice(members, n_most, replace=False))


def principal_coordinates(points: np.ndarray) -> np.ndarray:
    """Return points in the axes of their covariance, the longest first, about their mean.

    Parameters
    ----------
    points : ndarray, shape (n_points, n_columns)

    Returns
    -------
    ndarray, shape (n_points, n_coordinates)
        At most 40 coordinates.
    """
    centred = points - points.mean(axis=0)
    if points.shape[0] <= points.shape[1]:
        squares, axes = np.linalg.eigh(centred @ centred.T)
        coordinates = axes * np.sqrt(np.maximum(squares, 0))
    else:
        squares, axes = np.linalg.eigh(centred.T @ centred)
        coordinates = centred @ axes
    longest_first: np.ndarray = coordinates[:, ::-1][:, :MOST_COORDINATES]
    return longest_first


def _cut_in_two(clouds: np.ndarray) -> np.ndarray:
    """Cut each cloud in two by K-means that starts across its longest axis; bool, (n, n_points)."""
    is_second: np.ndarray = (clouds @ _longest_axes(clouds))[..., 0] > 0
    for _ in range(N_ITERATIONS):
        first, second = _centroids(clouds, is_second)
        middle, line = (first + second) / 2, second - first
        is_second = np.einsum("bnd,bd->bn", clouds - middle[:, None], line) > 0
    return is_second


def _longest_axes(clouds: np.ndarray) -> np.ndarray:
    """Return the longest axis of each cloud, by power iteration from the first coordinate."""
    axes = np.zeros((len(clouds), clouds.shape[2], 1))
    axes[:, 0] = 1
    for _ in range(N_ITERATIONS):
        turned = clouds.swapaxes(1, 2) @ (clouds @ axes)
        length = np.linalg.norm(turned, axis=1, keepdims=True)
        axes = np.divide(turned, length, out=axes, where=length > 0)
    return axes


def _centroids(clouds: np.ndarray, is_second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights = np.stack([~is_second, is_second], axis=1).astype(np.float64)
    weights /= np.maximum(weights.sum(axis=2, keepdims=True), 1)
    means = weights @ clouds
    return means[:, 0], means[:, 1]


def _gaps(clouds: np.ndarray, is_second: np.ndarray) -> np.ndarray:
    """Return the gap of each cut, with every point compared with its centroid without itself."""
    first, second = _centroids(clouds, is_second)
    own = np.where(is_second[..., None], second[:, None], first[:, None])
    other = np.where(is_second[..., None], first[:, None], second[:, None])
    size = np.where(is_second, is_second.sum(1, keepdims=True), (~is_second).sum(1, keepdims=True))
    own = own + (own - clouds) / np.maximum(size - 1, 1)[..., None]
    line = other - own
    length = np.maximum((line**2).sum(axis=2), np.finfo(float).tiny)
    position = ((clouds - own) * line).sum(axis=2) / length
    at_border, at_core = position > 0.5 - BORDER, np.abs(position) < CORE
    border, core = np.zeros((2, len(clouds), 2, 2))
    for side, members in enumerate((~is_second, is_second)):
        border[:, side, 1 - side] = (at_border & members).sum(axis=1)
        core[:, side, 1 - side] = (at_core & members).sum(axis=1)
    gap: np.ndarray = log_density_ratio(core, border, PRIOR_OF_ALL)[:, 0, 1]
    return gap
