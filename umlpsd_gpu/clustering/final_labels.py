"""The last clustering: labels, how sure they are, outliers, and the clusters without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.clustering.sweeps import options_of
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.decision.labels import final_labels, match_labels
from umlpsd_gpu.decision.outliers import FALSE_POSITIVE_RATE, Outliers, outlier_scores
from umlpsd_gpu.kmeans.gpu import silhouette_samples_on_device
from umlpsd_gpu.kmeans.metrics import silhouette_samples
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import start_sweep
from umlpsd_gpu.settings import AnalysisSettings


@dataclass(frozen=True)
class FinalLabels:
    """What the last clustering says of each curve.

    Attributes
    ----------
    labels : ndarray, shape (n_curves,), int16
        From 1, the largest cluster first.
    label_uncertainty : ndarray, shape (n_curves,)
        Weighted share of epochs that put a curve into another cluster; NaN after a single epoch.
    silhouette : ndarray, shape (n_curves,)
        Of these labels; NaN at K = 1.
    outliers : Outliers
        Curves that fit no cluster, and the clusters without them.
    """

    labels: np.ndarray
    label_uncertainty: np.ndarray
    silhouette: np.ndarray
    outliers: Outliers


def label_curves(
    matrix: Array,
    sweep: Sweep,
    k: int,
    settings: AnalysisSettings,
    trait: np.ndarray | None = None,
    coarsen: Callable[[np.ndarray], np.ndarray] | None = None,
) -> FinalLabels:
    """Label the curves at one K, find those that fit no cluster, and cluster again without them.

    Parameters
    ----------
    matrix : array, shape (n_curves, n_columns)
        What was swept, NumPy or CuPy.
    sweep : Sweep
        Of the matrix.
    k : int
        One of ``sweep.k_values``.
    settings : AnalysisSettings
    trait, coarsen
        See `umlpsd_gpu.clustering.cluster.cluster`.
    """
    labels, uncertainty = final_labels(sweep, k)
    silhouettes = silhouette_samples_on_device if is_on_device(matrix) else silhouette_samples
    silhouette = silhouettes(matrix, labels, settings.sweep.silhouette_metric)
    curves = on_host(matrix)
    compared = curves if coarsen is None else coarsen(curves)
    score, threshold = outlier_scores(compared, labels, trait, settings.sweep.seed)
    without = _label_without(matrix, labels, score > threshold, sweep.scale, settings)
    outliers = Outliers(score, threshold, FALSE_POSITIVE_RATE, without)
    return FinalLabels(labels, uncertainty, silhouette, outliers)


def _label_without(
    matrix: Array,
    labels: np.ndarray,
    is_outlier: np.ndarray,
    scale: str,
    settings: AnalysisSettings,
) -> np.ndarray:
    """Cluster the other curves again, into as many clusters; 0 for the outliers."""
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
