"""False emitters in simulated movies that contain none, for each kind of noise and defect.

    python benchmarks/false_emitters.py --movies 200 --out benchmarks/results/false_emitters.md

Half of the movies have 96 × 96 pixels, the others are larger and not square; 60 to 600 frames.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie, Verdict
from umlpsd_gpu.simulate.defects import EMPTY_MOVIES, simulate_empty
from umlpsd_gpu.traces.extract import extract
from umlpsd_gpu.traces.settings import TracesSettings

MOST_PER_MOVIE = 0.01
SIZES = (
    (60, 96, 96),
    (200, 96, 96),
    (600, 96, 96),
    (150, 128, 160),
    (300, 128, 80),
    (40, 200, 200),
)


def main() -> None:
    """Simulate, extract, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="Seed of the first movie.")
    parser.add_argument("--kinds", nargs="+", default=list(EMPTY_MOVIES))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = [
        "# False emitters",
        "",
        f"`python benchmarks/false_emitters.py --movies {arguments.movies}`, {date.today()}. "
        "Simulated movies without emitters (`umlpsd_gpu/simulate/defects.py`), default settings. "
        "Required: at most 1 false emitter in 100 movies.",
        "",
        "| kind | movies | false emitters | movies with any | required | s a movie |",
        "|---|---|---|---|---|---|",
    ]
    for kind in arguments.kinds:
        start = time.perf_counter()
        seeds = range(arguments.first, arguments.first + arguments.movies)
        counts = [count_false(kind, seed) for seed in seeds]
        seconds = (time.perf_counter() - start) / len(counts)
        lines.append(
            f"| {kind} | {len(counts)} | {sum(counts)} | {np.count_nonzero(counts)} | "
            f"≤ {MOST_PER_MOVIE * len(counts):.0f} | {seconds:.2f} |"
        )
        print(lines[-1], [seed for seed, n in zip(seeds, counts, strict=True) if n], flush=True)
    text = "\n".join([*lines, ""])
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def count_false(kind: str, seed: int) -> int:
    """Return how many emitters are found in one movie that contains none."""
    n_frames, n_rows, n_cols = SIZES[seed % len(SIZES)]
    frames = simulate_empty(kind, seed, n_frames, n_rows, n_cols)
    try:
        return extract(movie_of(frames), TracesSettings(), n_threads=1).traces.n_traces
    except TracesError:
        return 0


def movie_of(frames: np.ndarray) -> Movie:
    """Wrap frames as a movie."""
    n_frames, n_rows, n_cols = frames.shape
    return Movie(
        path=Path("simulated"),
        n_frames=n_frames,
        n_rows=n_rows,
        n_cols=n_cols,
        dtype=frames.dtype,
        dt_s=0.03,
        dt_origin="simulated",
        dt_nominal_s=None,
        pixel_size_um=None,
        pixel_size_origin="unknown",
        verdict=Verdict("whole", n_frames, n_frames),
        memory_mb=256.0,
        read_frames=lambda start, stop: frames[start:stop],
    )


if __name__ == "__main__":
    main()
