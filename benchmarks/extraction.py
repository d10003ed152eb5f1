"""Emitters found in hard scenes, and the time and memory of extraction.

    python benchmarks/extraction.py --frames 8000 --out benchmarks/results/extraction.md
    python benchmarks/extraction.py --against ../old --out …    # paired with another checkout

Simulates a contiguous movie of 512 × 512 pixels, reads its bytes once with ``readinto`` (warm page
cache; into a buffer that outgrows the processor's cache, and into one that stays within it), and
times both passes of the extraction in a separate process. With ``--against``, this checkout and
another extract the same movie in turn, each in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.movie import AGGREGATE, MovieTruth, simulate_movie
from umlpsd_gpu.traces.drift import estimate_drift
from umlpsd_gpu.traces.emitters import Detection, detect_emitters
from umlpsd_gpu.traces.extract import extract_emitters
from umlpsd_gpu.traces.images import temporal_images
from umlpsd_gpu.traces.photometry import measure_emitters
from umlpsd_gpu.traces.settings import TracesSettings

N_REPEATS, N_PAIRS = 3, 7
READING = "readinto, 256 MB buffer"
TIMED = """
import sys, time
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.traces import extract
assert extract.__file__.startswith(sys.argv[2]), extract.__file__
from umlpsd_gpu.traces.settings import TracesSettings
movie, settings = open_movie(sys.argv[1]), TracesSettings()
extract.extract_emitters(movie, settings)
start = time.process_time()
extract.extract_emitters(movie, settings)
print(time.process_time() - start)
"""
SCENES = {
    "10,000 frames": {},
    "2,000 frames": {"n_frames": 2000},
    "600 frames": {"n_frames": 600},
    "2,000 frames, 6 aggregates": {"n_frames": 2000, "n_aggregates": 6},
    "2,000 frames, drift 5 px": {"n_frames": 2000, "drift_px": 5.0},
}


def main() -> None:
    """Measure speed and detection, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--emitters", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            "# Extraction",
            "",
            f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, {N_REPEATS} repeats, "
            "best taken.",
            "",
            *speed_table(Path(folder), arguments.frames, arguments.emitters, arguments.against),
            "",
            *detection_table(Path(folder), arguments.seeds),
            "",
        ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def speed_table(
    folder: Path, n_frames: int, n_emitters: int, other_checkout: Path | None
) -> list[str]:
    """Time reading, both passes and the whole verb on one large movie."""
    truth = simulate_movie(
        folder / "large.tif", n_rows=512, n_cols=512, n_frames=n_frames, n_emitters=n_emitters
    )
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as child:
        seconds, peak_mb = child.submit(timed_extraction, truth.path).result()
    paired = paired_table(truth.path, other_checkout) if other_checkout else []
    size_gb = truth.path.stat().st_size / 1e9
    reading_s = seconds[READING]
    truth.path.unlink()
    return [
        f"## Time: 512 × 512 × {n_frames} uint16, {size_gb:.2f} GB, {n_emitters} emitters",
        "",
        f"| step | seconds | GB/s | × {READING} |",
        "|---|---|---|---|",
        *(
            f"| {step} | {s:.2f} | {size_gb / s:.2f} | {s / reading_s:.2f} |"
            for step, s in seconds.items()
        ),
        "",
        f"Peak resident memory of the process that extracts: {peak_mb:.0f} MB.",
        *paired,
    ]


def paired_table(movie: Path, other_checkout: Path) -> list[str]:
    """Extract the movie in this and another checkout in turn, and compare the processor times."""
    checkouts = {"this": Path(__file__).resolve().parents[1], "other": other_checkout.resolve()}
    seconds: dict[str, list[float]] = {name: [] for name in checkouts}
    for _ in range(N_PAIRS):
        for name, checkout in checkouts.items():
            seconds[name].append(processor_seconds(movie, checkout))
    ratios = np.array(seconds["this"]) / seconds["other"]
    commits = {name: commit_of(checkout) for name, checkout in checkouts.items()}
    return [
        "",
        f"## Paired: extract_emitters, processor time of {N_PAIRS} pairs",
        "",
        "| checkout | median s | best s |",
        "|---|---|---|",
        *(
            f"| {name}, {commits[name]} | {np.median(s):.2f} | {min(s):.2f} |"
            for name, s in seconds.items()
        ),
        "",
        f"Ratio this / other: median {np.median(ratios):.2f} ({ratios.min():.2f} … "
        f"{ratios.max():.2f}); of the best {min(seconds['this']) / min(seconds['other']):.2f}; "
        "required: at most 1.10.",
    ]


