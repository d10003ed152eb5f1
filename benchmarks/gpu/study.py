"""A whole study of the paper's ensemble, on the GPU and on the CPU."""

from __future__ import annotations

import numpy as np

from gpu import card, clock
from gpu.proof import LeftOut, Proof
from umlpsd_gpu.simulate.traces import PAPER_MIX, simulate_traces


def run(proof: Proof) -> None:
    """Compare the answers, then the seconds of each stage."""
    missing = [name for name in ("pydantic", "tomli_w", "pywt") if not card.is_installed(name)]
    if missing:
        raise LeftOut(f"not installed: {', '.join(missing)}")
    from umlpsd_gpu.analyses.blinking.settings import Settings
    from umlpsd_gpu.analyses.blinking.workflow import run_study

    mix = proof.size(PAPER_MIX, {"PEB": 8, "PBB": 7})
    traces = simulate_traces(mix, n_frames=proof.size(10_000, 500), seed=0).traces
    changes = proof.size(
        {}, {"preprocess.scales": ["raw", "W20"], "sweep.n_epochs": 2, "sweep.k_max": 4}
    )
    settings = {
        device: Settings().with_values(changes | {"device": device}) for device in ("gpu", "cpu")
    }
    run_study(traces, settings["gpu"])  # compiles
    timed = {
        device: clock.once(lambda s=of_device: run_study(traces, s))
        for device, of_device in settings.items()
    }
    (gpu_s, found), (cpu_s, expected) = timed["gpu"], timed["cpu"]
    same = found.decision.k_opt == expected.decision.k_opt
    same = same and found.decision.scale == expected.decision.scale
    same = same and np.array_equal(found.labels, expected.labels)
    if not same:
        raise AssertionError(
            f"the GPU's study finds K = {found.decision.k_opt} at {found.decision.scale}, the "
            f"CPU's K = {expected.decision.k_opt} at {expected.decision.scale}"
        )
    rows = [
        (step, clock.text(found.timings_s[step]), clock.text(expected.timings_s[step]))
        for step in expected.timings_s
    ]
    rows.append(("whole", clock.text(gpu_s), clock.text(cpu_s)))
    proof.table(f"{traces.n_traces} × {traces.n_frames}", ("stage", "GPU", "CPU"), rows)
    gap = np.nanmax(np.abs(found.fit.beta - expected.fit.beta))
    proof.note(f"the same clusters; |Δβ| {gap:.1e} at most")
