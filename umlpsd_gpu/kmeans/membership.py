"""Who belongs to which cluster, for the clusters of many labellings at once."""

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
    counts : ndarray, shape (n_rows,), int
        Cluster sizes; 0 for an empty cluster.
    wanted : ndarray, shape (n_clusters, n_epochs), bool
        Which clusters the rows are, in C order.
    """

    n_rows: int
    n_traces: int
    row: np.ndarray
    trace: np.ndarray
    counts: np.ndarray
    wanted: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, wanted: np.ndarray) -> Members:
        """Collect the members of the wanted clusters.

        Parameters
        ----------
        labels : ndarray, shape (n_epochs, n_traces), int
        wanted : ndarray, shape (n_clusters, n_epochs), bool
            Rows are numbered in this array's C order.
        """
        n_epochs, n_traces = labels.shape
        row_of = np.cumsum(wanted.ravel()) - 1
        n_rows = int(row_of[-1]) + 1
        row_of[~wanted.ravel()] = -1
        home = (labels * np.intp(n_epochs)) + np.arange(n_epochs)[:, None]
        row = row_of.take(home.ravel())
        member = np.flatnonzero(row >= 0)
        row, trace = row.take(member), member % n_traces
        return cls(n_rows, n_traces, row, trace, np.bincount(row, minlength=n_rows), wanted)

    @classmethod
    def of_all(cls, labels: np.ndarray, n_clusters: int) -> Members:
        """Collect the members of every cluster; rows run over (cluster, epoch)."""
        n_epochs, n_traces = labels.shape
        n_rows = n_clusters * n_epochs
        row = (labels * np.intp(n_epochs) + np.arange(n_epochs)[:, None]).ravel()
        trace = np.tile(np.arange(n_traces), n_epochs)
        wanted = np.ones((n_clusters, n_epochs), dtype=bool)
        return cls(n_rows, n_traces, row, trace, np.bincount(row, minlength=n_rows), wanted)

    @cached_property
    def at(self) -> np.ndarray:
        """Flat index of each member in an array of shape (n_rows, n_traces); (n_members,)."""
        return self.row * self.n_traces + self.trace

    @property
    def epoch(self) -> np.ndarray:
        """Which labelling each row belongs to; (n_rows,)."""
        return np.nonzero(self.wanted)[1]

    def weights(self) -> np.ndarray:
        """Return the rows that average over each cluster: 1/n_c for members; (n_rows, n_traces)."""
        weights = np.zeros((self.n_rows, self.n_traces))
        weights.put(self.at, (1.0 / np.maximum(self.counts, 1)).take(self.row))
        return weights

    def average(self, values: np.ndarray) -> np.ndarray:
        """Return each cluster's mean of its members' values; 0 for an empty cluster; (n_rows,).

        Parameters
        ----------
        values : ndarray, shape (n_rows, n_traces)
        """
        return self.average_of(values.take(self.at))

    def average_of(self, member_values: np.ndarray) -> np.ndarray:
        """Return each cluster's mean of one value per membership; (n_rows,)."""
        sums = np.bincount(self.row, member_values, minlength=self.n_rows)
        return sums / np.maximum(self.counts, 1)
