"""The sweep against a scikit-learn loop that does the same, side by side in one run.

    python benchmarks/sweep_speed.py --out benchmarks/results/sweep_speed.md

Ensemble: 204 simulated PEB/TSB/PBB traces of 10,000 frames. Three tables: the whole grid of 18
scales × K 1…15 × 100 epochs; one scale against scikit-learn's ``KMeans(n_init=1)``,
``silhouette_samples`` and ``calinski_harabasz_score``; and whether the results agree.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import time
from datetime import date
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, silhouette_samples
from threadpoolctl import threadpool_limits

from umlpsd_gpu.analyses.blinking.fitting_scales import smoothed_traces
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.bench.roofline import measure_ceilings, measure_work
from umlpsd_gpu.clustering.sweeps import sweep_representations
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.settings import PAPER_SCALES
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.traces import simulate_traces

K_VALUES = range(1, 16)


def sklearn_loop(values: np.ndarray, n_epochs: int) -> None:
    """Do what a script would do."""
    for k in K_VALUES:
        for epoch in range(n_epochs):
            run = KMeans(n_clusters=k, n_init=1, random_state=1000 * k + epoch).fit(values)
            if k > 1:
                silhouettes = silhouette_samples(values, run.labels_, metric="sqeuclidean")
                silhouettes.mean(), np.mean(silhouettes < 0)
                calinski_harabasz_score(values, run.labels_)


def timed(work, *arguments):
    """Return the wall time of a call and its result."""
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result


def grid_table(traces, n_repeats: int) -> list[str]:
    """Return the table of times of the grid of 18 scales."""
    scales = [Scale.parse(name) for name in PAPER_SCALES]
    # the sweeps alone
    settings = Settings().with_values({"decision.n_surrogates": 0, "decision.n_resamples": 0})
    smoothed = smoothed_traces(traces, traces.usable(), scales, settings)
    seconds = [
        timed(sweep_representations, smoothed, settings, Context())[0] for _ in range(n_repeats)
    ]
    low, middle, high = np.min(seconds), np.median(seconds), np.max(seconds)
    return [
        "## The whole grid",
        "",
        f"{len(scales)} scales × K 1…15 × 100 epochs, smoothing and all metrics included, "
        f"{traces.n_traces} × {traces.n_frames} traces, {n_repeats} runs:",
        "",
        f"**{middle:.2f} s** (median; {low:.2f}…{high:.2f} s). Required: ≤ 3 s on 2 cores.",
        "",
    ]


def ratio_table(traces, n_epochs: int, n_repeats: int) -> list[str]:
    """Return the table of times against scikit-learn."""
    lines = [
        "## One scale against scikit-learn",
        "",
        f"scikit-learn ran {n_epochs} epochs of every K (times scaled to 100), ours 100 epochs, "
        f"{n_repeats} times before and after it (median).",
        "",
        "| scale | samples | scikit-learn | ours | ratio | required |",
        "|---|---|---|---|---|---|",
    ]
    for name, required in (("raw", 400), ("W80", 150)):
        values = preprocess_at(traces, Scale.parse(name)).values
        ours = [timed(sweep, values, K_VALUES)[0] for _ in range(n_repeats)]
        # for so few traces more threads of scikit-learn only cost (benchmarks/README.md)
        with threadpool_limits(limits=1):
            reference_s, _ = timed(sklearn_loop, values, n_epochs)
        ours += [timed(sweep, values, K_VALUES)[0] for _ in range(n_repeats)]
        reference_s *= 100 / n_epochs
        lines.append(
            f"| {name} | {values.shape[1]} | {reference_s:.1f} s | {np.median(ours):.3f} s | "
            f"**{reference_s / np.median(ours):.0f}×** | ≥ {required}× |"
        )
    return [*lines, ""]


def bound(traces) -> list[str]:
    """Say what products and sums alone would take at W80: the floor of this way of computing."""
    values = preprocess_at(traces, Scale.parse("W80")).values
    work, ceilings = measure_work(values, K_VALUES, 100), measure_ceilings()
    return [
        f"At W80 the sweep multiplies {1e-9 * work.flops:.2f} Gflop and sums "
        f"{1e-9 * work.cached_bytes:.2f} GB of rows of pairs. At the best rates of this machine's "
        f"{n_cores()} cores, {1e-9 * ceilings.flops_per_s:.0f} Gflop/s in float64 products and "
        f"{1e-9 * ceilings.cached_bytes_per_s:.0f} GB/s out of the cache, measured, that takes "
        f"{1e3 * work.floor_s(ceilings):.0f} ms: the floor of the time above, with no other work "
        "counted.",
        "",
    ]


def _exact_coordinates(values: np.ndarray) -> np.ndarray:
    """Return n coordinates with the same distances: scikit-learn is then quick on raw traces."""
    centred = values - values.mean(axis=0)
    if values.shape[1] <= len(values):
        return centred
    powers, vectors = np.linalg.eigh(centred @ centred.T)
    return vectors * np.sqrt(np.maximum(powers, 0))


def ssd_table(traces, n_epochs: int) -> list[str]:
    """Return the table that compares the SSD of independent starts with scikit-learn's."""
    lines = [
        "## Mean SSD of independent starts",
        "",
        f"{n_epochs} epochs of every K; excess of our mean SSD over scikit-learn's "
        "(`KMeans(n_init=1)`, own starts), its standard error, and the number of K's at which it "
        "is above 0.5 % by more than two standard errors. Required: none.",
        "",
        "| scale | mean excess over K | largest excess | K's above 0.5 % |",
        "|---|---|---|---|",
    ]
    for name in ("raw", "W80"):
        values = _exact_coordinates(preprocess_at(traces, Scale.parse(name)).values)
        ours = sweep(values, K_VALUES, n_epochs=n_epochs).ssd
        reference = np.empty_like(ours)
        for i, k in enumerate(K_VALUES):
            for epoch in range(n_epochs):
                run = KMeans(n_clusters=k, n_init=1, random_state=10_000 * k + epoch)
                reference[i, epoch] = run.fit(values).inertia_
        excess = 100 * (ours.mean(axis=1) / reference.mean(axis=1) - 1)
        scatter = np.hypot(ours.std(axis=1, ddof=1), reference.std(axis=1, ddof=1))
        error = 100 * scatter / np.sqrt(n_epochs) / reference.mean(axis=1)
        worst = int(excess.argmax())
        lines.append(
            f"| {name} | {excess.mean():+.2f} % | {excess[worst]:+.2f} ± {error[worst]:.2f} % "
            f"(K = {K_VALUES[worst]}) | {np.count_nonzero(excess - 2 * error > 0.5)} |"
        )
    return [*lines, ""]


