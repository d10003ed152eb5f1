"""Traces that belong to no cluster: a score for each, and a threshold of stated false positives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FALSE_POSITIVE_RATE = 0.05
# For callers of `outlier_scores`: average curves to about this many samples before. Camera noise is
# most of every distance between raw ones (by distance alone MSB have a ROC AUC of 0.39, averaged
# 0.90).
N_COARSE_SAMPLES = 100
# A cluster of fewer traces has no reliable spread, and may be a group of outliers (our choice).
LEAST_MEMBERS = 5
# Spreads of ln distance and of β are at least this: against division by 0 for identical traces.
LEAST_SPREAD = 1e-3
# Distances below this fraction of the ensemble's width count as equal.
LEAST_DISTANCE = 1e-6
# Clusters hold misplaced traces and have wider tails than a Gaussian: in 24 simulated ensembles of
# 204 PEB, TSB and PBB traces 4.7 % exceed the threshold that 2.25 % of the Gaussian null exceed.
NULL_SHARE = 0.45
N_NULL_TRACES = 20_000
# In smaller ensembles no trace is called an outlier: medians and spreads are then too uncertain to
# keep the rate (20 traces in 3 clusters: 10 % instead of 5).
LEAST_TRACES = 30


@dataclass(frozen=True, eq=False)
class Outliers:
    """Which traces belong to no cluster, and the clusters found without them.

    Attributes
    ----------
    score : ndarray, shape (n_traces,)
        From 0 up, in standard deviations; NaN for a trace that was not clustered.
    threshold : float
        A trace is an outlier where its score is above. Infinite where there are too few traces.
    false_positive_rate : float
        Fraction of the traces that a finite threshold flags if all belong to their clusters; 0…1.
    labels : ndarray, shape (n_traces,), int16
        Clusters found again without the outliers, numbered as the clusters of all traces that they
        share the most traces with; 0 for outliers and for traces that were not clustered.
    """

    score: np.ndarray
    threshold: float
    false_positive_rate: float
    labels: np.ndarray

    @property
    def is_outlier(self) -> np.ndarray:
        """Return which traces are outliers; (n_traces,) bool."""
        return self.score > self.threshold

    @property
    def n_expected(self) -> float:
        """Number of outliers expected if all traces belonged to their clusters."""
        if np.isinf(self.threshold):
            return 0.0
        return self.false_positive_rate * float(np.isfinite(self.score).sum())


def outlier_scores(
    values: np.ndarray,
    labels: np.ndarray,
    beta: np.ndarray | None = None,
    seed: int = 0,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
) -> tuple[np.ndarray, float]:
    """Score how far each trace is outside the range of every cluster, and set a threshold.

    Two traits count: the logarithm of the distance to the centroid of the trace's own cluster, and
    the exponent β. Only large values count, since multi-state blinking is far from its cluster's
    mean and has the largest β. Each trait is compared with every cluster, in units of that
    cluster's spread below its median, and the smallest excess is kept: a trace between two clusters
    is no outlier. The score is the root of the sum of the squared excesses.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples), finite
        What was clustered, in any unit. Curves of many more than `N_COARSE_SAMPLES` samples should
        be averaged to about that many before: noise dominates the distances between raw ones.
    labels : ndarray, shape (n_traces,), int
        Clusters, from 1 up. Clusters of fewer than 5 traces are counted with the nearest larger
        one; where there is none, all traces are compared with each other.
    beta : ndarray, shape (n_traces,), optional
        Exponents; NaN where unknown: then distance alone counts.
    seed : int
        Seed of the random numbers behind the threshold.
    false_positive_rate : float
        Fraction of the traces to be flagged by chance, between 0 and 1.

    Returns
    -------
    score : ndarray, shape (n_traces,)
        From 0 up, in standard deviations.
    threshold : float
        From a null that outliers, which are above the medians, hardly change: ensembles whose
        traits are Gaussian around the medians of their clusters, with the spreads and the rank
        correlation found. 0.45 times the rate exceed it there, and about the rate itself in
        simulated classes, which have wider tails. Infinite for fewer than 30 traces.
    """
    groups, traits = _traits(values, labels, beta)
    centre, spread = _centre_and_spread(traits, groups)
    score = _excess(traits, centre, spread)
    if len(values) < LEAST_TRACES:
        return score, float("inf")
    correlation = _rank_correlation(traits, groups)
    null = _null_scores(centre, spread, groups, correlation, seed)
    return score, float(np.quantile(null, 1 - NULL_SHARE * false_positive_rate))


def _traits(
    values: np.ndarray, labels: np.ndarray, beta: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the group that each trace is counted to, from 0, and its traits.

    The traits, ln distance to the group's centroid and β where there is any, have the shape
    (n_traits, n_traces).
    """
    groups, centroids = _groups(values, labels)
    sqdist = np.empty(len(values))
    for group, centroid in enumerate(centroids):
        here = groups == group
        sqdist[here] = np.square(values[here] - centroid).sum(axis=1)
    width = values.var(axis=0).sum()
    floor = max(LEAST_DISTANCE**2 * width, np.finfo(np.float64).tiny)
    distance = 0.5 * np.log(np.maximum(sqdist, floor))
    if beta is None or not np.isfinite(beta).any():
        return groups, distance[None]
    return groups, np.stack([distance, np.where(np.isfinite(beta), beta, np.nan)])


