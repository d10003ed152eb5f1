"""The verb ``replicate``: compare the clusters of all items with those of halves of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import as_float64, is_on_device, share_with_cupy, xp_of
from umlpsd_gpu.compute.current_device import on_device_of_first
from umlpsd_gpu.compute.transfer import all_on_host, on_host
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.replication import BORDER, CORE, Replication
from umlpsd_gpu.kmeans.resamples import half_samples, sweep_samples
from umlpsd_gpu.kmeans.result import Sweep

# Epochs of the sweep of a half (our choice).
HALF_EPOCHS = 10
# Largest number of clusters that is compared.
MOST_K = 10
# Of larger ensembles this many random items are assigned to the clusters of the halves: more would
# cost time and no longer change the counts much (our choice).
MOST_COMPARED = 3000
# Products of several halves that a GPU computes together
STACK_BYTES = 256 << 20


@on_device_of_first
def replicate(values: Any, sweep: Sweep, n_samples: int = 20, seed: int = 0) -> Replication:
    """Sweep random halves of the items and compare their clusters with those of all items.

    Parameters
    ----------
    values : array, shape (n_items, n_columns), or an object with such ``values``
        What was swept; finite.
    sweep : Sweep
        Over K = 1, 2, 3, ….
    n_samples : int
        Number of halves, an even number of at least 2: they come in pairs without common items.
        Halves hold 150 items at most.
    seed : int
        0 or larger.

    Returns
    -------
    Replication
        Over K = 2, 3, … up to 10.

    Raises
    ------
    SettingsError
        If ``n_samples`` is not allowed, the sweep does not begin with K = 1, 2, 3, or there are
        fewer than 8 items.

    Examples
    --------
    Three kinds of curves, twenty of each: three clusters are found again by every half, and four
    are not:

    >>> import numpy as np
    >>> from umlpsd_gpu import replicate, sweep
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (60, 3))
    >>> curves = np.repeat(np.eye(3), 20, axis=0) + noise
    >>> found = replicate(curves, sweep(curves, range(1, 6), n_epochs=10))
    >>> found.reproducibility().round(1)[1], found.gap().round(1)[1] > 2
    (np.float64(1.0), np.True_)
    """
    matrix = as_float64(share_with_cupy(getattr(values, "values", values)))
    if n_samples < 2 or n_samples % 2:
        raise SettingsError(f"n_samples must be an even number of at least 2, got {n_samples}")
    samples = half_samples(len(matrix), seed, n_samples)
    k_values = compared_k_values(sweep, samples.shape[1])
    if len(matrix) != sweep.n_traces or not k_values:
        raise SettingsError(
            f"halves of {len(matrix)} items can't be compared with a sweep of {sweep.n_traces} "
            f"items over K = {sweep.k_values.tolist()}: give the matrix that was swept, of at "
            "least 8 rows, and K = 1, 2, 3, … from 1 on"
        )
    options = SweepOptions(seed=seed, n_epochs=HALF_EPOCHS)
    of_samples = sweep_samples(matrix, samples, k_values, options, scale=sweep.scale)
    return compare_halves(matrix, sweep, samples, of_samples, seed)


def compared_k_values(sweep: Sweep, n_drawn: int) -> list[int]:
    """Return the numbers of clusters at which halves are compared with all items.

    Parameters
    ----------
    sweep : Sweep
        Of all items.
    n_drawn : int
        Items of a half.

    Returns
    -------
    list of int
        2, 3, … as far as the sweep goes without a break, up to 10 and below the items of a half;
        empty where the sweep does not begin with K = 1, 2, 3.
    """
    ks = sweep.k_values[: min(MOST_K, n_drawn - 1)]
    counted = np.array_equal(ks, np.arange(1, ks.size + 1)) and ks.size >= 3
    return ks[1:].tolist() if counted else []


def compare_halves(
    curves: Array,
    sweep: Sweep,
    samples: np.ndarray,
    of_samples: Sequence[Sweep],
    seed: int,
) -> Replication:
    """Compare the clusters of all items with those of halves that were swept.

    Parameters
    ----------
    curves : array, shape (n_items, n_columns), finite
        NumPy or CuPy.
    sweep : Sweep
        Of all items.
    samples : ndarray, shape (2 · n_pairs, n_drawn), int
        Items of each half; halves 2i and 2i + 1 have none in common.
    of_samples : sequence of Sweep
        Of each half, over the K's to compare and perhaps others.
    seed : int
        Of the choice of items that are compared in large ensembles.

    Returns
    -------
    Replication
    """
    k_values = np.array(compared_k_values(sweep, samples.shape[1]))
    compared = _compared_items(len(curves), seed)
    own = {int(k): sweep.best_labels(k)[compared] for k in k_values}
    n_pairs, k_max = len(samples) // 2, int(k_values[-1])
    by_half = np.zeros((len(samples), k_values.size))
    jaccard = np.full((len(samples), k_values.size, k_max), np.nan)
    border, core = np.zeros((2, len(samples), k_values.size, k_max, k_max))
    points = _Points(curves)
    labels_of_halves = [[swept.best_labels(k) for k in k_values] for swept in of_samples]
    sqdist_of_halves = points.sqdist_to_centroids(samples, labels_of_halves, k_values)
    for half, (drawn, sqdist) in enumerate(zip(samples, sqdist_of_halves, strict=True)):
        other = half + 1 if half % 2 == 0 else half - 1
        unseen = ~np.isin(compared, drawn)
        for at, k in enumerate(k_values.tolist()):
            to_centroids, apart = sqdist[at]
            nearest = to_centroids.argmin(axis=1)
            by_half[half, at] = _prediction_strength(
                of_samples[other].best_labels(k), nearest[samples[other]], k
            )
            shared = _shared(own[k], nearest[compared], k)
            jaccard[half, at, :k] = _largest_jaccard(shared)
            rows = compared[unseen]
            border[half, at, :k, :k], core[half, at, :k, :k] = _count_between(
                to_centroids[rows], apart, nearest[rows], shared.argmax(axis=0)
            )
    border_of_all, core_of_all = _count_among_all(points, compared, own, k_max)
    pairs = (n_pairs, 2)
    return Replication(
        scale=sweep.scale,
        n_drawn=samples.shape[1],
        k_values=k_values,
        prediction_strength=by_half.reshape(*pairs, -1).mean(axis=1),
        jaccard=jaccard.reshape(*pairs, *jaccard.shape[1:]).mean(axis=1),
        border_of_halves=border.reshape(*pairs, *border.shape[1:]).sum(axis=1),
        core_of_halves=core.reshape(*pairs, *core.shape[1:]).sum(axis=1),
        border_of_all=border_of_all,
        core_of_all=core_of_all,
    )


def _compared_items(n_items: int, seed: int) -> np.ndarray:
    if n_items <= MOST_COMPARED:
        return np.arange(n_items)
    return np.sort(np.random.default_rng([seed, 3]).permutation(n_items)[:MOST_COMPARED])


class _Points:
    """Items as points, whose squared distances to centroids follow from scalar products.

    Fewer items than columns are represented by their matrix of scalar products, which is smaller.
    """

    def __init__(self, curves: Array) -> None:
        self.xp = xp_of(curves) if is_on_device(curves) else np
        points = self.xp.asarray(curves, dtype=np.float64)
        # against cancellation in squared distances
        points = points - points.mean(axis=0)
        self.squares = on_host((points * points).sum(axis=1))
        self.are_products = points.shape[0] <= points.shape[1]
        self.matrix: Array = points @ points.T if self.are_products else points

    def sqdist_to_centroids(
        self,
        samples: np.ndarray,
        labels: Sequence[Sequence[np.ndarray]],
        k_values: np.ndarray,
    ) -> Iterator[list[tuple[np.ndarray, np.ndarray]]]:
        """Yield for each sample, and each K, |x − c|² − |x|² of all items, and |c − c'|².

        The centroids c are those of the sample's items with its labels.
        """
        at_once = 1
        if self.xp is not np:  # every product costs launches and a wait
            bytes_of_one = 8 * int(k_values.sum()) * len(self.matrix)
            at_once = max(1, STACK_BYTES // bytes_of_one)
        for first in range(0, len(samples), at_once):
            block = slice(first, first + at_once)
            weights = np.array([_weights_of_all(of_one, k_values) for of_one in labels[block]])
            with_items, between = self._multiply(samples[block], weights)
            for of_items, of_centroids in zip(with_items, between, strict=True):
                yield _cut_by_k(of_items, of_centroids, k_values)

    def _multiply(self, samples: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scalar products of each sample's centroids with all items, and with each other."""
        members, on_device = self.xp.asarray(samples), self.xp.asarray(weights)
        if self.are_products:
            with_items = self.matrix[:, members].transpose(1, 0, 2) @ on_device.transpose(0, 2, 1)
            of_members = with_items[self.xp.arange(len(samples))[:, None], members]
            between = on_device @ of_members
        else:
            centroids = on_device @ self.matrix[members]
            with_items = self.matrix @ centroids.transpose(0, 2, 1)
            between = centroids @ centroids.transpose(0, 2, 1)
        with_items, between = all_on_host(with_items, between)
        return with_items, between


