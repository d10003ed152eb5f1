"""Sweeps of thousands of pixels against a scikit-learn loop that does the same, in one run.

    python benchmarks/large_sweep.py --out benchmarks/results/large_sweep.md
    python benchmarks/large_sweep.py --before CHECKOUT    # processor time against another commit

Ensembles: simulated PEB/TSB/PBB traces of 800 frames in 100 bins, K 2…15. Tables: time, memory,
agreement with scikit-learn, where the time goes, and what a sample of the silhouettes gains.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, silhouette_score

from umlpsd_gpu.kmeans import distances as geometry
from umlpsd_gpu.kmeans import engines
from umlpsd_gpu.kmeans.budget import SweepCost
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.traces import simulate_traces

K_VALUES = range(2, 16)
N_FRAMES, SCALE = 800, "W8"
N_REQUIRED, RATIO_REQUIRED, PEAK_GB_REQUIRED = 4096, 50, 2.0
# against another commit: traces, epochs of K 1…15, how many times faster it must be
PAIRED = ((204, 100, 1), (1600, 100, 6), (10_000, 8, 8), (100_000, 8, 8))
CASES = ((1000, "sqeuclidean"), (4096, "sqeuclidean"), (4096, "euclidean"), (10_000, "sqeuclidean"))
# scikit-learn's silhouettes of the largest ensemble take minutes: only a few K's there
K_SKLEARN = {10_000: (2, 8, 15)}


def ensemble(n_traces: int) -> np.ndarray:
    """Return simulated traces, binned and scaled; (n_traces, 100)."""
    third = n_traces // 3
    classes = {"PEB": third, "TSB": third, "PBB": n_traces - 2 * third}
    traces = simulate_traces(classes, n_frames=N_FRAMES, seed=0).traces
    return preprocess_at(traces, Scale.parse(SCALE)).values


def sklearn_epoch(values: np.ndarray, metric: str) -> float:
    """Return the seconds of one epoch of every K, as a script would do it."""
    ks = K_SKLEARN.get(len(values), K_VALUES)
    start = time.perf_counter()
    for k in ks:
        run = KMeans(k, init="k-means++", n_init=1, max_iter=100, random_state=k).fit(values)
        silhouette_score(values, run.labels_, metric=metric)
        calinski_harabasz_score(values, run.labels_)
    return (time.perf_counter() - start) * len(K_VALUES) / len(ks)


def best_of(n_repeats: int, work) -> float:
    """Return the shortest time of several repeats."""
    seconds = []
    for _ in range(n_repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def time_table(ensembles: dict[int, np.ndarray], n_epochs: int, n_repeats: int) -> list[str]:
    """Return the table of times against scikit-learn."""
    lines = [
        "## Time",
        "",
        f"Ours: K 2…15, {n_epochs} epochs, all metrics, best of {n_repeats}, half of them before "
        "and half after scikit-learn. scikit-learn: `KMeans(n_init=1, max_iter=100)`, "
        f"`silhouette_score`, `calinski_harabasz_score`; 1 epoch × {n_epochs} (for 10,000 traces "
        "of K = 2, 8, 15 only, scaled to 14 K's).",
        "",
        "| traces × samples | silhouette | scikit-learn | ours | ratio | required | predicted |",
        "|---|---|---|---|---|---|---|",
    ]
    for n_traces, metric in CASES:
        values = ensembles[n_traces]

        def ours(values=values, metric=metric):
            sweep(values, K_VALUES, n_epochs, silhouette_metric=metric)

        before_s = best_of((n_repeats + 1) // 2, ours)
        reference_s = n_epochs * sklearn_epoch(values, metric)
        ours_s = min(before_s, best_of(max(1, n_repeats // 2), ours))
        cost = SweepCost.of(*values.shape, np.array(K_VALUES), n_epochs, metric)
        judged = n_traces == N_REQUIRED and metric == "sqeuclidean"
        lines.append(
            f"| {n_traces} × {values.shape[1]} | {metric} | {reference_s:.0f} s | {ours_s:.1f} s | "
            f"**{reference_s / ours_s:.0f}×** | {f'≥ {RATIO_REQUIRED}×' if judged else '–'} | "
            f"{cost.kmeans_s + n_traces * cost.silhouette_s:.1f} s |"
        )
    return [*lines, "", "Predicted: what `sweep.budget_s` is compared with.", ""]


def memory_table(ensembles: dict[int, np.ndarray], n_epochs: int) -> list[str]:
    """Return the table of peak memory."""
    lines = [
        "## Memory",
        "",
        "Peak resident size of a process that does nothing else, and how far it is above the size "
        "after loading the values.",
        "",
        "| traces | silhouette | peak | above the start | required |",
        "|---|---|---|---|---|",
    ]
    for n_traces, metric in CASES:
        before, peak = _peak_of_process(ensembles[n_traces], metric, n_epochs)
        judged = n_traces == N_REQUIRED
        lines.append(
            f"| {n_traces} | {metric} | **{peak:.2f} GB** | {peak - before:.2f} GB | "
            f"{f'≤ {PEAK_GB_REQUIRED:g} GB' if judged else '–'} |"
        )
    return [*lines, ""]


def _peak_of_process(values: np.ndarray, metric: str, n_epochs: int) -> tuple[float, float]:
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, values)
        file.flush()
        command = [sys.executable, __file__, "--peak-of", file.name, metric, str(n_epochs)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    before, peak = map(float, printed.split())
    return before, peak


def print_peak(path: str, metric: str, n_epochs: str) -> None:
    """Sweep in this process; print its peak size in GB before and after."""
    values = np.load(path)
    before_gb = peak_gb()
    sweep(values, K_VALUES, int(n_epochs), silhouette_metric=metric)
    print(before_gb, peak_gb())


def print_paired(checkout: Path, n_repeats: int) -> None:
    """Print the table of processor time against another checkout, and whether labels agree."""
    print(
        "## Against an earlier commit\n\n"
        f"K 1…15, squared Euclidean, all cores; processor time, least of {n_repeats}, each commit "
        "in a process of its own by turns. Equal: restarts whose labels are the same.\n\n"
        "| traces × samples | epochs | before | now | ratio | required | equal |\n"
        "|---|---|---|---|---|---|---|"
    )
    for n_traces, n_epochs, required in PAIRED:
        values = ensemble(n_traces)
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "values.npy"
            np.save(source, values)
            seconds: dict[str, list[float]] = {"before": [], "now": []}
            for name in ("before", "now") * n_repeats:
                path = checkout if name == "before" else Path(__file__).resolve().parents[1]
                labels = Path(folder) / f"{name}.npy"
                command = [sys.executable, __file__, "--labels-of", source, str(n_epochs), labels]
                environment = {**os.environ, "PYTHONPATH": str(path)}
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=True
                )
                seconds[name].append(float(done.stdout))
            before, now = (np.load(Path(folder) / f"{name}.npy") for name in ("before", "now"))
        equal = (before == now).all(axis=2)
        before_s, now_s = min(seconds["before"]), min(seconds["now"])
        print(
            f"| {n_traces} × {values.shape[1]} | {n_epochs} | {before_s:.2f} s | {now_s:.2f} s | "
            f"**{before_s / now_s:.1f}×** | ≥ {required}× | {equal.sum()} of {equal.size} |",
            flush=True,
        )


def save_labels(path: str, n_epochs: str, out: str) -> None:
    """Sweep in this process; print its processor time and save the labels."""
    values = np.load(path)
    start = time.process_time()
    found = sweep(values, range(1, 16), int(n_epochs))
    print(time.process_time() - start)
    np.save(out, found.labels)


def peak_gb() -> float:
    """Return the peak resident size of this process; getrusage may return its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (kib,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kib) * 1024 / 1e9


