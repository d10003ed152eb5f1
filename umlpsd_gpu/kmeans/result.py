"""The result of a sweep over the number of clusters: every labelling and its quality."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.compute.display import Displayed, Outline
from umlpsd_gpu.compute.export import Exported, LabelledArrays
from umlpsd_gpu.kmeans.blocks import BlockResults
from umlpsd_gpu.kmeans.display import describe_sweep, label_sweep
from umlpsd_gpu.kmeans.metrics import THRESHOLDS
from umlpsd_gpu.kmeans.options import SweepOptions

# the metrics that are one number for each K and epoch
BY_EPOCH = (
    "silhouette",
    "silhouette_stderr",
    "calinski_harabasz",
    "ssd",
    "smallest_cluster_silhouette",
    "separation",
    "least_separation",
)


@dataclass(frozen=True, repr=False, eq=False)
class Sweep(Displayed, Exported):
    """K-means labellings of one ensemble for every trial K and epoch, with their metrics.

    Attributes
    ----------
    k_values : ndarray, shape (n_k,), int
        Numbers of clusters that were tried, ascending.
    labels : ndarray, shape (n_k, n_epochs, n_traces), int16
        From 0 to K − 1.
    silhouette, calinski_harabasz, ssd, misclassified_percent : ndarray, shape (n_k, n_epochs)
        Mean silhouette, Calinski-Harabasz index, sum of squared distances to the centroids (in the
        squared unit of the values), and percentage of silhouettes below 0. NaN where not defined
        (at K = 1 all but ``ssd``).
    silhouette_stderr : ndarray, shape (n_k, n_epochs)
        Standard error of ``silhouette`` where it is the mean over a random sample of traces
        (budget.py); 0 over all of them.
    thresholds : ndarray, shape (n_thresholds,)
        Silhouettes 0, 0.1 … 0.6.
    below_percent : ndarray, shape (n_thresholds, n_k, n_epochs)
        Percentage of silhouettes below each threshold (the paper's %EM).
    smallest_cluster_silhouette : ndarray, shape (n_k, n_epochs)
        The smallest of the clusters' mean silhouettes. NaN at K = 1.
    separation, least_separation : ndarray, shape (n_k, n_epochs)
        Mean margin of a cluster's members over its standard deviation (metrics.py): averaged over
        the clusters by their sizes, and in the worst cluster. NaN at K = 1.
    n_iterations : ndarray, shape (n_k, n_epochs), int
        Lloyd iterations done; equals ``max_iter`` where a run was stopped by it.
    scale : str
        Name of the representation that was swept: a smoothing scale ``"raw"``, ``"W80"``,
        ``"WL6"``, or any other name.
    engine, silhouette_metric : str
    seed : int
    n_silhouettes : int
        Number of traces behind silhouettes, their percentages and separations: all, or fewer where
        a time budget asked for a sample.
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

    @classmethod
    def of_blocks(
        cls,
        blocks: BlockResults,
        ks: np.ndarray,
        options: SweepOptions,
        *,
        scale: str,
        engine: str,
        n_silhouettes: int,
    ) -> Sweep:
        """Put the blocks of epochs in their places.

        Parameters
        ----------
        blocks : dict of Block to BlockResult
            Together all epochs of every K.
        ks : ndarray, shape (n_k,), int
            Numbers of clusters, ascending.
        options : SweepOptions
            What the sweep was asked for.
        scale, engine : str
        n_silhouettes : int
            How many traces got a silhouette.

        Returns
        -------
        Sweep
        """
        n_epochs = max(block.stop for block in blocks)
        n_traces = next(iter(blocks.values())).labels.shape[1]
        labels = np.empty((ks.size, n_epochs, n_traces), dtype=np.int16)
        n_iterations = np.empty((ks.size, n_epochs), dtype=np.int64)
        by_epoch = {name: np.empty((ks.size, n_epochs)) for name in BY_EPOCH}
        below_percent = np.empty((THRESHOLDS.size, ks.size, n_epochs))
        for block, result in blocks.items():
            at = int(np.searchsorted(ks, block.n_clusters)), slice(block.start, block.stop)
            labels[at], n_iterations[at] = result.labels, result.n_iterations
            for name, values in by_epoch.items():
                values[at] = getattr(result.metrics, name)
            below_percent[:, at[0], at[1]] = result.metrics.below_percent
        return cls(
            k_values=ks,
            labels=labels,
            misclassified_percent=below_percent[0],
            thresholds=THRESHOLDS,
            below_percent=below_percent,
            **by_epoch,
            n_iterations=n_iterations,
            scale=scale,
            engine=engine,
            silhouette_metric=options.silhouette_metric,
            seed=options.seed,
            n_silhouettes=n_silhouettes,
        )

    def part(self, epochs: slice) -> Sweep:
        """Return some of the epochs of every K.

        Parameters
        ----------
        epochs : slice

        Returns
        -------
        Sweep
        """
        names = (*BY_EPOCH, "labels", "misclassified_percent", "n_iterations")
        cut = {name: getattr(self, name)[:, epochs] for name in names}
        return replace(self, below_percent=self.below_percent[:, :, epochs], **cut)

    @property
    def n_epochs(self) -> int:
        """K-means runs for each K."""
        return int(self.labels.shape[1])

    @property
    def n_traces(self) -> int:
        """Rows of the matrix that was swept."""
        return int(self.labels.shape[2])

    def best_epoch(self, k: int) -> int:
        """Return the epoch of smallest SSD at one K, the first of several equal ones.

        Parameters
        ----------
        k : int
            One of ``k_values``.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If K = k was not tried.
        """
        return int(np.argmin(self.ssd[self.index_of(k)]))

    def best_labels(self, k: int) -> np.ndarray:
        """Return the labels of the epoch of smallest SSD at one K.

        Parameters
        ----------
        k : int
            One of ``k_values``.

        Returns
        -------
        ndarray, shape (n_traces,), int16
            From 0 to k − 1.

        Raises
        ------
        ValueError
            If K = k was not tried.
        """
        labels: np.ndarray = self.labels[self.index_of(k), self.best_epoch(k)]
        return labels

    def index_of(self, k: int) -> int:
        """Return the position of one K in ``k_values``.

        Parameters
        ----------
        k : int

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If K = k was not tried.
        """
        (found,) = np.nonzero(self.k_values == k)
        if not found.size:
            raise ValueError(f"K = {k} was not tried; tried: {self.k_values.tolist()}")
        return int(found[0])

    def _describe(self) -> Outline:
        return describe_sweep(self)

    def _labelled(self) -> LabelledArrays:
        return label_sweep(self)
