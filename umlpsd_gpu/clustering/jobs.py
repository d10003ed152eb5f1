"""A job: one representation and all its sweeps for the decision; it can run anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host, uploaded
from umlpsd_gpu.decision.plan import SURROGATE_EPOCHS, EvidenceNeeded
from umlpsd_gpu.kmeans.engines import Engine
from umlpsd_gpu.kmeans.halves import HALF_EPOCHS, compare_halves, compared_k_values
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.replication import Replication
from umlpsd_gpu.kmeans.resamples import sweep_samples
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.surrogates import gaussian_surrogates
from umlpsd_gpu.kmeans.sweep import start_sweep


@dataclass(frozen=True)
class SweepsOfOne:
    """The sweeps of one representation.

    Attributes
    ----------
    sweep : Sweep
        Sweep of the items.
    surrogates : tuple of Sweep
        Sweeps of simulated ensembles without clusters and with the same covariance.
    replication : Replication or None
        What random halves of the items say; None where no halves were swept.
    """

    sweep: Sweep
    surrogates: tuple[Sweep, ...]
    replication: Replication | None


@dataclass(frozen=True)
class RepresentationJob:
    """A matrix of items and the sweeps to run on it; can be pickled.

    Attributes
    ----------
    curves : array, shape (n_items, n_columns), float64
        The items. A NumPy array is swept on the CPU, a CuPy array on its GPU.
    name : str
        Name of the representation.
    k_max : int
        Largest trial number of clusters; at most the number of items − 1 is used.
    options : SweepOptions
    engine : str
        Engine for the sweep of the items.
    needed : EvidenceNeeded
        The other sweeps.
    """

    curves: Array
    name: str
    k_max: int
    options: SweepOptions
    engine: Engine
    needed: EvidenceNeeded

    def start(self, n_threads: int | None = None) -> Callable[[], SweepsOfOne]:
        """Start the sweeps; on a GPU they run in the background.

        Parameters
        ----------
        n_threads : int, optional
            Threads on the CPU; by default all cores. The result is the same to the last bit, if
            BLAS uses a single thread.

        Returns
        -------
        callable
            Waits for the sweeps and returns them as `SweepsOfOne`.
        """
        sweep = start_sweep(
            self.curves,
            self.k_values,
            self.options,
            engine=self.engine,
            scale=self.name,
            n_threads=n_threads,
        )
        surrogates = [self._start_surrogate(drawn, n_threads) for drawn in self._make_surrogates()]

        def collect() -> SweepsOfOne:
            found = sweep()
            of_surrogates = tuple(collect() for collect in surrogates)
            return SweepsOfOne(found, of_surrogates, self._replicate(found, n_threads))

        return collect

    def on_host(self) -> RepresentationJob:
        """Return the job with its items in the memory of the host, to send it elsewhere.

        Returns
        -------
        RepresentationJob
        """
        return replace(self, curves=np.ascontiguousarray(on_host(self.curves)))

    def on_device(self) -> RepresentationJob:
        """Return the job with its items on the current device.

        Returns
        -------
        RepresentationJob

        Raises
        ------
        DeviceError
            If the memory of the device is too small.
        """
        return replace(self, curves=uploaded(self.curves))

    @property
    def k_values(self) -> range:
        """Numbers of clusters of the sweep of the items."""
        return range(1, min(self.k_max, len(self.curves) - 1) + 1)

    @property
    def surrogate_seeds(self) -> range:
        """Seeds of the surrogates."""
        return range(self.options.seed, self.options.seed + self.needed.n_surrogates)

    def with_epochs(self, n_epochs: int) -> SweepOptions:
        """Return the options of a sweep that needs fewer epochs.

        Parameters
        ----------
        n_epochs : int
            At most; fewer if the items are swept in fewer.

        Returns
        -------
        SweepOptions
        """
        return replace(self.options, n_epochs=min(n_epochs, self.options.n_epochs))

    def _make_surrogates(self) -> list[np.ndarray]:
        seeds = self.surrogate_seeds
        return gaussian_surrogates(self.curves, seeds) if seeds else []

    def _replicate(self, sweep: Sweep, n_threads: int | None) -> Replication | None:
        """Sweep the halves and compare them with the sweep of all items."""
        samples = self.needed.samples
        if samples is None:
            return None
        k_values = compared_k_values(sweep, samples.shape[1])
        if not k_values:
            return None
        options = self.with_epochs(HALF_EPOCHS)
        of_samples = sweep_samples(
            self.curves, samples, k_values, options, scale=self.name, n_threads=n_threads
        )
        return compare_halves(self.curves, sweep, samples, of_samples, self.options.seed)

    def _start_surrogate(self, drawn: np.ndarray, n_threads: int | None) -> Callable[[], Sweep]:
        return start_sweep(
            xp_of(self.curves).asarray(drawn),
            self.needed.k_values,
            self.with_epochs(SURROGATE_EPOCHS),
            scale=self.name,
            n_threads=n_threads,
        )


# Jobs are made one after another: not all matrices are in memory at the same time
MakeJob = Callable[[], RepresentationJob]
