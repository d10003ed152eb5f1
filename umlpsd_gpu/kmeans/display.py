"""How a sweep shows itself, and its labelled arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.display import Outline, count, format_number
from umlpsd_gpu.compute.export import Labelled, LabelledArrays

METRICS = {
    "silhouette": ("1", "Mean silhouette"),
    "silhouette_stderr": ("1", "Its standard error where a sample of the traces was judged"),
    "calinski_harabasz": ("1", "Calinski-Harabasz index"),
    "ssd": ("1", "Sum of squared distances to the centroids, in squared units of the curves"),
    "misclassified_percent": ("%", "Silhouettes below 0"),
    "smallest_cluster_silhouette": ("1", "Least of the clusters' mean silhouettes"),
    "separation": ("1", "Mean cluster margin over its standard deviation"),
    "least_separation": ("1", "The same of the worst cluster"),
    "n_iterations": ("1", "Lloyd iterations done"),
}


def describe_sweep(sweep: Any) -> Outline:
    """Describe a sweep: what was tried, and the metrics averaged over the epochs.

    Parameters
    ----------
    sweep : Sweep
    """
    ks = sweep.k_values.tolist()
    means = [
        _mean_of_finite(values)
        for values in (sweep.silhouette, sweep.calinski_harabasz, sweep.misclassified_percent)
    ]
    tried = f"K = {ks[0]}" if len(ks) == 1 else f"K = {ks[0]}…{ks[-1]}"
    traces = count(sweep.n_traces, "trace")
    return Outline(
        line=f"{sweep.scale}: {tried}, {count(sweep.n_epochs, 'epoch')}, {traces}",
        sentence=f"{traces} at scale {sweep.scale}: {tried}, {count(sweep.n_epochs, 'epoch')} each "
        f"(engine {sweep.engine}, seed {sweep.seed}). Means over the epochs:",
        headings=("K", "⟨SS⟩", "CH", "%Mscl"),
        rows=[(str(k), *(format_number(mean[i]) for mean in means)) for i, k in enumerate(ks)],
    )


def label_sweep(sweep: Any) -> LabelledArrays:
    """Return the arrays of a sweep, labelled; its table has a row per K and epoch.

    Parameters
    ----------
    sweep : Sweep
    """
    by_epoch = {
        name: Labelled(("k", "epoch"), getattr(sweep, name), unit, meaning)
        for name, (unit, meaning) in METRICS.items()
    }
    return LabelledArrays(
        coords={
            "k": Labelled(("k",), sweep.k_values, "1", "Number of clusters"),
            "epoch": Labelled(("epoch",), np.arange(sweep.n_epochs), "1", "K-means run, from 0"),
            "threshold": Labelled(("threshold",), sweep.thresholds, "1", "Silhouette threshold"),
        },
        variables={
            **by_epoch,
            "labels": Labelled(("k", "epoch", "trace"), sweep.labels, "1", "Cluster, from 0"),
            "below_percent": Labelled(
                ("threshold", "k", "epoch"),
                sweep.below_percent,
                "%",
                "Silhouettes below the threshold",
            ),
        },
        attrs={
            name: getattr(sweep, name)
            for name in ("scale", "engine", "silhouette_metric", "seed", "n_silhouettes")
        },
        in_table=tuple(METRICS),
    )


def _mean_of_finite(values: Array) -> Array:
    """Return the mean over the epochs where it is finite; NaN where it never is."""
    mean: Array = np.ma.masked_invalid(values).mean(axis=1).filled(np.nan)
    return mean