def agreement(values: np.ndarray, n_epochs: int) -> list[str]:
    """Return the section on agreement with scikit-learn."""
    found = sweep(values, K_VALUES, n_epochs)
    gaps: dict[str, float] = defaultdict(float)
    for i, k in enumerate(found.k_values.tolist()):
        labels = found.labels[i, 0]
        centres = np.array([values[labels == c].mean(axis=0) for c in range(k)])
        expected = {
            "silhouette": silhouette_score(values, labels, metric="sqeuclidean"),
            "calinski_harabasz": calinski_harabasz_score(values, labels),
            "ssd": ((values - centres[labels]) ** 2).sum(),
        }
        for name, value in expected.items():
            gap = abs(getattr(found, name)[i, 0] / value - 1)
            gaps[name] = max(gaps[name], gap)
    lines = [
        "## Agreement",
        "",
        f"{len(values)} traces. Metrics of our labels (epoch 1 of every K) by scikit-learn, "
        "largest relative difference: "
        + ", ".join(f"{name} {gap:.0e}" for name, gap in gaps.items())
        + ". Required: 1e-6.",
        "",
        f"Inertia of {n_epochs} independent starts of ours, {n_epochs} of "
        "`KMeans(n_init=1, tol=0)` in scikit-learn:",
        "",
        "| K | ours: mean, least | scikit-learn: mean, least | excess of our mean |",
        "|---|---|---|---|",
    ]
    for k in (4, 8, 15):
        ours = found.ssd[found.index_of(k)]
        theirs = np.array(
            [
                KMeans(k, n_init=1, max_iter=100, tol=0, random_state=seed).fit(values).inertia_
                for seed in range(n_epochs)
            ]
        )
        excess = 100 * (ours.mean() / theirs.mean() - 1)
        error = 100 * np.hypot(ours.std(ddof=1), theirs.std(ddof=1)) / theirs.mean()
        lines.append(
            f"| {k} | {ours.mean():.1f}, {ours.min():.1f} | {theirs.mean():.1f}, "
            f"{theirs.min():.1f} | {excess:+.2f} ± {error / np.sqrt(n_epochs):.2f} % |"
        )
    return [*lines, ""]