def agreement_table(traces) -> list[str]:
    """Return the table that compares labels from the same starts with scikit-learn's."""
    lines = [
        "## From the same starts",
        "",
        "Engine `batched` against engine `sklearn` (scikit-learn's Lloyd from our starting "
        "traces), K 1…15, 10 epochs.",
        "",
        "| scale | labellings that differ | largest relative difference of SSD |",
        "|---|---|---|",
    ]
    for name in ("raw", "W10", "W80", "W500", "WL6"):
        values = preprocess_at(traces, Scale.parse(name)).values
        ours, reference = (
            sweep(values, K_VALUES, n_epochs=10, engine=engine) for engine in ("batched", "sklearn")
        )
        differ = (ours.labels != reference.labels).any(axis=2)
        gap = np.abs(ours.ssd / reference.ssd - 1).max()
        lines.append(f"| {name} | {differ.sum()} of {differ.size} | {gap:.1e} |")
    return [*lines, ""]


def main() -> None:
    """Measure the sweep and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100, help="epochs of the scikit-learn loop")
    parser.add_argument("--ssd-epochs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    traces = simulate_traces(seed=0).traces
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = [
        "# Speed of the sweep",
        "",
        f"`python benchmarks/sweep_speed.py --epochs {arguments.epochs}`, {date.today()}, commit "
        f"{commit or 'unknown'}, {platform.machine()}, {n_cores()} cores, Python "
        f"{platform.python_version()}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}.",
        "",
        *grid_table(traces, arguments.repeats),
        *ratio_table(traces, arguments.epochs, arguments.repeats),
        *bound(traces),
        *ssd_table(traces, arguments.ssd_epochs),
        *agreement_table(traces),
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
