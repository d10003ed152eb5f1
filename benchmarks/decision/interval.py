"""Check whether the interval of the confidence contains the values of fresh ensembles."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
from scipy.special import logit

from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.decision.confidence import CI95_DEVIATIONS
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.simulate.traces import simulate_traces

KINDS = (
    {"PEB": 68, "TSB": 68, "PBB": 68},
    {"PEB": 30, "TSB": 30, "PBB": 30},
    {"PEB": 100, "TSB": 20, "PBB": 20},
    {"PEB": 60, "PBB": 60},
    {"TSB": 60, "PBB": 60},
    {"TSB": 120},
    {"PEB": 20, "TSB": 20, "PBB": 20},
    {"PEB": 200, "TSB": 200, "PBB": 200},
)
N_FRAMES, DT_S = 4000, 0.075
FIRST_SEED = 100


def main() -> None:
    """Compare intervals with fresh ensembles and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = [
        "# Interval of the confidence",
        "",
        f"`python benchmarks/decision/interval.py --seeds {arguments.seeds}`, {date.today()}. "
        f"{N_FRAMES} frames of {DT_S * 1000:.0f} ms, default settings, a decision on each seed. "
        "Scatter: standard deviation of the log-odds of the confidence among ensembles, and what "
        f"its interval is made of (mean over ensembles). Seeds from {FIRST_SEED}, which took no "
        "part in setting the interval. Held: how many intervals hold the mean log-odds of the "
        "other ensembles.",
        "",
        "| traces | K | confidence | scatter of ensembles | of the interval | held |",
        "|---" * 6 + "|",
    ]
    held: list[bool] = []
    for kind in KINDS:
        row, of_kind = _row(kind, arguments.seeds)
        lines.append(row)
        print(row, flush=True)
        held += of_kind
    lines += [
        "",
        f"Held in all: {100 * np.mean(held):.0f} % of {len(held)} ensembles (an interval of 95 % "
        "should hold 95 %).",
        "",
    ]
    print("\n".join(lines[-3:]))
    if arguments.out:
        arguments.out.write_text("\n".join(lines), encoding="utf-8")


def _row(kind: dict[str, int], n_seeds: int) -> tuple[str, list[bool]]:
    """Return the line of a kind of ensemble, and whose interval held."""
    decisions = {seed: _decided(kind, seed) for seed in range(FIRST_SEED, FIRST_SEED + n_seeds)}
    k = Counter(decision.k_opt for decision in decisions.values()).most_common(1)[0][0]
    agreed = {seed: decision for seed, decision in decisions.items() if decision.k_opt == k}
    odds = {seed: logit(decision.confidence) for seed, decision in agreed.items()}
    reach = {s: logit(d.confidence) - logit(d.confidence_ci95[0]) for s, d in agreed.items()}
    held = []
    for seed in agreed:
        others = np.mean([odds[other] for other in agreed if other != seed])
        held.append(bool(abs(odds[seed] - others) <= reach[seed]))
    confidences = [decision.confidence for decision in agreed.values()]
    traces = " + ".join(f"{n} {name}" for name, n in kind.items())
    cells = (
        traces,
        f"{k} ({len(agreed)} of {n_seeds})",
        f"{min(confidences):.2f}…{max(confidences):.2f}",
        f"{np.std(list(odds.values()), ddof=1):.2f}",
        f"{np.mean(list(reach.values())) / CI95_DEVIATIONS:.2f}",
        f"{sum(held)} of {len(held)}",
    )
    return f"| {' | '.join(cells)} |", held


def _decided(kind: dict[str, int], seed: int) -> KDecision:
    traces = simulate_traces(kind, n_frames=N_FRAMES, dt_s=DT_S, seed=seed).traces
    return run_study(traces).decision


if __name__ == "__main__":
    main()
