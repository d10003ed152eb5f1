"""The paper's protocol in scikit-learn, and the loop that shares partitions among the metrics.

The paper's scripts run K-means separately for every metric: the silhouette on K 2…15, Calinski–
Harabasz on the best of 5 replicates of each K, SSD from K = 1. One partition can be used for all of
them, which is the loop that a user of scikit-learn would write today.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

METRICS = ("SS", "CH", "SSD")
ALL = "all three"
K_MAX = 15
MAX_ITER = 100  # MATLAB's default
CH_REPLICATES = 5  # what MATLAB's evalclusters runs
# MATLAB stops when no trace changes its cluster. The loop that shares partitions uses the looser
# default of scikit-learn, which is in its favour.
PAPER_TOL, SKLEARN_TOL = 0.0, 1e-4


@dataclass(frozen=True)
class Labelled:
    """The labels behind one metric, and the values that their program calculated.

    Attributes
    ----------
    k_values : ndarray, shape (n_k,), int
    labels : ndarray, shape (n_k, n_epochs, n_traces), int
    values : ndarray, shape (n_k, n_epochs)
        Mean silhouette, Calinski–Harabasz index, or SSD; NaN at K = 1 except for SSD.
    """

    k_values: np.ndarray
    labels: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class ProtocolRun:
    """One timed run of a protocol.

    Attributes
    ----------
    seconds : dict of str to float
        By metric, and for all three; for ``n_epochs`` epochs.
    n_epochs : int
    found : dict of str to Labelled
        By metric.
    lone_silhouette : float
        Silhouette of a trace alone in its cluster: 0 in scikit-learn and here, 1 in Octave.
    candidates : int, optional
        Candidates that k-means++ tries per step: 1 in Octave; None is 2 + ln K, as in scikit-learn
        and here.
    """

    seconds: dict[str, float]
    n_epochs: int
    found: dict[str, Labelled]
    lone_silhouette: float = 0.0
    candidates: int | None = None


def separate_runs(
    values: np.ndarray, n_epochs: int = 1, seed: int = 0, k_max: int = K_MAX
) -> ProtocolRun:
    """Run the paper's protocol: a separate K-means for each metric, one epoch after another.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
        Finite.
    n_epochs : int
    seed : int
    k_max : int

    Returns
    -------
    ProtocolRun
    """
    runs = {
        "SS": (range(2, k_max + 1), 1, _silhouette),
        "CH": (range(2, k_max + 1), CH_REPLICATES, _calinski_harabasz),
        "SSD": (range(1, k_max + 1), 1, _inertia),
    }
    seconds, found = {}, {}
    for number, (metric, (ks, n_init, judge)) in enumerate(runs.items()):
        start = time.perf_counter()
        found[metric] = _every_k(values, ks, n_epochs, [seed, number], n_init, judge)
        seconds[metric] = time.perf_counter() - start
    return ProtocolRun({**seconds, ALL: sum(seconds.values())}, n_epochs, found)


def shared_partitions(
    values: np.ndarray, n_epochs: int = 1, seed: int = 0, k_max: int = K_MAX
) -> ProtocolRun:
    """Run the loop of a scikit-learn script: one K-means per K and epoch for all metrics.

    The time of one metric is that of the partitions and of the metric itself.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
        Finite.
    n_epochs : int
    seed : int
    k_max : int

    Returns
    -------
    ProtocolRun
    """
    shape = k_max, n_epochs
    labels = np.empty((*shape, len(values)), dtype=np.int16)
    values_of = {metric: np.full(shape, np.nan) for metric in METRICS}
    spent = dict.fromkeys(["K = 1", "K-means", *METRICS], 0.0)
    for epoch in range(n_epochs):
        for k in range(1, k_max + 1):
            at = k - 1, epoch
            start = time.perf_counter()
            run = _kmeans(values, k, 1, SKLEARN_TOL, [seed, epoch, k])
            labels[at], values_of["SSD"][at] = run.labels_, run.inertia_
            spent["K-means" if k > 1 else "K = 1"] += time.perf_counter() - start
            for metric, judge in (("SS", _silhouette), ("CH", _calinski_harabasz)):
                if k > 1:
                    start = time.perf_counter()
                    values_of[metric][at] = judge(values, run)
                    spent[metric] += time.perf_counter() - start
    seconds = {metric: spent["K-means"] + spent[metric] for metric in METRICS}
    seconds["SSD"] += spent["K = 1"]
    ks = np.arange(1, k_max + 1)
    found = {metric: Labelled(ks, labels, values_of[metric]) for metric in METRICS}
    return ProtocolRun({**seconds, ALL: sum(spent.values())}, n_epochs, found)


def _every_k(
    values: np.ndarray,
    ks: Sequence[int],
    n_epochs: int,
    seed: list[int],
    n_init: int,
    judge: Callable[[np.ndarray, Any], float],
) -> Labelled:
    labels = np.empty((len(ks), n_epochs, len(values)), dtype=np.int16)
    metrics = np.empty((len(ks), n_epochs))
    for epoch in range(n_epochs):
        for i, k in enumerate(ks):
            run = _kmeans(values, k, n_init, PAPER_TOL, [*seed, epoch, k])
            labels[i, epoch], metrics[i, epoch] = run.labels_, judge(values, run)
    return Labelled(np.array(ks), labels, metrics)


def _kmeans(values: np.ndarray, k: int, n_init: int, tol: float, seed: list[int]) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(
        n_clusters=k,
        init="k-means++",
        n_init=n_init,
        max_iter=MAX_ITER,
        tol=tol,
        algorithm="lloyd",
        random_state=int(np.random.default_rng(seed).integers(2**31)),
    ).fit(values)


def _silhouette(values: np.ndarray, run: Any) -> float:
    """Return the mean; the share of negative ones (%Mscl) is counted as well, as in the paper."""
    from sklearn.metrics import silhouette_samples

    silhouettes = silhouette_samples(values, run.labels_, metric="sqeuclidean")
    np.count_nonzero(silhouettes < 0)
    return float(silhouettes.mean())


def _calinski_harabasz(values: np.ndarray, run: Any) -> float:
    from sklearn.metrics import calinski_harabasz_score

    return float(calinski_harabasz_score(values, run.labels_))


def _inertia(values: np.ndarray, run: Any) -> float:
    return float(run.inertia_)
