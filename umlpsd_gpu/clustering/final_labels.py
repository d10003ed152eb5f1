"""The last clustering: labels, how sure they are, outliers, and the clusters without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from umlpsd_gpu.compute.backend import is_on_device, xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.decision.labels import final_labels, match_labels
from umlpsd_gpu.decision.outliers import (
    FALSE_POSITIVE_RATE,
    N_COARSE_SAMPLES,
    Outliers,
    outlier_scores,
)
from umlpsd_gpu.kmeans.gpu import silhouette_samples_on_device
from umlpsd_gpu.kmeans.metrics import silhouette_samples
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.settings import Settings


@dataclass(frozen=True)
class FinalClusters:
    """What the last clustering says of each trace.

    Attributes
    ----------
    labels : ndarray, shape (n_traces,), int16
        From 1, the largest cluster first; 0 for a trace that was not clustered, for which the
        others are NaN.
    label_uncertainty, silhouette : ndarray, shape (n_traces,)
    outliers : Outliers
    """

    labels: np.ndarray
    label_uncertainty: np.ndarray
    silhouette: np.ndarray
    outliers: Outliers

    def among(self, usable: np.ndarray) -> FinalClusters:
        """Return the same with a place for each trace that was not clustered.

        Parameters
        ----------
        usable : ndarray, shape (n_all_traces,), bool
        """

        def spread(found: np.ndarray, otherwise: float) -> np.ndarray:
            everywhere = np.full(usable.shape, otherwise, dtype=found.dtype)
            everywhere[usable] = found
            return everywhere

        return FinalClusters(
            labels=spread(self.labels, 0),
            label_uncertainty=spread(self.label_uncertainty, np.nan),
            silhouette=spread(self.silhouette, np.nan),
            outliers=replace(
                self.outliers,
                score=spread(self.outliers.score, np.nan),
                labels=spread(self.outliers.labels, 0),
            ),
        )


def final_clusters(
    scaled: Any, chosen: Sweep, k_opt: int, beta: np.ndarray, settings: Settings
) -> FinalClusters:
    """Label the traces at K_opt, find those that fit no cluster, and cluster again without them.

    Parameters
    ----------
    scaled : array, shape (n_traces, n_samples)
        What was swept, NumPy or CuPy.
    chosen : Sweep
        At the chosen scale.
    k_opt : int
    beta : ndarray, shape (n_traces,)
        NaN where unknown.
    settings : Settings
    """
    labels, uncertainty = final_labels(chosen, k_opt)
    silhouettes = silhouette_samples_on_device if is_on_device(scaled) else silhouette_samples
    silhouette = silhouettes(scaled, labels, settings.sweep.silhouette_metric)
    curves = on_host(scaled)
    n_averaged = curves.shape[1] // N_COARSE_SAMPLES
    curves = bin_mean(curves, n_averaged) if n_averaged > 1 else curves
    score, threshold = outlier_scores(curves, labels, beta, settings.sweep.seed)
    without = _labels_without(scaled, labels, score > threshold, chosen.scale, settings)
    outliers = Outliers(score, threshold, FALSE_POSITIVE_RATE, without)
    return FinalClusters(labels, uncertainty, silhouette, outliers)


def outlier_note(outliers: Outliers, mode: str) -> list[str]:
    """Say that there are outliers where there are more than chance can explain, else nothing."""
    n_found, n_expected = int(outliers.is_outlier.sum()), outliers.n_expected
    # three standard deviations of a Poisson number
    if n_found <= n_expected + 3 * n_expected**0.5:
        return []
    kind = "pixels between domains" if mode == "pixels" else "multi-state blinking"
    return [
        f"{n_found} of {np.isfinite(outliers.score).sum()} clustered traces fit no cluster, where "
        f"about {n_expected:.0f} are expected by chance: {kind}, perhaps. Clusters "
        "without them are in traces.csv."
    ]


def _labels_without(
    scaled: Any, labels: np.ndarray, is_outlier: np.ndarray, scale: str, settings: Settings
) -> np.ndarray:
    """Cluster the other traces again, into as many clusters; 0 for the outliers."""
    n_clusters, kept = int(labels.max()), np.flatnonzero(~is_outlier)
    without = np.where(is_outlier, 0, labels).astype(labels.dtype)
    if n_clusters == 1 or not is_outlier.any() or kept.size <= n_clusters:
        return without
    again = sweep(
        scaled[xp_of(scaled).asarray(kept)],
        [n_clusters],
        n_epochs=settings.sweep.n_epochs,
        seed=settings.sweep.seed,
        engine=settings.sweep.engine,
        silhouette_metric=settings.sweep.silhouette_metric,
        max_iter=settings.sweep.max_iter,
        scale=scale,
        n_threads=settings.n_threads,
    )
    without[kept] = 1 + match_labels(again.best_labels(n_clusters), labels[kept] - 1)
    return without
