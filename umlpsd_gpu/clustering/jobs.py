"""What is swept at one scale: smoothed curves and how; whoever has them can do it, anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from umlpsd_gpu.compute.backend import is_on_device, xp_of
from umlpsd_gpu.compute.transfer import on_host, sweeps_in_flight, uploaded
from umlpsd_gpu.decision.plan import RESAMPLE_EPOCHS, SURROGATE_EPOCHS, weighed_k_values
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.resamples import sweep_samples
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.surrogates import gaussian_surrogates
from umlpsd_gpu.kmeans.sweep import start_sweep
from umlpsd_gpu.settings import Settings


@dataclass(frozen=True)
class SweepJob(ABC):
    """Curves of one scale and how they are to be swept; can be pickled.

    Attributes
    ----------
    curves : array, shape (n_traces, n_samples), float64
        Smoothed and scaled. NumPy's are swept on the CPU, CuPy's on their GPU.
    scale : str
    settings : Settings
    """

    curves: Any
    scale: str
    settings: Settings

    @abstractmethod
    def start(self, n_threads: int | None = None) -> Callable[[], tuple[Sweep, ...]]:
        """Return what gives the sweeps; on a device the work is under way then.

        Same bits on any number of threads (of the CPU; by default all cores) as long as BLAS keeps
        to one.
        """

    def on_host(self) -> SweepJob:
        """Return the job with its curves in the memory of this process: to be sent away."""
        return replace(self, curves=np.ascontiguousarray(on_host(self.curves)))

    def on_device(self) -> SweepJob:
        """Return the job with its curves on the current device; DeviceError where they don't fit"""
        return replace(self, curves=uploaded(self.curves))

    def _options(self, n_epochs: int) -> SweepOptions:
        """Return the options of a sweep of so many epochs, or of the settings' where fewer."""
        chosen = self.settings.sweep
        return SweepOptions(
            seed=chosen.seed,
            n_epochs=min(n_epochs, chosen.n_epochs),
            silhouette_metric=chosen.silhouette_metric,
            max_iter=chosen.max_iter,
            budget_s=chosen.budget_s,
        )

    def _start_other(
        self, values: Any, n_epochs: int, n_threads: int | None
    ) -> Callable[[], Sweep]:
        """Start the sweep of another ensemble as the consensus needs it."""
        return start_sweep(
            values,
            weighed_k_values(len(values), self.settings.sweep.k_max),
            self._options(n_epochs),
            scale=self.scale,
            n_threads=n_threads,
        )


# Jobs are made when their turn comes: not all scales' curves are in memory at once
MakeJob = Callable[[], SweepJob]
# Makes and runs jobs, and gives their sweeps in order
RunJobs = Callable[[Sequence[MakeJob]], Iterator[tuple[Sweep, ...]]]


@dataclass(frozen=True)
class ScaleJob(SweepJob):
    """The sweep of the ensemble itself; one."""

    def start(self, n_threads: int | None = None) -> Callable[[], tuple[Sweep, ...]]:
        chosen = self.settings.sweep
        collect = start_sweep(
            self.curves,
            range(1, min(chosen.k_max, len(self.curves) - 1) + 1),
            self._options(chosen.n_epochs),
            engine=chosen.engine,
            scale=self.scale,
            n_threads=n_threads,
        )
        return lambda: (collect(),)


@dataclass(frozen=True)
class SurrogatesJob(SweepJob):
    """Sweeps of unstructured ensembles of the curves' spread; ``decision.n_surrogates``."""

    def start(self, n_threads: int | None = None) -> Callable[[], tuple[Sweep, ...]]:
        seed, n = self.settings.sweep.seed, self.settings.decision.n_surrogates
        started = [
            self._start_other(xp_of(self.curves).asarray(drawn), SURROGATE_EPOCHS, n_threads)
            for drawn in gaussian_surrogates(on_host(self.curves), range(seed, seed + n))
        ]
        return lambda: tuple(collect() for collect in started)


@dataclass(frozen=True)
class SamplesJob(SweepJob):
    """Sweeps of samples of the traces.

    Attributes
    ----------
    samples : ndarray, shape (n_samples, n_drawn), int
        Which traces each of them holds.
    """

    samples: np.ndarray

    def start(self, n_threads: int | None = None) -> Callable[[], tuple[Sweep, ...]]:
        if is_on_device(self.curves):
            return self._on_device
        return partial(self._on_cpu, n_threads)

    def _on_cpu(self, n_threads: int | None) -> tuple[Sweep, ...]:
        return sweep_samples(
            self.curves,
            self.samples,
            weighed_k_values(self.samples.shape[1], self.settings.sweep.k_max),
            self._options(RESAMPLE_EPOCHS),
            scale=self.scale,
            n_threads=n_threads,
        )

    def _on_device(self) -> tuple[Sweep, ...]:
        def start_sample(drawn: np.ndarray) -> Callable[[], Sweep]:
            rows = self.curves[xp_of(self.curves).asarray(drawn)]
            return self._start_other(rows, RESAMPLE_EPOCHS, None)

        start = [partial(start_sample, drawn) for drawn in self.samples]
        n_drawn = self.samples.shape[1]
        bytes_of_one = 8 * n_drawn * (3 * self.curves.shape[1] + n_drawn)
        return tuple(sweeps_in_flight(start, bytes_of_one))
