"""The final clustering: labels, their uncertainty, outliers, and clusters without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.clustering.sweeps import options_of
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.decision.cluster_tests import ClusterTests, examine_clusters
from umlpsd_gpu.decision.labels import final_labels, match_labels
from umlpsd_gpu.decision.outliers import FALSE_POSITIVE_RATE, Outliers, outlier_scores
from umlpsd_gpu.kmeans.gpu import silhouette_samples_on_device
from umlpsd_gpu.kmeans.metrics import silhouette_samples
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import start_sweep
from umlpsd_gpu.settings import AnalysisSettings


@dataclass(frozen=True)
class FinalLabels:
    """The final clustering of every item.

    Attributes
    ----------
    matrix : ndarray, shape (n_items, n_columns)
        The items that were labelled, NumPy.
    labels : ndarray, shape (n_items,), int16
        From 1, the largest cluster first.
    label_uncertainty : ndarray, shape (n_items,)
        Weighted share of epochs that assign an item to another cluster; NaN after a single epoch.
    silhouette : ndarray, shape (n_items,)
        Silhouettes of these labels; NaN at K = 1.
    outliers : Outliers
        Items that fit no cluster, and the clusters without them.
    tests : ClusterTests
        Whether each cluster is one cloud, and apart from the others.
    """

    matrix: np.ndarray
    labels: np.ndarray
    label_uncertainty: np.ndarray
    silhouette: np.ndarray
    outliers: Outliers
    tests: ClusterTests


def label_items(
    matrix: Array,
    sweep: Sweep,
    k: int,
    settings: AnalysisSettings,
    trait: np.ndarray | None = None,
    coarsen: Callable[[np.ndarray], np.ndarray] | None = None,
) -> FinalLabels:
    """Label the items at one K, find outliers, and cluster again without them.

    Parameters
    ----------
    matrix : array, shape (n_items, n_columns)
        The items that were swept, NumPy or CuPy.
    sweep : Sweep
        Sweep of this matrix.
    k : int
        One of ``sweep.k_values``.
    settings : AnalysisSettings
    trait, coarsen
        See `umlpsd_gpu.clustering.cluster.cluster`.

    Returns
    -------
    FinalLabels
    """
    labels, uncertainty = final_labels(sweep, k)
    silhouettes = silhouette_samples_on_device if is_on_device(matrix) else silhouette_samples
    silhouette = silhouettes(matrix, labels, settings.sweep.silhouette_metric)
    rows = on_host(matrix)
    compared = rows if coarsen is None else coarsen(rows)
    score, threshold = outlier_scores(compared, labels, trait, settings.sweep.seed)
    without = _label_without(matrix, labels, score > threshold, sweep.scale, settings)
    outliers = Outliers(score, threshold, FALSE_POSITIVE_RATE, without)
    # the products are small: more threads would be slower
    with threadpool_limits(limits=1):
        tests = examine_clusters(rows, labels, settings.sweep.seed)
    return FinalLabels(rows, labels, uncertainty, silhouette, outliers, tests)


def _label_without(
    matrix: Array,
    labels: np.ndarray,
    is_outlier: np.ndarray,
    scale: str,
    settings: AnalysisSettings,
) -> np.ndarray:
    """Cluster the other items again, into the same number of clusters; outliers get 0."""
    n_clusters, kept = int(labels.max()), np.flatnonzero(~is_outlier)
    without = np.where(is_outlier, 0, labels).astype(labels.dtype)
    if n_clusters == 1 or not is_outlier.any() or kept.size <= n_clusters:
        return without
    again = start_sweep(
        matrix[xp_of(matrix).asarray(kept)],
        [n_clusters],
        replace(options_of(settings), budget_s=None),
        engine=settings.sweep.engine,
        scale=scale,
        n_threads=settings.n_threads,
    )()
    without[kept] = 1 + match_labels(again.best_labels(n_clusters), labels[kept] - 1)
    return without
