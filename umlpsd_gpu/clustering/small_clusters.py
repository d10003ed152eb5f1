"""Clusters of very few items are groups of outliers, not classes: their items lose the label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.decision.cluster_tests import examine_clusters

# A cluster with a smaller share of the items is a group of outliers
SMALLEST_SHARE = 0.01


def call_small_clusters_outliers(
    clustering: Clustering, seed: int = 0, fewest: int = 1
) -> Clustering:
    """Take the label from the items of clusters of less than 1 %, and count them as outliers.

    Parameters
    ----------
    clustering : Clustering
        Of clustered items only.
    seed : int, optional
        Of the tests of the other clusters.
    fewest : int, optional
        A cluster of fewer items is small as well.

    Returns
    -------
    Clustering
        Such items have label 0, no silhouette and no uncertainty, and an infinite outlier score.
        The numbers of the other clusters stay, since the largest comes first. The decision stays:
        K counts these groups too.
    """
    counts = np.bincount(clustering.labels)
    is_small = counts < max(SMALLEST_SHARE * clustering.labels.size, fewest)
    grouped = is_small[clustering.labels]
    if not grouped.any():
        return clustering

    def without(values: np.ndarray, otherwise: float) -> np.ndarray:
        kept = values.copy()
        kept[grouped] = otherwise
        return kept

    labels, outliers = without(clustering.labels, 0), clustering.outliers
    is_class = np.isin(outliers.labels, np.unique(labels))
    return replace(
        clustering,
        labels=labels,
        label_uncertainty=without(clustering.label_uncertainty, np.nan),
        silhouette=without(clustering.silhouette, np.nan),
        outliers=replace(
            outliers,
            score=without(outliers.score, np.inf),
            labels=without(np.where(is_class, outliers.labels, 0), 0),
        ),
        tests=examine_clusters(clustering.matrix, labels, seed),
    )


def list_group_notes(
    clustering: Clustering, is_usable: np.ndarray, items: str, fewest: int = 1
) -> list[str]:
    """Return a note about clusters whose items have lost their label.

    Parameters
    ----------
    clustering : Clustering
        With a place for every item.
    is_usable : ndarray, shape (n_items,), bool
        Which items were clustered.
    items : str
        Word for them, in the plural.
    fewest : int, optional
        As for `call_small_clusters_outliers`.

    Returns
    -------
    list of str
        One note, or none.
    """
    k, n_usable = clustering.decision.k_opt, int(np.count_nonzero(is_usable))
    n_groups = k - int(clustering.labels.max())
    n_grouped = int(np.count_nonzero(is_usable & (clustering.labels == 0)))
    if not n_grouped:
        return []
    least = max(SMALLEST_SHARE * n_usable, fewest)
    share = f"{100 * SMALLEST_SHARE:.0f} % of the" if least > fewest else f"{fewest}"
    return [
        f"{n_groups} of the K = {k} clusters hold{'s' * (n_groups == 1)} less than {share} {items} "
        f"({n_grouped} of {n_usable} in all): these are outliers, not a class, and have no label."
    ]
