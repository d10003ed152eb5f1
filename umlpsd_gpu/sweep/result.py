"""What a sweep over the number of clusters finds: every labelling and its quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sweep:
    """K-means labellings of one ensemble for every trial K and epoch, with their metrics.

    Attributes
    ----------
    k_values : ndarray, shape (n_k,), int
    labels : ndarray, shape (n_k, n_epochs, n_traces), int16
    silhouette, calinski_harabasz, ssd, misclassified_percent : ndarray, shape (n_k, n_epochs)
        Mean silhouette, Calinski-Harabasz index, sum of squared distances to the centroids, and
        percentage of silhouettes below 0. NaN where not defined (K = 1, but for ``ssd``).
    silhouette_stderr : ndarray, shape (n_k, n_epochs)
        Standard error of ``silhouette`` where it is the mean over a random sample of traces
        (budget.py); 0 over all of them.
    thresholds : ndarray, shape (n_thresholds,)
    below_percent : ndarray, shape (n_thresholds, n_k, n_epochs)
        Percentage of silhouettes below each threshold (%EM of the paper).
    smallest_cluster_silhouette : ndarray, shape (n_k, n_epochs)
        The least of the clusters' mean silhouettes. NaN at K = 1.
    separation, least_separation : ndarray, shape (n_k, n_epochs)
        Mean margin over its standard deviation (metrics.py), averaged over the clusters by their
        sizes, and that of the worst cluster. NaN at K = 1.
    n_iterations : ndarray, shape (n_k, n_epochs), int
        Lloyd iterations done; equals ``max_iter`` where a run was stopped by it.
    scale : str
        Smoothing scale of the values: ``"raw"``, ``"W80"``, ``"WL6"``, or any name.
    engine, silhouette_metric : str
    seed : int
    n_silhouettes : int
        Traces that silhouettes, their percentages and separations rest on: all, or fewer where a
        time budget asked for a sample.
    """

    k_values: np.ndarray
    labels: np.ndarray
    silhouette: np.ndarray
    silhouette_stderr: np.ndarray
    calinski_harabasz: np.ndarray
    ssd: np.ndarray
    misclassified_percent: np.ndarray
    thresholds: np.ndarray
    below_percent: np.ndarray
    smallest_cluster_silhouette: np.ndarray
    separation: np.ndarray
    least_separation: np.ndarray
    n_iterations: np.ndarray
    scale: str
    engine: str
    silhouette_metric: str
    seed: int
    n_silhouettes: int

    @property
    def n_epochs(self) -> int:
        return self.labels.shape[1]

    @property
    def n_traces(self) -> int:
        return self.labels.shape[2]

    def best_epoch(self, k: int) -> int:
        """Return the epoch of least SSD at K = k (the first, where several are equal)."""
        return int(np.argmin(self.ssd[self.index_of(k)]))

    def best_labels(self, k: int) -> np.ndarray:
        """Return the labels of the least-SSD epoch at K = k; (n_traces,)."""
        return self.labels[self.index_of(k), self.best_epoch(k)]

    def index_of(self, k: int) -> int:
        """Return the position of K = k in ``k_values``; ValueError where it was not tried."""
        (found,) = np.nonzero(self.k_values == k)
        if not found.size:
            raise ValueError(f"K = {k} was not tried; tried: {self.k_values.tolist()}")
        return int(found[0])
