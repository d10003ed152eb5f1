"""Which traces belong to which cluster, for the clusters of many labellings at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Members:
    """The members of ``n_rows`` clusters, one entry per membership in the labels' C order.

    Attributes
    ----------
    n_rows, n_traces : int
        A row is one cluster of one epoch.
    row, trace : ndarray, shape (n_members,), int
        Cluster and trace of each membership.
    counts : ndarray, shape (n_rows,), int
        Cluster sizes; 0 for an empty cluster.
    is_row : ndarray, shape (n_clusters, n_epochs), bool
        Which clusters of which epochs the rows are, in C order.
    """

    n_rows: int
    n_traces: int
    row: np.ndarray
    trace: np.ndarray
    counts: np.ndarray
    is_row: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, is_row: np.ndarray) -> Members:
        """Collect the members of some of the clusters.

        Parameters
        ----------
        labels : ndarray, shape (n_epochs, n_traces), int
            From 0 to n_clusters − 1.
        is_row : ndarray, shape (n_clusters, n_epochs), bool
            Which clusters; rows are numbered in this array's C order.

        Returns
        -------
        Members
        """
        n_epochs, n_traces = labels.shape
        row_of = np.cumsum(is_row.ravel()) - 1
        n_rows = int(row_of[-1]) + 1
        row_of[~is_row.ravel()] = -1
        home = (labels * np.intp(n_epochs)) + np.arange(n_epochs)[:, None]
        row = row_of.take(home.ravel())
        member = np.flatnonzero(row >= 0)
        row, trace = row.take(member), member % n_traces
        return cls(n_rows, n_traces, row, trace, np.bincount(row, minlength=n_rows), is_row)

    @classmethod
    def of_all(cls, labels: np.ndarray, n_clusters: int) -> Members:
        """Collect the members of every cluster; rows run over (cluster, epoch).

        Parameters
        ----------
        labels : ndarray, shape (n_epochs, n_traces), int
            From 0 to n_clusters − 1.
        n_clusters : int

        Returns
        -------
        Members
        """
        n_epochs, n_traces = labels.shape
        n_rows = n_clusters * n_epochs
        row = (labels * np.intp(n_epochs) + np.arange(n_epochs)[:, None]).ravel()
        trace = np.tile(np.arange(n_traces), n_epochs)
        is_row = np.ones((n_clusters, n_epochs), dtype=bool)
        return cls(n_rows, n_traces, row, trace, np.bincount(row, minlength=n_rows), is_row)

    @cached_property
    def at(self) -> np.ndarray:
        """Flat index of each member in an array of shape (n_rows, n_traces); (n_members,)."""
        at: np.ndarray = self.row * self.n_traces + self.trace
        return at

    @property
    def epoch(self) -> np.ndarray:
        """Which labelling each row belongs to; (n_rows,)."""
        return np.nonzero(self.is_row)[1]

    def weights(self) -> np.ndarray:
        """Return the rows that average over each cluster.

        Returns
        -------
        ndarray, shape (n_rows, n_traces)
            1/n_c for the members of a cluster, 0 elsewhere.
        """
        weights = np.zeros((self.n_rows, self.n_traces))
        weights.put(self.at, (1.0 / np.maximum(self.counts, 1)).take(self.row))
        return weights

    def average(self, values: np.ndarray) -> np.ndarray:
        """Return each cluster's mean of its members' values.

        Parameters
        ----------
        values : ndarray, shape (n_rows, n_traces)

        Returns
        -------
        ndarray, shape (n_rows,)
            0 for an empty cluster.
        """
        return self.average_of(values.take(self.at))

    def average_of(self, member_values: np.ndarray) -> np.ndarray:
        """Return each cluster's mean of one value per membership.

        Parameters
        ----------
        member_values : ndarray, shape (n_members,)

        Returns
        -------
        ndarray, shape (n_rows,)
            0 for an empty cluster.
        """
        sums = np.bincount(self.row, member_values, minlength=self.n_rows)
        mean: np.ndarray = sums / np.maximum(self.counts, 1)
        return mean
