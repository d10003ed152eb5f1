"""Distances to centroids that move from one Lloyd iteration to the next, of many restarts at once.

Both kinds are asked for the clusters that changed only. ``RenewedCentroids`` averages these anew;
``FollowedCentroids`` updates their sums by the traces that entered and left: about one in fifty
moves in an iteration.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from umlpsd_gpu.kmeans.membership import Members


class Centroids(Protocol):
    """The clusters' means of a batch of labellings."""

    def sqdist(self, labels: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move on to new labels; return squared distances and sizes of the changed clusters.

        Parameters
        ----------
        labels : ndarray, shape (n_epochs, n_traces), int16
        changed : ndarray, shape (n_clusters, n_epochs), bool
            Clusters that gained or lost a trace; all of them at the first call.

        Returns
        -------
        sqdist : ndarray, shape (n_changed, n_traces)
            In the C order of ``changed``; without meaning for an empty cluster.
        counts : ndarray, shape (n_changed,), int
            Cluster sizes.
        """

    def part(self, epochs: np.ndarray) -> Centroids:
        """Return the same for some of the epochs.

        Parameters
        ----------
        epochs : ndarray, shape (n_epochs,), bool

        Returns
        -------
        Centroids
        """


class SqdistToMeans(Protocol):
    """A geometry that knows the distances to any clusters' means."""

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

    def part(self, epochs: np.ndarray) -> SqdistToMeans:
        """Return the same for some of the epochs.

        Parameters
        ----------
        epochs : ndarray, shape (n_epochs,), bool

        Returns
        -------
        SqdistToMeans
        """


class SqdistToPoints(Protocol):
    """A geometry that knows the distances to any points."""

    points: np.ndarray

    def sqdist_to_points(self, others: np.ndarray) -> np.ndarray:
        """Return squared distances of all traces to any points.

        Parameters
        ----------
        others : ndarray, shape (n_others, n_samples)

        Returns
        -------
        ndarray, shape (n_others, n_traces)
        """


class RenewedCentroids:
    """Means taken anew from the members, independent of earlier labels.

    Parameters
    ----------
    geometry : SqdistToMeans
    """

    def __init__(self, geometry: SqdistToMeans) -> None:
        self._geometry = geometry

    def sqdist(self, labels: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances and sizes of the changed clusters; see `Centroids.sqdist`."""
        members = Members.of(labels, changed)
        return self._geometry.sqdist_to_centroids(members), members.counts

    def part(self, epochs: np.ndarray) -> RenewedCentroids:
        """Return those of some epochs, chosen by a mask (n_epochs,)."""
        return RenewedCentroids(self._geometry.part(epochs))


class FollowedCentroids:
    """Sums over each cluster's members, kept up to date as traces move.

    Rounding of a sum grows with the moves, by about 1e-16 of its largest value for each. The error
    of the squared distances is of second order in that displacement.

    Parameters
    ----------
    geometry : SqdistToPoints
    sums : ndarray, shape (n_clusters, n_epochs, n_samples)
    counts : ndarray, shape (n_clusters, n_epochs), int
        Cluster sizes.
    labels : ndarray, shape (n_epochs, n_traces), int16
        The labelling that the sums belong to; −1: in no cluster.
    """

    def __init__(
        self, geometry: SqdistToPoints, sums: np.ndarray, counts: np.ndarray, labels: np.ndarray
    ) -> None:
        self._geometry = geometry
        self._sums, self._counts, self._labels = sums, counts, labels

    @classmethod
    def empty(cls, geometry: SqdistToPoints, n_clusters: int, n_epochs: int) -> FollowedCentroids:
        """Begin with empty clusters.

        Parameters
        ----------
        geometry : SqdistToPoints
        n_clusters, n_epochs : int

        Returns
        -------
        FollowedCentroids
        """
        n_traces, n_samples = geometry.points.shape
        return cls(
            geometry,
            sums=np.zeros((n_clusters, n_epochs, n_samples)),
            counts=np.zeros((n_clusters, n_epochs), dtype=np.intp),
            labels=np.full((n_epochs, n_traces), -1, dtype=np.int16),
        )

    def sqdist(self, labels: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances and sizes of the changed clusters; see `Centroids.sqdist`."""
        self._move_to(labels)
        counts = self._counts[changed]
        centroids = self._sums[changed] / np.maximum(counts, 1)[:, None]
        return self._geometry.sqdist_to_points(centroids), counts

    def part(self, epochs: np.ndarray) -> FollowedCentroids:
        """Return those of some epochs, chosen by a mask (n_epochs,)."""
        return FollowedCentroids(
            self._geometry, self._sums[:, epochs], self._counts[:, epochs], self._labels[epochs]
        )

    def _move_to(self, labels: np.ndarray) -> None:
        """Add the traces that entered each cluster to its sum, and subtract those that left."""
        n_epochs, n_traces = labels.shape
        moved = np.flatnonzero(labels != self._labels)
        epoch, trace = np.divmod(moved, n_traces)
        placed = self._labels.take(moved) >= 0
        entered = labels.take(moved) * np.intp(n_epochs) + epoch
        left = (self._labels.take(moved) * np.intp(n_epochs) + epoch)[placed]
        rows, n_rows = np.concatenate([entered, left]), self._counts.size
        order = np.argsort(rows, kind="stable")
        signs = np.repeat([1.0, -1.0], [entered.size, left.size])[order]
        # SciPy would look through larger indices to see whether they fit into 32 bits
        traces = np.concatenate([trace, trace[placed]])[order].astype(np.int32)
        ends = np.cumsum(np.bincount(rows, minlength=n_rows), dtype=np.int32)
        starts = np.concatenate([np.zeros(1, dtype=np.int32), ends])
        change = csr_array((signs, traces, starts), shape=(n_rows, n_traces))
        self._sums += (change @ self._geometry.points).reshape(self._sums.shape)
        came = np.bincount(entered, minlength=n_rows) - np.bincount(left, minlength=n_rows)
        self._counts += came.reshape(self._counts.shape)
        self._labels = labels
