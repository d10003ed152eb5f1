"""Run all sweeps that the decision needs, for several representations at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from threadpoolctl import threadpool_limits

from umlpsd_gpu.clustering.jobs import MakeJob, RepresentationJob, SweepsOfOne
from umlpsd_gpu.clustering.jobs_on_gpu import run_together
from umlpsd_gpu.clustering.representations import Representations
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.context import Context, RunJobs
from umlpsd_gpu.compute.device_memory import free_bytes
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.compute.transfer import results_in_flight
from umlpsd_gpu.decision.plan import EvidenceNeeded, evidence_plan
from umlpsd_gpu.kmeans.gpu_lloyd import fits_one_block
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.replication import Replication
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.settings import AnalysisSettings

# Largest size of all arrays of the representations that are swept at the same time
SWEEP_BYTES = 4 << 30
# Share of the free GPU memory that the curves of all representations, and their distances, may take
# where they are swept together
SHARE_OF_CURVES = 0.4

SweepsByName = dict[str, tuple[Sweep, ...]]


@dataclass(frozen=True)
class Evidence:
    """All sweeps that a decision needs.

    Attributes
    ----------
    sweeps : tuple of Sweep
        One for each representation.
    surrogates : dict of str to tuple of Sweep, or None
        By representation; None if the settings ask for none.
    replications : tuple of Replication
        Of the representations that are weighed; empty if the settings ask for none, or there are
        too few items.
    """

    sweeps: tuple[Sweep, ...]
    surrogates: SweepsByName | None
    replications: tuple[Replication, ...]


def sweep_representations(
    representations: Representations, settings: AnalysisSettings, context: Context
) -> Evidence:
    """Sweep every representation, with its surrogates and halves.

    Parameters
    ----------
    representations : Representations
    settings : AnalysisSettings
        Sections ``sweep`` and ``decision``, and ``n_threads``.
    context : Context
        ``run_jobs``, if given, runs the jobs.

    Returns
    -------
    Evidence

    Raises
    ------
    TracesError
        If there are too few items, or values that are not finite.
    DeviceError
        If the memory of the device is too small.
    """
    chosen, decision = settings.sweep, settings.decision
    plan = evidence_plan(
        representations.names,
        representations.n_curves,
        chosen.k_max,
        decision.rule,
        decision.n_surrogates,
        decision.n_resamples,
        chosen.seed,
    )
    jobs = [partial(_make_job, representations, name, plan[name], settings) for name in plan]
    run = context.run_jobs or _run_here(representations, plan, settings)
    by_name = dict(zip(plan, _report_each(run, jobs, context), strict=True))
    return Evidence(
        tuple(swept.sweep for swept in by_name.values()),
        {name: swept.surrogates for name, swept in by_name.items() if swept.surrogates} or None,
        tuple(s.replication for s in by_name.values() if s.replication is not None),
    )


def options_of(settings: AnalysisSettings) -> SweepOptions:
    """Return the options of all sweeps of an analysis.

    Parameters
    ----------
    settings : AnalysisSettings

    Returns
    -------
    SweepOptions
    """
    chosen = settings.sweep
    return SweepOptions(
        seed=chosen.seed,
        n_epochs=chosen.n_epochs,
        silhouette_metric=chosen.silhouette_metric,
        max_iter=chosen.max_iter,
        budget_s=chosen.budget_s,
    )


def _make_job(
    representations: Representations,
    name: str,
    needed: EvidenceNeeded,
    settings: AnalysisSettings,
) -> RepresentationJob:
    return RepresentationJob(
        curves=representations.make(name),
        name=name,
        k_max=settings.sweep.k_max,
        options=options_of(settings),
        engine=settings.sweep.engine,
        needed=needed,
    )


def _report_each(run: RunJobs, jobs: Sequence[MakeJob], context: Context) -> Iterator[SweepsOfOne]:
    for done, result in enumerate(run(jobs)):
        yield result
        context.progress("sweep", done + 1, len(jobs))


def _run_here(
    representations: Representations, plan: dict[str, EvidenceNeeded], settings: AnalysisSettings
) -> RunJobs:
    """Return a function that runs jobs on the GPU that has the items, or else in threads."""
    n, n_points = representations.n_curves, representations.n_points
    bytes_of_one = 8 * n * (3 * n_points + n)
    if representations.is_on_device:
        batched = settings.sweep.engine in ("auto", "batched")
        bytes_of_all = 8 * n * (n_points + n) * len(plan)
        fits = bytes_of_all <= SHARE_OF_CURVES * free_bytes()
        if batched and fits and fits_one_block(n, settings.sweep.k_max):
            return run_together
        return partial(_run_in_flight, bytes_of_one)
    # the longest jobs start first, so that none runs alone at the end
    order = sorted(range(len(plan)), key=lambda i: list(plan.values())[i].samples is None)
    return partial(_run_in_threads, settings.n_threads or n_cores(), bytes_of_one, order)


def _run_in_flight(bytes_of_one: int, jobs: Sequence[MakeJob]) -> Iterator[SweepsOfOne]:
    return results_in_flight([partial(_start, make) for make in jobs], bytes_of_one)


def _start(make: MakeJob) -> Callable[[], SweepsOfOne]:
    return make().start()


def _run_in_threads(
    n_threads: int, bytes_of_one: int, order: Sequence[int], jobs: Sequence[MakeJob]
) -> Iterator[SweepsOfOne]:
    """Yield the results in order, each job in a thread with its share of the cores."""
    n_at_once = max(1, min(n_threads, len(jobs), SWEEP_BYTES // bytes_of_one))
    # the limit covers all jobs: each sweep also sets it, and would remove it for the others
    with threadpool_limits(limits=1), thread_pool(n_at_once) as pool:
        share = n_threads // n_at_once
        running = {i: pool.submit(_run_one, share, jobs[i]) for i in order}
        for i in range(len(jobs)):
            yield running.pop(i).result()


def _run_one(n_threads: int, make: MakeJob) -> SweepsOfOne:
    return make().start(n_threads)()
