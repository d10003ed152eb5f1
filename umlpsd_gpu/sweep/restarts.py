"""Which restart has which number of clusters, and which rows of the big products are its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from umlpsd_gpu.sweep.kmeans import draw_uniforms, n_local_trials


@dataclass(frozen=True)
class Restarts:
    """A list of K-means runs, of different K or the same.

    Attributes
    ----------
    n_clusters, epoch : ndarray, shape (n_runs,), int64
    xp : module
        CuPy: owner of ``first_row``.
    """

    n_clusters: np.ndarray
    epoch: np.ndarray
    xp: Any

    @classmethod
    def of(cls, ks: np.ndarray, n_epochs: int, xp: Any) -> Restarts:
        """List all epochs of the first K, then of the next."""
        return cls(np.repeat(ks, n_epochs), np.tile(np.arange(n_epochs), len(ks)), xp)

    def __len__(self) -> int:
        return len(self.n_clusters)

    @property
    def n_rows(self) -> int:
        """One row for each cluster of each restart."""
        return int(self.n_clusters.sum())

    @cached_property
    def first_row(self) -> Any:
        """Where each restart's rows begin, and where the last one's end; (n_runs + 1,) on device"""
        return self.xp.asarray(np.concatenate([[0], np.cumsum(self.n_clusters)]))

    def part(self, chosen: slice | np.ndarray) -> Restarts:
        """Return some of the restarts."""
        return Restarts(self.n_clusters[chosen], self.epoch[chosen], self.xp)

    def uniforms(self, seed: int) -> list[np.ndarray]:
        """Return each restart's random numbers, (n_clusters, n_trials): those of the CPU."""
        n_epochs = int(self.epoch.max()) + 1
        of_k = {k: draw_uniforms(k, n_epochs, seed) for k in np.unique(self.n_clusters).tolist()}
        return [of_k[k][e] for k, e in zip(self.n_clusters.tolist(), self.epoch, strict=True)]

    @property
    def n_trials(self) -> np.ndarray:
        """Candidates of each step of their seeding; (n_runs,)."""
        of_k = {k: n_local_trials(k) for k in np.unique(self.n_clusters).tolist()}
        return np.array([of_k[k] for k in self.n_clusters.tolist()], dtype=np.int64)
