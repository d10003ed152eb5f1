"""The whole benchmark: claim table, roofline, scaling, stages of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from umlpsd_gpu.bench.claim import N_EPOCHS, SCALES, claim_table
from umlpsd_gpu.bench.contenders import find_contenders
from umlpsd_gpu.bench.machine import machine_facts
from umlpsd_gpu.bench.paper_protocol import K_MAX
from umlpsd_gpu.bench.result import BenchResult
from umlpsd_gpu.bench.roofline import measure_ceilings, measure_work
from umlpsd_gpu.bench.scaling import FULL_SIZES, QUICK_SIZES, scaling
from umlpsd_gpu.bench.stages import study_stages
from umlpsd_gpu.bench.timing import Progress, time_call
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.traces import PAPER_MIX, simulate_traces


@dataclass(frozen=True)
class Plan:
    """The extent of a benchmark.

    Attributes
    ----------
    quick : bool
    classes : mapping of str to int
        Number of simulated traces of each class.
    n_frames, k_max, n_rounds : int
        Of the claim table.
    sizes : mapping of str to sequence of int
        Of the scaling, as `scaling.FULL_SIZES`.
    n_movie_frames, n_movie_rows, n_emitters, n_studies : int
        Of the study whose stages are timed.
    """

    quick: bool = False
    classes: Mapping[str, int] = field(default_factory=lambda: dict(PAPER_MIX))
    n_frames: int = 10_000
    k_max: int = K_MAX
    n_rounds: int = 5
    sizes: Mapping[str, Sequence[int]] = field(default_factory=lambda: FULL_SIZES)
    n_movie_frames: int = 6000
    n_movie_rows: int = 256
    n_emitters: int = 200
    n_studies: int = 5


FULL = Plan()
QUICK = Plan(
    quick=True,
    n_rounds=4,
    sizes=QUICK_SIZES,
    n_movie_frames=3000,
    n_movie_rows=128,
    n_emitters=60,
    n_studies=3,
)


def bench(plan: Plan = FULL, seed: int = 0, progress: Progress | None = None) -> BenchResult:
    """Measure this machine.

    Parameters
    ----------
    plan : Plan
    seed : int
        Of the simulated traces and of all K-means.
    progress : callable, optional
        Called with (step, n_done, n_total).

    Returns
    -------
    BenchResult
    """
    report = progress or (lambda step, done, total: None)
    total_s, found = time_call(lambda: _measure(plan, seed, report))
    return BenchResult(**found, total_s=total_s)


def _measure(plan: Plan, seed: int, report: Progress) -> dict[str, Any]:
    machine = machine_facts()
    traces = simulate_traces(plan.classes, n_frames=plan.n_frames, seed=seed).traces
    values = {scale: preprocess_at(traces, Scale.parse(scale)).values for scale in SCALES}
    contenders, missing = find_contenders(plan.k_max, plan.quick)
    report("ceilings", 0, 1)
    ceilings = measure_ceilings()
    report("ceilings", 1, 1)
    ks = range(1, plan.k_max + 1)
    return {
        "machine": machine,
        "quick": plan.quick,
        "seed": seed,
        "claim": claim_table(values, contenders, plan.n_rounds, plan.k_max, seed, report, missing),
        "ceilings": ceilings,
        "work": {scale: measure_work(values[scale], ks, N_EPOCHS) for scale in SCALES},
        "curves": scaling(np.asarray(values["raw"]), plan.sizes, plan.n_rounds, report, seed),
        "stages": study_stages(
            plan.n_movie_frames,
            plan.n_movie_rows,
            plan.n_emitters,
            plan.n_studies,
            report,
            seed,
        ),
    }
