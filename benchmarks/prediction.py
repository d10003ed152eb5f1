"""Memory and time of studies against their predictions, for movies of many shapes.

    python benchmarks/prediction.py --out benchmarks/results/prediction.md --keep measured.json
    python benchmarks/prediction.py --out benchmarks/results/prediction.md --from measured.json

The second predicts again for shapes that were measured before. Movies of blinking emitters on shot
noise are written, predicted from their headers as ``umlpsd check`` does, and analysed by
``umlpsd run`` in a fresh process, whose peak memory the operating system tells.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

# Frames, rows, columns
SHAPES = (
    (40, 3000, 3000),
    (40, 6000, 6000),
    (100, 2048, 2048),
    (100, 4096, 4096),
    (200, 64, 64),
    (400, 128, 128),
    (400, 512, 512),
    (400, 1024, 1024),
    (400, 256, 2048),
    (500, 2048, 2048),
    (1000, 64, 64),
    (1000, 256, 256),
    (1000, 512, 512),
    (1000, 128, 1024),
    (2000, 128, 128),
    (4000, 512, 512),
    (6000, 128, 128),
    (10_000, 256, 256),
    (20_000, 128, 128),
    (50_000, 128, 128),
    (100_000, 128, 128),
)
N_EMITTERS = 100
LEAST_FOR_LOG_WELCH = 303
WRITE = """
import sys
import numpy as np
import tifffile

n_frames, n_rows, n_cols, n_emitters = map(int, sys.argv[2:])
rng = np.random.default_rng(0)
# one sheet of noise, read from another place for each frame
sheet = rng.poisson(40, (n_rows + 61, n_cols + 61)).astype(np.uint16)
n_emitters = int(min(n_emitters, (min(n_rows, n_cols) / 9) ** 2))
cells = max(int(np.ceil(n_emitters**0.5)), 1)
grid = (np.arange(cells) + 0.5) / cells
places = [(int(r * n_rows), int(c * n_cols)) for r in grid for c in grid][:n_emitters]
y, x = np.mgrid[-4:5, -4:5]
spot = 60 * np.exp(-(y**2 + x**2) / (2 * 1.3**2))
on = rng.random(len(places)) < 0.5

def frames():
    for _ in range(n_frames):
        top, left = rng.integers(0, 61, 2)
        frame = sheet[top : top + n_rows, left : left + n_cols].copy()
        on[:] = np.where(rng.random(len(on)) < 0.05, ~on, on)
        for (row, col), is_on in zip(places, on):
            if is_on and 4 <= row < n_rows - 4 and 4 <= col < n_cols - 4:
                frame[row - 4 : row + 5, col - 4 : col + 5] += rng.poisson(spot).astype(np.uint16)
        yield frame

options = {"dtype": "uint16", "shape": (n_frames, n_rows, n_cols), "photometric": "minisblack"}
tifffile.imwrite(sys.argv[1], frames(), imagej=False, metadata=None, **options)
"""
RUN = "from umlpsd_gpu.cli.main import main; main()"


def main() -> None:
    """Measure all shapes and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path, help="JSON file for what was measured")
    parser.add_argument("--from", dest="known", type=Path, help="such a file, to predict again")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of shapes, from 0")
    arguments = parser.parse_args()
    shapes = [SHAPES[i] for i in arguments.only] if arguments.only else SHAPES
    measured = []
    if arguments.known:
        measured = json.loads(arguments.known.read_text(encoding="utf-8"))
    for shape in () if arguments.known else shapes:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(measure(shape, Path(folder)))
        print(format_row(*predict_again(measured[-1])), flush=True)
        if arguments.keep:
            arguments.keep.write_text(json.dumps(measured), encoding="utf-8")
    if arguments.out:
        rows = [predict_again(found) for found in measured]
        arguments.out.write_text(report(rows, measured[-1]["load"]), encoding="utf-8")


def predict_again(found: dict) -> tuple:
    """Return a row: shape, then predicted and measured memory in MB and time in s."""
    from umlpsd_gpu.analyses.blinking.prediction import predict

    sys.path.insert(0, str(Path(__file__).parents[1]))
    import numpy as np

    from tests.support.movies import array_movie

    expected = predict(array_movie(np.broadcast_to(np.uint16(0), found["shape"])))
    times = (expected.duration_s, found["seconds"], found["cpu_s"])
    return found["shape"], expected.memory_mb, found["peak_mb"], *times, found["n_traces"]


def measure(shape: tuple[int, int, int], folder: Path) -> dict:
    """Return peak memory in MB, time and processor time in s, and how many traces were found."""
    movie = folder / "movie.tif"
    subprocess.run(
        [sys.executable, "-c", WRITE, str(movie), *map(str, (*shape, N_EMITTERS))], check=True
    )
    command = ["run", str(movie), "--out", str(folder / "study"), "--dt-s", "0.05"]
    if shape[0] < LEAST_FOR_LOG_WELCH:
        command += ["--psd", "periodogram"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    words = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{shape}: {words[-500:]}")
    cpu_s = usage.ru_utime + usage.ru_stime
    n_traces = next(line.split()[0] for line in words.splitlines() if " traces of " in line)
    return {
        "shape": shape,
        "peak_mb": usage.ru_maxrss / 1e3,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "n_traces": n_traces,
        "load": os.getloadavg()[2],
    }


def format_row(shape, predicted_mb, peak_mb, predicted_s, seconds, cpu_s, n_traces) -> str:
    """Return one row of the table."""
    size = " × ".join(f"{length:,}" for length in shape)
    return (
        f"| {size} | {n_traces} | {predicted_mb:,.0f} | {peak_mb:,.0f} | "
        f"{peak_mb / predicted_mb:.2f} | {predicted_s:.1f} | {seconds:.1f} | "
        f"{seconds / predicted_s:.2f} | {cpu_s:.1f} |"
    )


def report(rows: list[tuple], load: float) -> str:
    """Return the report in Markdown."""
    memory = [row[2] / row[1] for row in rows]
    times = [row[4] / row[3] for row in rows]
    lines = [
        "# Predicted and measured memory and time",
        "",
        f"`python benchmarks/prediction.py`, {date.today()}, {platform.machine()}, "
        f"{os.cpu_count()} cores, default settings (periodogram for fewer than "
        f"{LEAST_FOR_LOG_WELCH} frames), figures and report written. Memory is that of the main "
        f"process at its peak. Load average at the end: {load:.1f}; on a busy machine compare with "
        "processor time, that of all processes of a study.",
        "",
        "| frames × rows × columns | traces | predicted MB | peak MB | ratio | predicted s | "
        "measured s | ratio | processor s |",
        "|---|---|---|---|---|---|---|---|---|",
        *(format_row(*row) for row in rows),
        "",
        f"Memory: {min(memory):.2f} to {max(memory):.2f} times the prediction; time: "
        f"{min(times):.2f} to {max(times):.2f} times.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
