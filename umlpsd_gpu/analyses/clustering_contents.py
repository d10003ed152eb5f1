"""Sweeps as a table for other programs; the same for all analyses that cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.exports.contents import Column, Table
from umlpsd_gpu.kmeans.result import Sweep

# name, unit and meaning of the columns with one number for each scale, K and epoch
METRICS = (
    ("silhouette", "", "Mean silhouette SS"),
    ("calinski_harabasz", "", "Calinski-Harabasz index CH"),
    ("ssd", "", "Sum of squared distances to the centroids"),
    ("misclassified_percent", "%", "Silhouettes below 0, %Mscl"),
    ("smallest_cluster_silhouette", "", "Least of the clusters' mean silhouettes"),
    ("separation", "", "Clusters' mean margin over its standard deviation"),
    ("least_separation", "", "That of the worst cluster"),
    ("n_iterations", "", "Lloyd iterations done"),
)


def metrics_table(sweeps: Sequence[Sweep]) -> Table:
    """Return the metrics of all K-means runs.

    Parameters
    ----------
    sweeps : sequence of Sweep

    Returns
    -------
    Table
        One row for each scale, K and epoch.
    """
    shapes = [(sweep.k_values.size, sweep.n_epochs) for sweep in sweeps]
    scales = tuple(
        sweep.scale for sweep, (n_k, n) in zip(sweeps, shapes, strict=True) for _ in range(n_k * n)
    )
    ks = [np.repeat(sweep.k_values, sweep.n_epochs) for sweep in sweeps]
    epochs = [np.tile(np.arange(1, n + 1), n_k) for n_k, n in shapes]
    return Table(
        "metrics",
        (
            Column("scale", scales, "", "Smoothing scale or representation"),
            Column("k", _joined(ks), "", "Number of clusters"),
            Column("epoch", _joined(epochs), "", "Number of the K-means run"),
            *(
                Column(name, _joined([getattr(s, name).reshape(-1) for s in sweeps]), unit, meaning)
                for name, unit, meaning in METRICS
            ),
        ),
    )


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)
