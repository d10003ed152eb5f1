"""Representations of the same curves → how many clusters, which curve is in which or in none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.clustering.final_labels import label_curves
from umlpsd_gpu.clustering.representations import Representations
from umlpsd_gpu.clustering.sweeps import sweep_representations
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.decision.decide import decide
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.settings import AnalysisSettings


@dataclass(frozen=True)
class Clustering:
    """The clusters of an ensemble of curves.

    Attributes
    ----------
    sweeps : tuple of Sweep
        One for each representation.
    decision : KDecision
        Number of clusters, and the representation (``scale``) whose labels are final.
    matrix : ndarray, shape (n_clustered, n_columns)
        The curves in that representation.
    labels : ndarray, shape (n_curves,), int16
        From 1, the largest cluster first; 0 for a curve that was not clustered, for which the
        others are NaN.
    label_uncertainty : ndarray, shape (n_curves,)
        Weighted share of epochs that put a curve into another cluster; NaN after a single epoch.
    silhouette : ndarray, shape (n_curves,)
        Of the final labels; NaN at K = 1.
    outliers : Outliers
        Curves that fit no cluster, and the clusters without them.
    """

    sweeps: tuple[Sweep, ...]
    decision: KDecision
    matrix: np.ndarray
    labels: np.ndarray
    label_uncertainty: np.ndarray
    silhouette: np.ndarray
    outliers: Outliers

    def placed_in(self, is_clustered: np.ndarray) -> Clustering:
        """Return the same with a place for each curve that was left out of the clustering.

        Parameters
        ----------
        is_clustered : ndarray, shape (n_all_curves,), bool
            As many are True as curves were clustered.
        """

        def spread(found: np.ndarray, otherwise: float) -> np.ndarray:
            everywhere = np.full(is_clustered.shape, otherwise, dtype=found.dtype)
            everywhere[is_clustered] = found
            return everywhere

        return replace(
            self,
            labels=spread(self.labels, 0),
            label_uncertainty=spread(self.label_uncertainty, np.nan),
            silhouette=spread(self.silhouette, np.nan),
            outliers=replace(
                self.outliers,
                score=spread(self.outliers.score, np.nan),
                labels=spread(self.outliers.labels, 0),
            ),
        )


def cluster(
    representations: Representations | Mapping[str, Any],
    settings: AnalysisSettings,
    context: Context | None = None,
    trait: np.ndarray | None = None,
    coarsen: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Clustering:
    """Decide the number of clusters and the representation, and label every curve.

    Parameters
    ----------
    representations : Representations, or mapping of str to array (n_curves, n_columns)
        The same curves in one or several forms; finite values.
    settings : AnalysisSettings
        Sections ``sweep`` and ``decision``, and ``n_threads``.
    context : Context, optional
        Progress, clock, and who runs the sweeps.
    trait : ndarray, shape (n_curves,), optional
        A number beside the curves that outliers may differ in, as the exponent β; NaN where
        unknown.
    coarsen : callable, optional
        Averages neighbouring columns before distances to centroids are compared for outliers,
        where columns are noisy samples of a curve (`umlpsd_gpu.decision.outliers.outlier_scores`).

    Returns
    -------
    Clustering

    Raises
    ------
    TracesError
        If values are not finite.
    SettingsError
        If matrices don't belong together, or a setting is not allowed for them.
    DeviceError
        If the device's memory can't hold the work.
    """
    if not isinstance(representations, Representations):
        representations = Representations.of_matrices(representations)
    context = context or Context()
    with context.clock.timing("sweep"):
        evidence = sweep_representations(representations, settings, context)
    # many small products: threads would only get in each other's way
    with context.clock.timing("decide"), threadpool_limits(limits=1):
        decision = decide(
            evidence.sweeps, evidence.surrogates, settings.decision.rule, evidence.samples
        )
    with context.clock.timing("cluster"):
        matrix = representations.make(decision.scale)
        (chosen,) = (sweep for sweep in evidence.sweeps if sweep.scale == decision.scale)
        final = label_curves(matrix, chosen, decision.k_opt, settings, trait, coarsen)
        return Clustering(evidence.sweeps, decision, on_host(matrix), **vars(final))
