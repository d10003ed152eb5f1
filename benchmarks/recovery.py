"""Emitters found and classes recovered on simulated movies with known truth.

    python benchmarks/recovery.py --out benchmarks/results/recovery.md

Movies of 128 × 128 pixels × 10,000 frames with 60 emitters of three classes, default settings.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.validation.compare import compare_with_truth

HEADINGS = (
    "| seed | found within 1 px | false | RMS px | K_opt | scale | confidence | ARI | study s |"
)


def main() -> None:
    """Study all movies and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = [
        "# Recovery of simulated movies",
        "",
        f"`python benchmarks/recovery.py --seeds {arguments.seeds}`, {date.today()}. "
        "60 emitters of three classes (PEB, TSB, PBB), "
        f"128 × 128 × {arguments.frames} frames, default settings. Required: ≥ 90 % found within "
        "1 px, ≤ 5 % false, adjusted Rand index (ARI) ≥ 0.7 at K_opt.",
        "",
        HEADINGS,
        "|---" * HEADINGS.count(" | ") + "|---|",
    ]
    found_share, false_share, rand = [], [], []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            truth = simulate_movie(Path(folder) / "movie.tif", seed=seed, n_frames=arguments.frames)
            start = time.perf_counter()
            study = run_study(open_movie(truth.path))
            seconds = time.perf_counter() - start
        recovery = compare_with_truth(study, truth)
        found_share.append(recovery.n_found / recovery.n_true)
        false_share.append(recovery.n_false / study.traces.n_traces)
        rand.append(recovery.adjusted_rand)
        lines.append(
            f"| {seed} | {recovery.n_found} of {recovery.n_true} | {recovery.n_false} | "
            f"{recovery.position_rms_px:.2f} | {recovery.k_opt} | {study.decision.scale} | "
            f"{study.decision.confidence:.2f} | {recovery.adjusted_rand:.2f} | {seconds:.1f} |"
        )
        print(lines[-1], flush=True)
    lines += [
        "",
        f"Mean: {100 * np.mean(found_share):.1f} % found, "
        f"{100 * np.mean(false_share):.1f} % false, ARI {np.mean(rand):.2f} "
        f"({sum(r >= 0.7 for r in rand)} of {len(rand)} at or above 0.7).",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