def processor_seconds(movie: Path, checkout: Path) -> float:
    """Return the processor time of one extraction in a fresh process, after a first one."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", TIMED, str(movie), str(checkout)]
    found = subprocess.run(
        command, env=environment, cwd=checkout, check=True, capture_output=True, text=True
    )
    return float(found.stdout)


def commit_of(checkout: Path) -> str:
    """Return date and short hash of the commit of a checkout."""
    command = ["git", "-C", str(checkout), "log", "-1", "--format=%cs %h"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def timed_extraction(path: Path) -> tuple[dict[str, float], float]:
    """Return best seconds per step and the peak resident memory in MB."""
    settings, movie = TracesSettings(), open_movie(path)
    extract_emitters(movie, settings)  # imports and the page cache warm up
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    found = detect_emitters(temporal_images(movie), settings)
    steps: dict[str, Callable[[], object]] = {
        READING: lambda: read_once(path, 256),
        "readinto, 8 MB buffer": lambda: read_once(path, 8),
        "temporal images": lambda: temporal_images(movie),
        "photometry": lambda: measure_emitters(movie, found.rows, found.cols, settings),
        "extract_emitters": lambda: extract_emitters(movie, settings),
    }
    seconds = {name: best_seconds(step) for name, step in steps.items()}
    return seconds, peak_mb


def read_once(path: Path, buffer_mb: int) -> None:
    """Read all bytes of a file through a buffer."""
    buffer = bytearray(buffer_mb * 1_000_000)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def best_seconds(step: Callable[[], object]) -> float:
    """Return the shortest time of several repeats."""
    best = float("inf")
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - start)
    return best


def detection_table(folder: Path, n_seeds: int) -> list[str]:
    """Find the emitters of several scenes again."""
    lines = [
        f"## Detection: 128 × 128 pixels, 60 emitters, {n_seeds} seeds",
        "",
        "| scene | found within 1 px | worst seed | false | position RMS px | drift RMS px |",
        "|---|---|---|---|---|---|",
    ]
    for scene, recipe in SCENES.items():
        scores = []
        for seed in range(n_seeds):
            truth = simulate_movie(folder / "scene.tif", overwrite=True, seed=seed, **recipe)
            movie = open_movie(truth.path)
            drift = estimate_drift(movie) if truth.recipe.drift_px else np.zeros((0, 2))
            images = temporal_images(movie, drift if len(drift) else None)
            found = detect_emitters(images, TracesSettings())
            off_px = drift - truth.recipe.drift()[: len(drift)]
            drift_rms_px = np.sqrt((off_px**2).sum(axis=1).mean()) if len(drift) else 0.0
            scores.append((*score(found, truth), drift_rms_px))
        hits, false, rms_px, drift_rms_px = np.array(scores).T
        lines.append(
            f"| {scene} | {100 * hits.mean():.1f} % | {100 * hits.min():.1f} % | "
            f"{100 * false.mean():.1f} % | {rms_px.mean():.2f} | {drift_rms_px.mean():.2f} |"
        )
    return lines


def score(found: Detection, truth: MovieTruth) -> tuple[float, float, float]:
    """Return the shares found and false, and the RMS distance of those found."""
    true = np.stack([truth.rows, truth.cols], axis=1)[truth.classes != AGGREGATE]
    places = np.stack([found.rows, found.cols], axis=1)
    to_found_px, _ = cKDTree(places).query(true)
    to_true_px, _ = cKDTree(true).query(places)
    hit = to_found_px <= 1
    rms_px = np.sqrt((to_found_px[hit] ** 2).mean())
    return float(hit.mean()), float((to_true_px > 1).mean()), float(rms_px)


if __name__ == "__main__":
    main()
