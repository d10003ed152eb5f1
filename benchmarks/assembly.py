"""Grains of simulated crystal assemblies: K-means against Pearson maps, and the whole command.

    python benchmarks/assembly.py --out benchmarks/results/assembly.md

The scene of 400 pixels × 6,000 frames × 100 ms; the paper's windows for crystals.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.maps.graph import agreement
from umlpsd_gpu.simulate.assembly import AssemblyTruth, write_assembly_movie

SIGNALS = (0.3, 1.0, 3.0)  # low, middle, high: about 150, 500 and 1,500 counts a pixel and frame
DARK_COUNTS = 40  # background and offset of the camera
THRESHOLD_COUNTS = 160  # above them, at middle signal
PAPER_WINDOWS = (10, 20, 25, 30, 40, 48, 50, 60, 75, 80, 100)
DECISION = ("decide",)
HEADINGS = (
    "| scene | signal | seed | K_opt | scale | confidence | accuracy | ARI, K-means | ARI, Pearson "
    "| grains 1 and 2 in one Pearson domain | command s | decision s |"
)
SUMMARY_HEADINGS = (
    "| scene | signal | K_opt = 3 | mean accuracy | least accuracy | Pearson merges grains 1 and 2 "
    "| command s (median) | decision s |"
)


@dataclass(frozen=True)
class Outcome:
    """One study of a scene, compared with the truth."""

    study: Study
    accuracy: float
    ari_clusters: float
    ari_pearson: float
    shared_percent: float
    command_s: float

    @property
    def decision_s(self) -> float:
        """Return the time of the decision, s."""
        return sum(self.study.timings_s[step] for step in DECISION)


def main() -> None:
    """Study all scenes and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = [
        "# Crystal assemblies",
        "",
        f"`python benchmarks/assembly.py --seeds {arguments.seeds}`, {date.today()}. Three grains, "
        "1 and 2 with a common trend (PCC ≈ 0.83), 20 × 20 pixels × 6,000 frames of 100 ms; "
        f"signal: factor on the counts of the grains. `umlpsd run --traces pixels --threshold` "
        "(88, 200 and 520 counts at low, middle and high signal) at the paper's windows, from "
        "TIFF to maps in a separate process. ARI: adjusted Rand index with the true grains. "
        "Pearson: neighbouring pixels joined where their raw traces correlate ≥ 0.8; the share of "
        "the pixels of grains 1 and 2 that are in the domain with most of them. Required: "
        "K_opt = 3 in 19 of 20 scenes of each kind, accuracy ≥ 0.95 at middle signal, the Pearson "
        "domains merge grains 1 and 2, ≤ 12 s on 2 cores, of which the decision ≤ 6 s.",
        "",
        HEADINGS,
        "|---" * (HEADINGS.count("|") - 1) + "|",
    ]
    summaries = []
    for layout in ("domains", "crystals"):
        for signal in SIGNALS:
            outcomes = []
            for seed in range(arguments.seeds):
                outcomes.append(study_scene(layout, signal, seed))
                lines.append(_line(layout, signal, seed, outcomes[-1]))
                print(lines[-1], flush=True)
            summaries.append(_summary(layout, signal, outcomes))
    lines += [
        "",
        SUMMARY_HEADINGS,
        "|---" * (SUMMARY_HEADINGS.count("|") - 1) + "|",
        *summaries,
        "",
    ]
    print("\n".join(summaries))
    if arguments.out:
        arguments.out.write_text("\n".join(lines), encoding="utf-8")


def study_scene(layout: str, signal: float, seed: int) -> Outcome:
    """Write a scene, run the whole command on it, and compare with the truth."""
    with tempfile.TemporaryDirectory() as folder:
        movie, out = Path(folder) / "crystal.tif", Path(folder) / "study"
        truth = write_assembly_movie(movie, layout=layout, signal=signal, seed=seed).truth
        main = "from umlpsd_gpu.cli.main import main; main()"
        command = [sys.executable, "-c", main, "run", str(movie), "--out", str(out)]
        scales = ",".join(f"W{window}" for window in PAPER_WINDOWS)
        threshold = f"{DARK_COUNTS + signal * THRESHOLD_COUNTS:g}"
        options = ["--traces", "pixels", "--threshold", threshold, "--scales", scales]
        start = time.perf_counter()
        subprocess.run([*command, *options], check=True, capture_output=True)
        return _compare(Study.load(out), truth, time.perf_counter() - start)


def _compare(study: Study, truth: AssemblyTruth, command_s: float) -> Outcome:
    rows, cols = study.traces.rows.astype(int), study.traces.cols.astype(int)
    grains = truth.grains[rows, cols].astype(int)
    domains = study.maps.raw.domains_neighbours
    alike = np.isin(grains, (1, 2))
    largest = np.bincount(domains[alike]).argmax()
    shares = [100 * np.mean(domains[grains == grain] == largest) for grain in (1, 2)]
    return Outcome(
        study=study,
        accuracy=truth.accuracy(rows, cols, study.labels),
        ari_clusters=agreement(study.labels, grains),
        ari_pearson=agreement(domains, grains),
        shared_percent=min(shares),
        command_s=command_s,
    )


def _summary(layout: str, signal: float, outcomes: list[Outcome]) -> str:
    n_three = sum(outcome.study.decision.k_opt == 3 for outcome in outcomes)
    accuracy = np.array([outcome.accuracy for outcome in outcomes])
    merged = sum(outcome.shared_percent > 50 for outcome in outcomes)
    return (
        f"| {layout} | {signal:g} | {n_three} of {len(outcomes)} | {accuracy.mean():.3f} "
        f"| {accuracy.min():.3f} | {merged} | {np.median([o.command_s for o in outcomes]):.1f} "
        f"| {np.median([o.decision_s for o in outcomes]):.1f} |"
    )


def _line(layout: str, signal: float, seed: int, outcome: Outcome) -> str:
    decision = outcome.study.decision
    return (
        f"| {layout} | {signal:g} | {seed} | {decision.k_opt} | {decision.scale} "
        f"| {decision.confidence:.2f} | {outcome.accuracy:.3f} | {outcome.ari_clusters:.2f} "
        f"| {outcome.ari_pearson:.2f} | {outcome.shared_percent:.0f} % "
        f"| {outcome.command_s:.1f} | {outcome.decision_s:.1f} |"
    )


if __name__ == "__main__":
    main()
