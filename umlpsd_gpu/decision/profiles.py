"""Sweep → profile: one number of each kind for every K, which the consensus reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import mean_adjusted_rand
from umlpsd_gpu.kmeans.result import Sweep

# Evidence is read up to this K and from this many epochs, as when the weights were fitted.
MOST_K = 10
MOST_EPOCHS = 60


@dataclass(frozen=True)
class Profile:
    """Numbers for each K = 1, 2, …; (n_k,) each, NaN at K = 1 where a number needs two clusters.

    Attributes
    ----------
    silhouette : ndarray
        Mean over epochs.
    best_silhouette, smallest_silhouette, separation, least_separation : ndarray
        In the epoch of smallest SSD: mean silhouette, that of the worst cluster, and the two
        separations (kmeans/metrics.py).
    misclassified : ndarray
        Mean fraction of silhouettes below 0.
    stability : ndarray
        Mean adjusted Rand index between epochs.
    log_ssd : ndarray
        Natural logarithm of the smallest SSD.
    log_smallest_size : ndarray
        Natural logarithm of the smallest cluster's size in the epoch of smallest SSD, relative to
        equal sizes.
    nestedness, least_nestedness : ndarray
        Fraction of the traces that stay together from K − 1 to K: of each cluster at K those that
        come from the cluster at K − 1 that contributes most; over all traces, and in the worst
        cluster. Low where a cluster collects traces from between several others.
    """

    silhouette: np.ndarray
    best_silhouette: np.ndarray
    smallest_silhouette: np.ndarray
    separation: np.ndarray
    least_separation: np.ndarray
    misclassified: np.ndarray
    stability: np.ndarray
    log_ssd: np.ndarray
    log_smallest_size: np.ndarray
    nestedness: np.ndarray
    least_nestedness: np.ndarray


def profile_of(sweep: Sweep) -> Profile:
    """Read the profile of a sweep.

    Parameters
    ----------
    sweep : Sweep
        Over K = 1, 2, …, of which the first `MOST_K` are used.

    Returns
    -------
    Profile
    """
    n_k = min(MOST_K, sweep.k_values.size)
    best = sweep.ssd[:n_k].argmin(axis=1)
    at = np.arange(n_k), best
    sizes, nestedness, least_nestedness = _partitions(sweep.labels[at])
    return Profile(
        silhouette=sweep.silhouette[:n_k].mean(axis=1),
        best_silhouette=sweep.silhouette[at],
        smallest_silhouette=sweep.smallest_cluster_silhouette[at],
        separation=sweep.separation[at],
        least_separation=sweep.least_separation[at],
        misclassified=sweep.misclassified_percent[:n_k].mean(axis=1) / 100,
        stability=np.array([_stability(labels) for labels in sweep.labels[:n_k]]),
        log_ssd=log_least_ssd(sweep)[:n_k],
        log_smallest_size=sizes,
        nestedness=nestedness,
        least_nestedness=least_nestedness,
    )


def mean_profile(profiles: Sequence[Profile]) -> Profile:
    """Return the mean of several profiles.

    Parameters
    ----------
    profiles : sequence of Profile
        Over the same K's.

    Returns
    -------
    Profile
    """
    names = [field.name for field in fields(Profile)]
    return Profile(**{n: np.mean([getattr(p, n) for p in profiles], axis=0) for n in names})


def log_least_ssd(sweep: Sweep) -> np.ndarray:
    """Return the natural logarithm of the smallest SSD of each K.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    ndarray, shape (n_k,)
        Finite: an SSD of 0 counts as the smallest positive number.
    """
    logarithm: np.ndarray = np.log(np.maximum(sweep.ssd.min(axis=1), np.finfo(float).tiny))
    return logarithm


def _partitions(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sizes and nestedness of partitions into 1, 2, … clusters, as `Profile` has them.

    Parameters
    ----------
    labels : ndarray, shape (n_k, n_traces), int
    """
    n_k, n_traces = labels.shape
    sizes, nestedness, least = np.zeros(n_k), np.ones(n_k), np.ones(n_k)
    for k in range(2, n_k + 1):
        together = np.zeros((k, k - 1))
        np.add.at(together, (labels[k - 1], labels[k - 2]), 1)
        size = together.sum(axis=1)
        kept = together.max(axis=1)
        sizes[k - 1] = np.log(max(size.min(), 1) * k / n_traces)
        nestedness[k - 1] = kept.sum() / n_traces
        least[k - 1] = (kept / np.maximum(size, 1)).min()
    return sizes, nestedness, least


def _stability(labels: np.ndarray) -> float:
    """Return the mean adjusted Rand index between epochs; 1 for a single epoch."""
    labels = labels[:MOST_EPOCHS]
    if len(labels) < 2:
        return 1.0
    return mean_adjusted_rand(labels)
