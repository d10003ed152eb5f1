"""A list of K-means runs on the device, and which rows of the large products belong to each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from typing import TypeAlias

import numpy as np

from umlpsd_gpu.compute.arrays import Array, ArrayModule
from umlpsd_gpu.kmeans.lloyd import draw_uniforms, n_local_trials

# all random numbers in a row, the first of each restart, its candidates in each step, its clusters
Seeding: TypeAlias = tuple[Array, Array, Array, Array]


@dataclass(frozen=True)
class Restarts:
    """A list of K-means runs, of different K or the same.

    Attributes
    ----------
    n_clusters, epoch : ndarray, shape (n_runs,), int64
        NumPy.
    seed : int
        Seed of the random numbers that they start from.
    xp : module
        CuPy.
    """

    n_clusters: np.ndarray
    epoch: np.ndarray
    seed: int
    xp: ArrayModule

    @classmethod
    def of(
        cls, ks: np.ndarray, n_epochs: int, seed: int, xp: ArrayModule, n_ensembles: int = 1
    ) -> Restarts:
        """List all epochs of the first K, then of the next; all that for each ensemble.

        The last few lists are cached together with their arrays on the device: sweeps of other
        representations use the same ones, and each upload would cost more than a kernel's launch.

        Parameters
        ----------
        ks : ndarray, shape (n_k,), int
        n_epochs, seed : int
        xp : module
            CuPy.
        n_ensembles : int
            Ensembles that start from the same random numbers.

        Returns
        -------
        Restarts
        """
        device = xp.cuda.Device().id
        ks_of_one = tuple(ks.tolist())
        return _cached_restarts(ks_of_one, n_epochs, seed, n_ensembles, xp.__name__, device)

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.n_clusters)

    @property
    def n_rows(self) -> int:
        """Number of rows: one for each cluster of each restart."""
        return int(self.n_clusters.sum())

    @property
    def most_clusters(self) -> int:
        """Largest number of clusters of a restart."""
        return int(self.n_clusters.max())

    @cached_property
    def first_row(self) -> Array:
        """Where each restart's rows begin, and the last one's end; on the device, (n_runs + 1,)."""
        return self._upload(np.concatenate([[0], np.cumsum(self.n_clusters)]))

    @cached_property
    def seeding(self) -> Seeding:
        """What greedy k-means++ needs, on the device.

        All random numbers in a row, where each restart's begin, its candidates in each step and
        its clusters. A restart's numbers are (n_clusters, n_trials), the same as on the CPU.
        """
        uniforms = self.uniforms()
        first = np.concatenate([[0], np.cumsum([u.size for u in uniforms])])[:-1]
        n_trials = np.array([n_local_trials(k) for k in self.n_clusters.tolist()], dtype=np.int64)
        flat = np.concatenate([u.ravel() for u in uniforms])
        upload = self._upload
        return upload(flat), upload(first), upload(n_trials), upload(self.n_clusters)

    def uniforms(self) -> list[np.ndarray]:
        """Return the random numbers of each restart, the same as on the CPU.

        Returns
        -------
        list of ndarray, shape (n_clusters, n_trials)
            In [0, 1); NumPy.
        """
        n_epochs = int(self.epoch.max()) + 1
        ks = np.unique(self.n_clusters).tolist()
        of_k = {k: draw_uniforms(k, n_epochs, self.seed) for k in ks}
        return [of_k[k][e] for k, e in zip(self.n_clusters.tolist(), self.epoch, strict=True)]

    def part(self, chosen: slice | np.ndarray) -> Restarts:
        """Return some of the restarts.

        Parameters
        ----------
        chosen : slice or ndarray
            A mask (n_runs,) or indices.

        Returns
        -------
        Restarts
        """
        if isinstance(chosen, slice) and chosen == slice(0, len(self)):
            return self
        return Restarts(self.n_clusters[chosen], self.epoch[chosen], self.seed, self.xp)

    def _upload(self, array: np.ndarray) -> Array:
        on_device: Array = self.xp.asarray(array)
        self.xp.cuda.get_current_stream().synchronize()  # other streams will read it
        return on_device


@lru_cache(maxsize=4)
def _cached_restarts(
    ks: tuple[int, ...], n_epochs: int, seed: int, n_ensembles: int, library: str, device: int
) -> Restarts:
    n_clusters = np.tile(np.repeat(np.array(ks, dtype=np.int64), n_epochs), n_ensembles)
    epoch = np.tile(np.arange(n_epochs), len(ks) * n_ensembles)
    return Restarts(n_clusters, epoch, seed, import_module(library))
