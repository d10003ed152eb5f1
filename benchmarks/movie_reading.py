"""Time to read a movie, compared with reading the bytes of its file once (warm cache).

Run: ``python benchmarks/movie_reading.py --gb 1``. Prints a Markdown table. Each case is written,
opened and read in a separate process, so that its peak memory is not affected by the others.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.movie import CHUNK_MB

CASES = ("contiguous", "contiguous, big-endian", "one page a frame", "deflate")
PLAIN_BUFFER_BYTES = 16 * 2**20


def blinking_frames(n_frames: int, side: int):
    """Yield frames of camera noise; a few frames are drawn once and repeated."""
    rng = np.random.default_rng(0)
    drawn = rng.poisson(100, (16, side, side)).astype(np.uint16)
    return (drawn[frame % len(drawn)] for frame in range(n_frames))


def write_movie(path: Path, case: str, n_frames: int, side: int) -> None:
    """Write a movie as one of `CASES`."""
    frames = blinking_frames(n_frames, side)
    if case.startswith("contiguous"):
        byteorder = ">" if "big-endian" in case else "<"
        tifffile.imwrite(
            path,
            frames,
            shape=(n_frames, side, side),
            dtype=np.uint16,
            byteorder=byteorder,
            bigtiff=True,
            photometric="minisblack",
        )
        return
    compression = "zlib" if case == "deflate" else None
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, metadata=None, compression=compression)


def seconds_plain(path: Path) -> float:
    """Read the file's bytes once into a reused buffer."""
    buffer = bytearray(PLAIN_BUFFER_BYTES)
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - start


def seconds_open_and_chunks(path: Path, memory_mb: float) -> tuple[float, float]:
    """Return the times to open a movie and to read all its chunks, s."""
    start = time.perf_counter()
    movie = open_movie(path)
    opened = time.perf_counter()
    n_frames = sum(len(frames) for _, frames in movie.chunks(memory_mb))
    if n_frames != movie.n_frames:
        raise RuntimeError(f"{n_frames} of {movie.n_frames} frames came")
    return opened - start, time.perf_counter() - opened


def measure(path: Path, n_repeats: int, memory_mb: float) -> dict[str, float]:
    """Return medians over interleaved repeats, after one reading that warms the cache."""
    seconds_plain(path)
    peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plain, opening, chunks = [], [], []
    for _ in range(n_repeats):
        plain.append(seconds_plain(path))
        open_s, chunks_s = seconds_open_and_chunks(path, memory_mb)
        opening.append(open_s)
        chunks.append(chunks_s)
    peak_after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "plain_s": statistics.median(plain),
        "open_s": statistics.median(opening),
        "chunks_s": statistics.median(chunks),
        "file_gb": path.stat().st_size / 1e9,
        "peak_mb": peak_after / 1024,
        "grown_mb": (peak_after - peak_before) / 1024,
    }


def main() -> None:
    """Measure all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="size of the movie's pixels")
    parser.add_argument("--side", type=int, default=512, help="rows and columns of a frame")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-mb", type=float, default=CHUNK_MB, help="size of a chunk")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--folder", help="where the temporary movies go")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.repeats, options.memory_mb)))
        return
    n_frames = max(2, round(options.gb * 1e9 / (2 * options.side**2)))
    print(f"{n_frames} frames of {options.side} × {options.side} uint16, ", end="")
    print(f"chunks of {options.memory_mb:g} MB, medians of {options.repeats}\n")
    print("| movie | file, GB | plain read, s | open, s | chunks, s | ratio | peak RSS, MB |")
    print("|---|---|---|---|---|---|---|")
    for case in options.cases:
        print(row(case, n_frames, options), flush=True)


def row(case: str, n_frames: int, options: argparse.Namespace) -> str:
    """Write one movie, measure it in another process, and return its row."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "movie.tif"
        write_movie(path, case, n_frames, options.side)
        command = [sys.executable, __file__, "--measure", str(path)]
        command += ["--repeats", str(options.repeats), "--memory-mb", str(options.memory_mb)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    m = json.loads(done.stdout)
    return (
        f"| {case} | {m['file_gb']:.2f} | {m['plain_s']:.3f} | {m['open_s']:.3f} "
        f"| {m['chunks_s']:.3f} | {m['chunks_s'] / m['plain_s']:.2f} | {m['peak_mb']:.0f} |"
    )


if __name__ == "__main__":
    main()
