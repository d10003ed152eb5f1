"""Traces → sweeps at every scale, of surrogates and of samples of the traces; several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from threadpoolctl import threadpool_limits

from umlpsd_gpu.clustering.jobs import (
    MakeJob,
    RunJobs,
    SamplesJob,
    ScaleJob,
    SurrogatesJob,
    SweepJob,
)
from umlpsd_gpu.compute.backend import is_on_device, n_cores
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.compute.transfer import sweeps_in_flight
from umlpsd_gpu.decision.plan import EvidenceNeeded, evidence_plan
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.settings import Settings
from umlpsd_gpu.traces.traces import Traces

# Scales are swept at once as long as their arrays take no more than this together.
SWEEP_BYTES = 4 << 30

# (step, done, total): called as the work proceeds
Progress = Callable[[str, int, int], None]


def sweep_scales(
    ensemble: Traces,
    scales: list[Scale],
    settings: Settings,
    report: Progress,
    run: RunJobs | None = None,
) -> tuple[Sweep, ...]:
    """Smooth and sweep at every scale, several scales at a time, here or as ``run`` does it."""
    make = [partial(_job, ScaleJob, ensemble, scale, settings) for scale in scales]
    run = run or _several_at_once(ensemble, settings)
    return tuple(sweep for (sweep,) in _reported(run, make, partial(report, "sweep")))


def sweep_surrogates(
    ensemble: Traces,
    scales: list[Scale],
    settings: Settings,
    report: Progress,
    run: RunJobs | None = None,
) -> dict[str, tuple[Sweep, ...]] | None:
    """Sweep unstructured ensembles of each scale's spread; None where not wanted."""
    plan = _evidence_plan(ensemble, scales, settings)
    weighed = [scale for scale in scales if plan[scale.name].n_surrogates]
    if not weighed:
        return None
    make = [partial(_job, SurrogatesJob, ensemble, scale, settings) for scale in weighed]
    run = run or _several_at_once(ensemble, settings)
    found = _reported(run, make, partial(report, "surrogates"))
    return {scale.name: sweeps for scale, sweeps in zip(weighed, found, strict=True)}


def sweep_resamples(
    ensemble: Traces,
    scales: list[Scale],
    settings: Settings,
    report: Progress,
    run: RunJobs | None = None,
) -> dict[str, tuple[Sweep, ...]] | None:
    """Sweep samples of the traces at scales of every kind; None where not wanted or too few."""
    plan = _evidence_plan(ensemble, scales, settings)
    some, make = [], []
    for scale in scales:
        samples = plan[scale.name].samples
        if samples is not None:
            some.append(scale)
            job = partial(SamplesJob, samples=samples)
            make.append(partial(_job, job, ensemble, scale, settings))
    if not some:
        return None
    # the samples of one scale are work enough for all threads
    run = run or partial(_one_by_one, settings)
    found = _reported(run, make, partial(report, "resamples"))
    return {scale.name: sweeps for scale, sweeps in zip(some, found, strict=True)}


def _evidence_plan(
    ensemble: Traces, scales: Sequence[Scale], settings: Settings
) -> dict[str, EvidenceNeeded]:
    return evidence_plan(
        [scale.name for scale in scales],
        ensemble.n_traces,
        settings.sweep.k_max,
        settings.decision.rule,
        settings.decision.n_surrogates,
        settings.decision.n_resamples,
        settings.sweep.seed,
    )


def preprocessed(traces: Traces, scale: Scale, settings: Settings) -> Traces:
    """Smooth and scale traces with the study's settings."""
    return preprocess_at(
        traces, scale, settings.preprocess.wavelet, settings.preprocess.wavelet_mode
    )


def _job(
    kind: Callable[..., SweepJob], ensemble: Traces, scale: Scale, settings: Settings
) -> SweepJob:
    curves = preprocessed(ensemble, scale, settings).values
    return kind(curves=curves, scale=scale.name, settings=settings)


def _reported(
    run: RunJobs, make: Sequence[MakeJob], report: Callable[[int, int], None]
) -> Iterator[tuple[Sweep, ...]]:
    for done, result in enumerate(run(make)):
        yield result
        report(done + 1, len(make))


def _several_at_once(ensemble: Traces, settings: Settings) -> RunJobs:
    """Return what runs jobs here: on the device where the ensemble is, or in threads."""
    bytes_per_scale = 8 * ensemble.n_traces * (3 * ensemble.n_frames + ensemble.n_traces)
    run = _in_flight if is_on_device(ensemble.values) else partial(_in_threads, settings)
    return partial(run, bytes_per_scale)


def _in_flight(bytes_per_scale: int, make: Sequence[MakeJob]) -> Iterator[tuple[Sweep, ...]]:
    return sweeps_in_flight([partial(_start, make_one) for make_one in make], bytes_per_scale)


def _start(make: MakeJob) -> Callable[[], tuple[Sweep, ...]]:
    return make().start()


def _swept(n_threads: int | None, make: MakeJob) -> tuple[Sweep, ...]:
    return make().start(n_threads)()


def _one_by_one(settings: Settings, make: Sequence[MakeJob]) -> Iterator[tuple[Sweep, ...]]:
    return map(partial(_swept, settings.n_threads), make)


def _in_threads(
    settings: Settings, bytes_per_scale: int, make: Sequence[MakeJob]
) -> Iterator[tuple[Sweep, ...]]:
    """Yield the results in order, each in a thread with its share of the cores."""
    n_threads = settings.n_threads or n_cores()
    n_at_once = max(1, min(n_threads, len(make), SWEEP_BYTES // bytes_per_scale))
    # the limit is held around all scales: each sweep sets it too, and would lift it for the others
    sweep = partial(_swept, n_threads // n_at_once)
    with threadpool_limits(limits=1), thread_pool(n_at_once) as pool:
        yield from pool.map(sweep, make)