def _cut_by_k(
    with_items: np.ndarray, between: np.ndarray, k_values: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn scalar products with the centroids of all K into squared distances for each K."""
    squares = np.diag(between)
    ends = np.cumsum(k_values)
    found = []
    for start, end in zip(ends - k_values, ends, strict=True):
        of_k = slice(start, end)
        apart = squares[of_k, None] + squares[None, of_k] - 2 * between[of_k, of_k]
        found.append((squares[of_k] - 2 * with_items[:, of_k], np.maximum(apart, 0)))
    return found


def _weights_of_all(labels: Sequence[np.ndarray], k_values: np.ndarray) -> np.ndarray:
    """Return the weights of the clusters of every K, one below the other; (sum of K, n_items)."""
    of_each_k = zip(labels, k_values.tolist(), strict=True)
    return np.concatenate([_weights(of_k, k) for of_k, k in of_each_k])


def _weights(labels: np.ndarray, k: int) -> np.ndarray:
    """Return the matrix that averages the members of each cluster; (k, n_items)."""
    members = labels == np.arange(k)[:, None]
    weights: np.ndarray = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
    return weights


def _shared(labels: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """Return how many items each two clusters have in common; (k, k)."""
    return np.bincount(labels.astype(np.intp) * k + others, minlength=k * k).reshape(k, k)


def _prediction_strength(labels: np.ndarray, predicted: np.ndarray, k: int) -> float:
    """Return the share of pairs that stay together, in the worst cluster of two items or more."""
    shared = _shared(labels, predicted, k)
    size = shared.sum(axis=1)
    large = size > 1
    together = (shared * (shared - 1)).sum(axis=1)[large] / (size * (size - 1))[large]
    return float(together.min()) if large.any() else 0.0


def _largest_jaccard(shared: np.ndarray) -> np.ndarray:
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None] - shared
    largest: np.ndarray = (shared / np.maximum(union, 1)).max(axis=1)
    return largest


def _count_between(
    to_centroids: np.ndarray, apart: np.ndarray, nearest: np.ndarray, matched: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count the items at the borders and centroids of a half's clusters, as clusters of all items.

    ``matched`` is the cluster of all items that each cluster of the half corresponds to.
    """
    k = len(apart)
    to_own = np.take_along_axis(to_centroids, nearest[:, None], axis=1)
    position = _positions(to_centroids - to_own, apart[nearest])
    return tuple(  # type: ignore[return-value]
        _by_cluster(matched, counts, k) for counts in _count_zones(position, nearest, k)
    )


def _by_cluster(matched: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    corresponds = (matched[:, None] == np.arange(k)).astype(np.float64)
    summed: np.ndarray = corresponds.T @ counts @ corresponds
    return summed


def _positions(excess: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Return where items lie between their centroid (0) and every other one (1).

    ``excess`` is the squared distance to that other centroid minus that to their own.
    """
    position = np.full(excess.shape, np.nan)
    np.divide(excess, 2 * apart, out=position, where=apart > 0)
    return 0.5 - position


def _count_zones(position: np.ndarray, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many items of each cluster lie at the border, and near their centroid."""
    members = (labels == np.arange(k)[:, None]).astype(np.float64)
    at_border = members @ (position > 0.5 - BORDER)
    at_core = members @ (np.abs(position) < CORE)
    np.fill_diagonal(at_core, 0)
    return at_border, at_core


def _count_among_all(
    points: _Points, compared: np.ndarray, own: dict[int, np.ndarray], k_max: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count the items at the borders and centroids of the clusters of all compared items.

    Each item is compared with its cluster's centroid without itself: for c' = c + (c − x) / (n − 1)
    the squared distances follow from those to c.
    """
    k_values = np.array(list(own))
    labels = list(own.values())
    (sqdist,) = points.sqdist_to_centroids(compared[None], [labels], k_values)
    squares = points.squares[compared]
    border, core = np.zeros((2, k_values.size, k_max, k_max))
    for at, ((to_centroids, apart), of_k) in enumerate(zip(sqdist, labels, strict=True)):
        k = len(apart)
        distance = to_centroids[compared] + squares[:, None]
        to_own = np.take_along_axis(distance, of_k[:, None].astype(np.intp), axis=1)
        others = np.maximum(np.bincount(of_k, minlength=k)[of_k] - 1, 1)[:, None]
        moved = (to_own + apart[of_k] - distance) / others + to_own / others**2
        own_without = to_own * (1 + 1 / others) ** 2
        position = _positions(distance - own_without, apart[of_k] + moved)
        np.put_along_axis(position, of_k[:, None].astype(np.intp), np.nan, axis=1)
        border[at, :k, :k], core[at, :k, :k] = _count_zones(position, of_k, k)
    return border, core