class Stopwatch:
    """CPU seconds by step of a sweep in one thread; for nested steps, the inner one counts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside: list[str] = []
        self._since = 0.0

    def timed(self, name: str, work):
        """Return a function whose time is added to a step."""

        def with_watch(*arguments, **options):
            self._switch(name)
            try:
                return work(*arguments, **options)
            finally:
                self._switch(None)

        return with_watch

    def _switch(self, name: str | None) -> None:
        now = time.thread_time()
        if self._inside:
            self.seconds[self._inside[-1]] += now - self._since
        self._since = now
        if name is None:
            self._inside.pop()
        else:
            self._inside.append(name)


def where_time_goes(values: np.ndarray, n_epochs: int) -> list[str]:
    """Return the table of CPU time by step."""
    watch = Stopwatch()
    steps = (
        (geometry.PointGeometry, "sqdist_to_points", "products of the starts"),
        (engines, "kmeans_points", "compiled iterations and distances"),
        (engines, "starting_traces", "k-means++ without its products"),
        (engines, "_metrics_of_compiled", "metrics"),
    )
    plain = [(owner, name, getattr(owner, name)) for owner, name, _ in steps]
    for owner, name, step in steps:
        setattr(owner, name, watch.timed(step, getattr(owner, name)))
    try:
        sweep(values, K_VALUES, n_epochs, n_threads=1)
    finally:
        for owner, name, work in plain:
            setattr(owner, name, work)
    total_s = sum(watch.seconds.values())
    lines = [
        "## Where the time goes",
        "",
        f"{len(values)} × {values.shape[1]}, squared Euclidean, {n_epochs} epochs, one thread: "
        f"{total_s:.1f} s of CPU time.",
        "",
        "| step | share |",
        "|---|---|",
    ]
    shares = sorted(watch.seconds.items(), key=lambda item: -item[1])
    return [*lines, *(f"| {step} | {100 * s / total_s:.0f} % |" for step, s in shares), ""]


def sample_table(values: np.ndarray, n_epochs: int) -> list[str]:
    """Return the table of sampled silhouettes: time and error."""
    cost = SweepCost.of(*values.shape, np.array(K_VALUES), n_epochs, "euclidean")
    lines = [
        "## A budget for Euclidean silhouettes",
        "",
        f"{len(values)} traces, {n_epochs} epochs; the error is that of the mean silhouette, "
        "over the stated standard error, root mean square over all labellings (one sample serves "
        "them all).",
        "",
        "| budget | silhouettes | time | standard error ≤ | error / stated |",
        "|---|---|---|---|---|",
    ]
    exact = None
    for share in (None, 0.5, 0.2):
        budget_s = None if share is None else cost.kmeans_s + share * 4096 * cost.silhouette_s
        start = time.perf_counter()
        found = sweep(values, K_VALUES, n_epochs, silhouette_metric="euclidean", budget_s=budget_s)
        seconds = time.perf_counter() - start
        exact = exact or found
        off = "–"
        if budget_s is not None:
            ratio = (found.silhouette - exact.silhouette) / found.silhouette_stderr
            off = f"{np.sqrt(np.mean(ratio**2)):.1f}"
        lines.append(
            f"| {'none' if budget_s is None else f'{budget_s:.1f} s'} | {found.n_silhouettes} | "
            f"{seconds:.1f} s | {found.silhouette_stderr.max():.2g} | {off} |"
        )
    return [*lines, ""]


def main() -> None:
    """Measure large sweeps and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--before", type=Path, help="a checkout of the commit to compare with")
    parser.add_argument("--labels-of", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--peak-of", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of:
        print_peak(*arguments.peak_of)
        return
    if arguments.labels_of:
        save_labels(*arguments.labels_of)
        return
    if arguments.before:
        print_paired(arguments.before, arguments.repeats)
        return
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    load = os.getloadavg()[0]
    ensembles = {n: ensemble(n) for n in sorted({n for n, _ in CASES})}
    lines = [
        "# Sweeps of thousands of traces",
        "",
        f"`python benchmarks/large_sweep.py --epochs {arguments.epochs}`, {date.today()}, commit "
        f"{commit or 'unknown'}, {platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, scikit-learn "
        f"{sklearn.__version__}. Load of the machine at the start: {load:.1f} (others' work beside "
        "a run slows both sides down).",
        "",
        *time_table(ensembles, arguments.epochs, arguments.repeats),
        *memory_table(ensembles, max(1, arguments.epochs // 5)),
        *agreement(ensembles[N_REQUIRED], max(2, arguments.epochs // 10)),
        *where_time_goes(ensembles[N_REQUIRED], max(1, arguments.epochs // 5)),
        *sample_table(ensembles[N_REQUIRED], max(1, arguments.epochs // 5)),
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