def _groups(curves: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return groups and centroids of the clusters large enough to compare with.

    The traces of the others, which have no part in the centroids, go to the nearest one.
    """
    _, members = np.unique(labels, return_inverse=True)
    sizes = np.bincount(members)
    large = np.flatnonzero(sizes >= LEAST_MEMBERS)
    if not large.size:
        return np.zeros(len(curves), dtype=np.intp), curves.mean(axis=0)[None]
    centroids = np.stack([curves[members == cluster].mean(axis=0) for cluster in large])
    groups = np.searchsorted(large, members)
    for trace in np.flatnonzero(sizes[members] < LEAST_MEMBERS):
        groups[trace] = np.square(centroids - curves[trace]).sum(axis=1).argmin()
    return groups, centroids


def _centre_and_spread(traits: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each group's median and the deviation of its lower half; (..., n_traits, n_groups).

    The lower half: outliers that a cluster took in widen the upper one. NaN where a trait is
    unknown for the whole group.
    """
    centre, spread = (np.empty((*traits.shape[:-1], groups.max() + 1)) for _ in range(2))
    for group in range(groups.max() + 1):
        members = traits[..., groups == group]
        middle = _median(members)
        below = np.maximum(middle[..., None] - members, 0)
        n_known = np.maximum(np.count_nonzero(np.isfinite(members), axis=-1), 1)
        # of a Gaussian the mean of what is below the centre is its deviation / √(2π)
        deviation = np.sqrt(2 * np.pi) * np.nansum(below, axis=-1) / n_known
        centre[..., group], spread[..., group] = middle, np.maximum(deviation, LEAST_SPREAD)
    return centre, spread


def _median(members: np.ndarray) -> np.ndarray:
    """Return the median over the last axis, NaN left out; NaN where nothing is left."""
    if not np.isnan(members).any():
        median: np.ndarray = np.median(members, axis=-1)
        return median
    known = [row[np.isfinite(row)] for row in members.reshape(-1, members.shape[-1])]
    medians = np.array([np.median(row) if row.size else np.nan for row in known])
    return medians.reshape(members.shape[:-1])


def _excess(traits: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the root of the summed squared excesses over every group; (..., n_traces)."""
    least = np.full(traits.shape, np.inf)
    for group in range(centre.shape[-1]):
        above = traits - centre[..., group, None]
        np.fmin(least, above / spread[..., group, None], out=least)
    least[~np.isfinite(least)] = 0.0  # unknown traits
    excess: np.ndarray = np.sqrt(np.square(np.maximum(least, 0)).sum(axis=-2))
    return excess


def _rank_correlation(traits: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the correlation of Gaussian traits that have the rank correlation found in groups."""
    ranks = np.zeros(traits.shape)
    for group in range(groups.max() + 1):
        here = groups == group
        ranked = traits[:, here].argsort(axis=1, kind="stable").argsort(axis=1)
        ranks[:, here] = (ranked + 0.5) / here.sum() - 0.5
    ranks[np.isnan(traits)] = 0.0
    width = np.sqrt(np.square(ranks).sum(axis=1))
    product = np.outer(width, width)
    spearman = np.divide(ranks @ ranks.T, product, out=np.zeros_like(product), where=product > 0)
    correlation: np.ndarray = 2 * np.sin(np.pi / 6 * spearman)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _null_scores(
    centre: np.ndarray,
    spread: np.ndarray,
    groups: np.ndarray,
    correlation: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Return scores of ensembles of the same groups whose traits are Gaussian; (n,).

    Medians and spreads are found anew in each ensemble: in a small one they are uncertain.
    """
    rng = np.random.default_rng([seed, 2])
    n_ensembles = -(-N_NULL_TRACES // groups.size)
    shape = (n_ensembles, len(correlation), groups.size)
    drawn = np.linalg.cholesky(correlation) @ rng.standard_normal(shape)
    ordered = np.sort(groups)
    traits = centre[:, ordered] + spread[:, ordered] * drawn
    return _excess(traits, *_centre_and_spread(traits, ordered)).ravel()
