"""Which restart has which number of clusters, and which rows of the big products are its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from umlpsd_gpu.kmeans.lloyd import draw_uniforms, n_local_trials


@dataclass(frozen=True)
class Restarts:
    """A list of K-means runs, of different K or the same.

    Attributes
    ----------
    n_clusters, epoch : ndarray, shape (n_runs,), int64
    seed : int
        Of the random numbers that they start from.
    xp : module
        CuPy: owner of the arrays on the device.
    """

    n_clusters: np.ndarray
    epoch: np.ndarray
    seed: int
    xp: Any

    @classmethod
    def of(cls, ks: np.ndarray, n_epochs: int, seed: int, xp: Any) -> Restarts:
        """List all epochs of the first K, then of the next.

        The last few lists are kept, and with them their arrays on the device: the scales of a study
        differ in nothing else, and each upload would cost more than a kernel's launch.
        """
        device = xp.cuda.Device().id
        return _kept(tuple(ks.tolist()), n_epochs, seed, xp.__name__, device)

    def __len__(self) -> int:
        return len(self.n_clusters)

    @property
    def n_rows(self) -> int:
        """One row for each cluster of each restart."""
        return int(self.n_clusters.sum())

    @property
    def most_clusters(self) -> int:
        return int(self.n_clusters.max())

    @cached_property
    def first_row(self) -> Any:
        """Where each restart's rows begin, and the last one's end; on the device, (n_runs + 1,)."""
        return self._uploaded(np.concatenate([[0], np.cumsum(self.n_clusters)]))

    @cached_property
    def seeding(self) -> tuple[Any, Any, Any, Any]:
        """All random numbers in a row, the first of each restart, its trials and clusters.

        On the device; each restart's numbers are (n_clusters, n_trials), those of the CPU.
        """
        uniforms = self.uniforms()
        first = np.concatenate([[0], np.cumsum([u.size for u in uniforms])])[:-1]
        n_trials = np.array([n_local_trials(k) for k in self.n_clusters.tolist()], dtype=np.int64)
        flat = np.concatenate([u.ravel() for u in uniforms])
        return tuple(map(self._uploaded, (flat, first, n_trials, self.n_clusters)))

    def uniforms(self) -> list[np.ndarray]:
        """Return each restart's random numbers, (n_clusters, n_trials): those of the CPU."""
        n_epochs = int(self.epoch.max()) + 1
        ks = np.unique(self.n_clusters).tolist()
        of_k = {k: draw_uniforms(k, n_epochs, self.seed) for k in ks}
        return [of_k[k][e] for k, e in zip(self.n_clusters.tolist(), self.epoch, strict=True)]

    def part(self, chosen: slice | np.ndarray) -> Restarts:
        """Return some of the restarts."""
        if isinstance(chosen, slice) and chosen == slice(0, len(self)):
            return self
        return Restarts(self.n_clusters[chosen], self.epoch[chosen], self.seed, self.xp)

    def _uploaded(self, array: np.ndarray) -> Any:
        on_device = self.xp.asarray(array)
        self.xp.cuda.get_current_stream().synchronize()  # other streams will read it
        return on_device


@lru_cache(maxsize=4)
def _kept(ks: tuple[int, ...], n_epochs: int, seed: int, library: str, device: int) -> Restarts:
    n_clusters = np.repeat(np.array(ks, dtype=np.int64), n_epochs)
    epoch = np.tile(np.arange(n_epochs), len(ks))
    return Restarts(n_clusters, epoch, seed, import_module(library))
