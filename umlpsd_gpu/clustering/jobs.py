"""One representation's matrix and every sweep that a decision needs of it; runs anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, xp_of
from umlpsd_gpu.compute.transfer import on_host, results_in_flight, uploaded
from umlpsd_gpu.decision.plan import (
    RESAMPLE_EPOCHS,
    SURROGATE_EPOCHS,
    EvidenceNeeded,
    weighed_k_values,
)
from umlpsd_gpu.kmeans.engines import Engine
from umlpsd_gpu.kmeans.options import SweepOptions
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
        Of the curves themselves.
    surrogates : tuple of Sweep
        Of unstructured ensembles with the spread of the curves.
    samples : tuple of Sweep
        Of samples of the curves.
    """

    sweep: Sweep
    surrogates: tuple[Sweep, ...]
    samples: tuple[Sweep, ...]


@dataclass(frozen=True)
class RepresentationJob:
    """A matrix of curves and how it is to be swept; can be pickled.

    Attributes
    ----------
    curves : array, shape (n_curves, n_columns), float64
        NumPy's are swept on the CPU, CuPy's on their GPU.
    name : str
        Of the representation.
    k_max : int
        Largest trial number of clusters; fewer where there are not as many curves.
    options : SweepOptions
    engine : str
        Of the sweep of the curves themselves.
    needed : EvidenceNeeded
        What else is to be swept.
    """

    curves: Array
    name: str
    k_max: int
    options: SweepOptions
    engine: Engine
    needed: EvidenceNeeded

    def start(self, n_threads: int | None = None) -> Callable[[], SweepsOfOne]:
        """Return a function that gives the sweeps; on a device the work is under way then.

        Same bits on any number of threads (of the CPU; by default all cores) as long as BLAS keeps
        to one.
        """
        sweep = start_sweep(
            self.curves,
            range(1, min(self.k_max, len(self.curves) - 1) + 1),
            self.options,
            engine=self.engine,
            scale=self.name,
            n_threads=n_threads,
        )
        surrogates = [self._start_unstructured(drawn, n_threads) for drawn in self._surrogates()]

        def collect() -> SweepsOfOne:
            return SweepsOfOne(
                sweep(), tuple(collect() for collect in surrogates), self._samples(n_threads)
            )

        return collect

    def on_host(self) -> RepresentationJob:
        """Return the job with its curves in the memory of this process, to be sent elsewhere."""
        return replace(self, curves=np.ascontiguousarray(on_host(self.curves)))

    def on_device(self) -> RepresentationJob:
        """Return the job with its curves on the current device; DeviceError if they don't fit."""
        return replace(self, curves=uploaded(self.curves))

    def _surrogates(self) -> list[np.ndarray]:
        seeds = range(self.options.seed, self.options.seed + self.needed.n_surrogates)
        return gaussian_surrogates(on_host(self.curves), seeds) if seeds else []

    def _start_unstructured(self, drawn: np.ndarray, n_threads: int | None) -> Callable[[], Sweep]:
        return self._start_other(xp_of(self.curves).asarray(drawn), SURROGATE_EPOCHS, n_threads)

    def _samples(self, n_threads: int | None) -> tuple[Sweep, ...]:
        samples = self.needed.samples
        if samples is None:
            return ()
        if is_on_device(self.curves):
            return self._samples_on_device(samples)
        return sweep_samples(
            self.curves,
            samples,
            weighed_k_values(samples.shape[1], self.k_max),
            self._with_epochs(RESAMPLE_EPOCHS),
            scale=self.name,
            n_threads=n_threads,
        )

    def _samples_on_device(self, samples: np.ndarray) -> tuple[Sweep, ...]:
        def start_sample(drawn: np.ndarray) -> Callable[[], Sweep]:
            rows = self.curves[xp_of(self.curves).asarray(drawn)]
            return self._start_other(rows, RESAMPLE_EPOCHS, None)

        n_drawn = samples.shape[1]
        bytes_of_one = 8 * n_drawn * (3 * self.curves.shape[1] + n_drawn)
        start = [partial(start_sample, drawn) for drawn in samples]
        return tuple(results_in_flight(start, bytes_of_one))

    def _start_other(
        self, values: Array, n_epochs: int, n_threads: int | None
    ) -> Callable[[], Sweep]:
        """Start the sweep of another ensemble over the numbers of clusters that are weighed."""
        return start_sweep(
            values,
            weighed_k_values(len(values), self.k_max),
            self._with_epochs(n_epochs),
            scale=self.name,
            n_threads=n_threads,
        )

    def _with_epochs(self, n_epochs: int) -> SweepOptions:
        return replace(self.options, n_epochs=min(n_epochs, self.options.n_epochs))


# Jobs are made when their turn comes: not all matrices are in memory at once
MakeJob = Callable[[], RepresentationJob]
