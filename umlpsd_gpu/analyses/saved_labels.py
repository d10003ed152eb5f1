"""The saved labels of every representation and number of clusters, for the explorer of a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.explorer.parts import Labellings, Metric
from umlpsd_gpu.kmeans.result import Sweep

METRICS = (
    ("silhouette", "Mean silhouette", ""),
    ("calinski_harabasz", "Calinski–Harabasz index", ""),
    ("ssd", "Sum of squared distances", "relative to the smallest K"),
    ("misclassified_percent", "Silhouettes below 0", "%"),
)


def saved_labellings(
    sweeps: Sequence[Sweep],
    decision: KDecision,
    labels: np.ndarray,
    is_swept: np.ndarray,
    view_word: str,
) -> Labellings:
    """Return the labels of every sweep at every K, with their metrics.

    Parameters
    ----------
    sweeps : sequence of Sweep
        Of the items that were clustered, in their order.
    decision : KDecision
    labels : ndarray, shape (n_items,), int
        Final labels from 1; 0 for items without a cluster.
    is_swept : ndarray, shape (n_items,), bool
        Which items were clustered.
    view_word : str
        What the sweeps differ in, as ``"Smoothing scale"``.

    Returns
    -------
    Labellings
        Labels of the epoch of smallest SSD. Clusters have the numbers of the final clusters that
        they share the most items with, so that colours stay as far as possible; the labels at the
        decided K and scale are the final ones.
    """
    k_values = np.unique(np.concatenate([sweep.k_values for sweep in sweeps]))
    views = tuple(sweep.scale for sweep in sweeps)
    saved = np.zeros((len(sweeps), k_values.size, labels.size), dtype=np.uint8)
    means = {name: np.full((len(sweeps), k_values.size), np.nan) for name, _, _ in METRICS}
    # items that were swept but belong to no class are one more cluster here
    final = labels[is_swept].astype(np.intp)
    reference = np.where(final > 0, final - 1, final.max(initial=0))
    for view, sweep in enumerate(sweeps):
        at = np.searchsorted(k_values, sweep.k_values)
        for name, values in means.items():
            values[view, at] = mean_over_epochs(sweep, name)
        for k, place in zip(sweep.k_values.tolist(), at.tolist(), strict=True):
            matched = match_labels(sweep.best_labels(k), reference)
            saved[view, place, is_swept] = matched + 1
    decided = views.index(decision.scale), int(np.searchsorted(k_values, decision.k_opt))
    saved[decided] = labels
    return Labellings(
        view_word=view_word,
        views=views,
        k_values=k_values,
        labels=saved,
        view=decided[0],
        k=decided[1],
        metrics=tuple(Metric(title, unit, means[name]) for name, title, unit in METRICS),
    )


def mean_over_epochs(sweep: Sweep, metric: str) -> np.ndarray:
    """Return the mean of a metric over the epochs where it is finite.

    Parameters
    ----------
    sweep : Sweep
    metric : str
        Name of an attribute; ``"ssd"`` is divided by its mean at the smallest K.

    Returns
    -------
    ndarray, shape (n_k,)
        NaN where it is finite in no epoch.
    """
    mean: np.ndarray = np.ma.masked_invalid(getattr(sweep, metric)).mean(axis=1).filled(np.nan)
    if metric == "ssd":
        return mean / (mean[0] if mean[0] > 0 else np.nan)
    return mean
