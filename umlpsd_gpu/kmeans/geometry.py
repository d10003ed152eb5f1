"""The interface through which K-means and its metrics ask for distances between traces."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from umlpsd_gpu.kmeans.centroids import Centroids
from umlpsd_gpu.kmeans.membership import Members


class Geometry(Protocol):
    """What K-means and its metrics need to know about the traces.

    A row is one cluster of one epoch; see `Members`.
    """

    n_traces: int
    equal_below: np.ndarray
    """Squared distances from each trace up to this are rounding errors; (n_traces,)."""
    judged: np.ndarray | None
    """Which traces get a silhouette; None: all of them."""

    @property
    def total_ssd(self) -> float | np.ndarray:
        """Sum of squared distances of all traces to their mean.

        One number; (n_epochs,) where epochs label different traces.
        """

    def centroids(self, n_clusters: int, n_epochs: int) -> Centroids:
        """Return what follows the centroids of a batch of restarts.

        Parameters
        ----------
        n_clusters, n_epochs : int

        Returns
        -------
        Centroids
        """

    def sqdist_from(self, traces: np.ndarray) -> np.ndarray:
        """Return squared distances of the given traces to all.

        Parameters
        ----------
        traces : ndarray of int
            The last axis is that of the epochs.

        Returns
        -------
        ndarray, shape ``(*traces.shape, n_traces)``
        """

    def sqdist_to_centroids(self, members: Members) -> np.ndarray:
        """Return squared distances of all traces to each cluster's mean.

        Parameters
        ----------
        members : Members
            Of the clusters that are the rows.

        Returns
        -------
        ndarray, shape (n_rows, n_traces)
        """

    def mean_distance(self, members: Members) -> np.ndarray:
        """Return mean Euclidean distances of judged traces to each cluster's members.

        Parameters
        ----------
        members : Members
            Of the clusters that are the rows.

        Returns
        -------
        ndarray, shape (n_rows, n_judged)
        """

    def part(self, epochs: np.ndarray | slice) -> Geometry:
        """Return the same for some of the epochs.

        Parameters
        ----------
        epochs : ndarray, shape (n_epochs,), bool, or slice

        Returns
        -------
        Geometry
        """
