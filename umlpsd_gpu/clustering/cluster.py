"""Decide the number of clusters of an ensemble, and find labels and outliers.

The items that are clustered are the rows of a matrix: traces, curves or feature vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.clustering.final_labels import label_items
from umlpsd_gpu.clustering.representations import Representations
from umlpsd_gpu.clustering.sweeps import sweep_representations
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.compute.current_device import on_device_of_first
from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.decide import decide
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.settings import AnalysisSettings


@dataclass(frozen=True, eq=False)
class Clustering:
    """The clusters of an ensemble of items.

    Attributes
    ----------
    sweeps : tuple of Sweep
        One for each representation.
    decision : KDecision
        Number of clusters, and the representation (``scale``) with the final labels.
    matrix : ndarray, shape (n_clustered, n_columns)
        The items in that representation.
    labels : ndarray, shape (n_items,), int16
        From 1, the largest cluster first; 0 for an item that was not clustered, for which the
        other values are NaN.
    label_uncertainty : ndarray, shape (n_items,)
        Weighted share of epochs that assign an item to another cluster; NaN after a single epoch.
    silhouette : ndarray, shape (n_items,)
        Silhouettes of the final labels; NaN at K = 1.
    outliers : Outliers
        Items that fit no cluster, and the clusters without them.
    tests : ClusterTests
        Whether each cluster is one cloud, and apart from the others.
    """

    sweeps: tuple[Sweep, ...]
    decision: KDecision
    matrix: np.ndarray
    labels: np.ndarray
    label_uncertainty: np.ndarray
    silhouette: np.ndarray
    outliers: Outliers
    tests: ClusterTests

    def spread_over(self, is_clustered: np.ndarray) -> Clustering:
        """Return a copy with a place for every item that was left out of the clustering.

        Parameters
        ----------
        is_clustered : ndarray, shape (n_all_items,), bool
            True for the items that were clustered, in their order.

        Returns
        -------
        Clustering
            Labels are 0 and other values NaN for items that were not clustered.
        """

        def spread(values: np.ndarray, otherwise: float) -> np.ndarray:
            everywhere = np.full(is_clustered.shape, otherwise, dtype=values.dtype)
            everywhere[is_clustered] = values
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


@on_device_of_first
def cluster(
    representations: Representations | Mapping[str, Array],
    settings: AnalysisSettings,
    context: Context | None = None,
    trait: np.ndarray | None = None,
    coarsen: Callable[[np.ndarray], np.ndarray] | None = None,
    neighbours: np.ndarray | None = None,
) -> Clustering:
    """Decide the number of clusters and the representation, and label every item.

    Parameters
    ----------
    representations : Representations, or mapping of str to array (n_items, n_columns)
        The same items in one or several forms; finite values.
    settings : AnalysisSettings
        Sections ``sweep`` and ``decision``, and ``n_threads``.
    context : Context, optional
        Progress, clock, and who runs the sweeps.
    trait : ndarray, shape (n_items,), optional
        Another number for each item in which outliers can differ, as the exponent β; NaN where
        unknown.
    coarsen : callable, optional
        Averages neighbouring columns before outliers are found by their distance to the centroid;
        useful if columns are noisy samples of a curve
        (`umlpsd_gpu.decision.outliers.outlier_scores`).
    neighbours : ndarray, shape (n_pairs, 2), int, optional
        For pixels of an image: pairs of items that are neighbours. The blurred borders between
        domains are then not counted as clusters.

    Returns
    -------
    Clustering

    Raises
    ------
    TracesError
        If there are too few items, or values that are not finite.
    SettingsError
        If the matrices have different numbers of rows, or a setting is not allowed for them.
    DeviceError
        If the memory of the device is too small.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import cluster
    >>> from umlpsd_gpu.settings import AnalysisSettings
    >>> centres = np.repeat([0.0, 5.0, 10.0], 20)[:, None]
    >>> matrix = centres + np.random.default_rng(0).normal(size=(60, 4))
    >>> quick = AnalysisSettings().with_values({"sweep.k_max": 6, "sweep.n_epochs": 10})
    >>> clustering = cluster({"raw": matrix}, quick)
    >>> clustering.decision.k_opt, np.bincount(clustering.labels).tolist()
    (3, [0, 20, 20, 20])
    """
    if not isinstance(representations, Representations):
        representations = Representations.of_matrices(representations)
    context = context or Context()
    with context.clock.timing("sweep"):
        evidence = sweep_representations(representations, settings, context)
    # the products are small: more threads would be slower
    with context.clock.timing("decide"), threadpool_limits(limits=1):
        decision = decide(
            evidence.sweeps,
            evidence.replications,
            settings.decision.rule,
            evidence.surrogates,
            neighbours,
        )
    with context.clock.timing("cluster"):
        matrix = representations.make(decision.scale)
        (chosen,) = (sweep for sweep in evidence.sweeps if sweep.scale == decision.scale)
        final = label_items(matrix, chosen, decision.k_opt, settings, trait, coarsen)
        return Clustering(evidence.sweeps, decision, **vars(final))
