"""K_opt, scale and accuracy on ensembles like the paper's 204 nanocrystals.

python benchmarks/decision/paper_mix.py --out benchmarks/results/decision_paper_mix.md
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.simulate.traces import simulate_traces

HEADINGS = (
    "| seed | K_opt | confidence | scale | accuracy | one run there | raw, K = 3 | one run raw "
    "| sweep, surrogates, samples, decision s |"
)


def main() -> None:
    """Decide K for ensembles like the paper's and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = [
        "# The paper's mix",
        "",
        f"`python benchmarks/decision/paper_mix.py --seeds {arguments.seeds}`, {date.today()}. "
        "68 PEB, 68 TSB, 68 PBB, 10,000 frames of 30 ms, default settings. Required: K_opt = 3 and "
        "a mean accuracy ≥ 0.89 at the chosen scale, raw below it (the paper: 0.89 and 0.66), "
        "and ≤ 30 s. The paper runs K-means once: that is `one run`, the mean over the epochs; our "
        "labels are the best of 100 epochs, which are as good on raw traces.",
        "",
        HEADINGS,
        "|---" * 9 + "|",
    ]
    rows = []
    for seed in range(arguments.seeds):
        simulated = simulate_traces(seed=seed)
        start = time.perf_counter()
        study = run_study(simulated.traces)
        seconds = time.perf_counter() - start - study.timings_s["spectra"]
        classes = np.unique(simulated.classes, return_inverse=True)[1]
        found = accuracy(study.labels, classes)
        raw = accuracy(study.sweep_at("raw").best_labels(3), classes)
        single, single_raw = (
            mean_accuracy(study.sweep_at(scale), classes) for scale in (study.decision.scale, "raw")
        )
        rows.append((study.decision.k_opt, found, single, raw, single_raw, seconds))
        lines.append(_line(seed, study, *rows[-1][1:]))
        print(lines[-1], flush=True)
    k_opt, found, single, raw, single_raw, seconds = np.array(rows).T
    lines += [
        "",
        f"K_opt = 3 in {np.count_nonzero(k_opt == 3)} of {len(rows)}; accuracy {found.mean():.3f} "
        f"± {found.std(ddof=1):.3f} at the chosen scale, {raw.mean():.3f} "
        f"± {raw.std(ddof=1):.3f} raw; of one run as the paper's {single.mean():.3f} and "
        f"{single_raw.mean():.3f}; {np.median(seconds):.1f} s (median).",
        "",
    ]
    print("\n".join(lines[-3:]))
    if arguments.out:
        arguments.out.write_text("\n".join(lines), encoding="utf-8")


def accuracy(labels: np.ndarray, classes: np.ndarray) -> float:
    """Return the share of traces in the cluster matched to their class."""
    return float(np.mean(match_labels(labels, classes) == classes))


def mean_accuracy(sweep: Sweep, classes: np.ndarray) -> float:
    """Return the accuracy of a single K-means run at K = 3, averaged over the epochs."""
    labels = sweep.labels[sweep.index_of(3)]
    return float(np.mean([accuracy(epoch, classes) for epoch in labels]))


def _line(
    seed: int,
    study: Study,
    found: float,
    single: float,
    raw: float,
    single_raw: float,
    seconds: float,
) -> str:
    decision = study.decision
    return (
        f"| {seed} | {decision.k_opt} | {decision.confidence:.2f} | {decision.scale} "
        f"| {found:.3f} | {single:.3f} | {raw:.3f} | {single_raw:.3f} | {seconds:.1f} |"
    )


if __name__ == "__main__":
    main()
