"""Time and peak memory of pixel traces in a file against traces in memory, and whether bits agree.

    python benchmarks/pixel_memory.py --out benchmarks/results/pixel_memory.md

Simulates an assembly, then extracts, checks, bins and takes spectra of all its pixels, each way in
a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

BINS = (10, 20, 25, 30, 40, 48, 50, 60, 75, 80, 100)
STEPS = ("extract_pixels", "usable", "preprocess", "power_spectrum")

# The measured process; this one imports nothing large, whose peak memory a child would inherit
MEASURED = f"""
import hashlib, json, resource, sys, time
from umlpsd_gpu import open_movie, power_spectrum
from umlpsd_gpu import preprocess
from umlpsd_gpu.traces.pixel_extraction import extract_pixels

movie, sha, found = open_movie(sys.argv[1]), hashlib.sha256(), {{}}

def measured(step, work):
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    found[step] = [seconds, peak_mb]
    return result

def binned():
    for frames_per_bin in {BINS}:
        sha.update(preprocess(traces, frames_per_bin=frames_per_bin).values)

measured("imports", lambda: None)
traces = measured("extract_pixels", lambda: extract_pixels(
    movie, 0.0, device="cpu", memory_mb=float(sys.argv[2])))
sha.update(measured("usable", traces.usable))
measured("preprocess", binned)
sha.update(measured("power_spectrum", lambda: power_spectrum(traces)).psd)
found["sha256"], found["kind"] = sha.hexdigest(), type(traces.values).__name__
print(json.dumps(found))
"""


def main() -> None:
    """Simulate an assembly, measure both ways, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="rows and columns")
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--memory-mb", type=float, default=256.0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        movie = Path(folder) / "assembly.tif"
        size = f"{arguments.size}x{arguments.size}"
        simulate = ["simulate", str(movie), "--scene", "assembly", "--size", size]
        command = ["-c", "from umlpsd_gpu.cli.main import main; main()", *simulate]
        run_python(*command, "--frames", str(arguments.frames))
        ways = [
            json.loads(run_python("-c", MEASURED, str(movie), str(memory_mb)))
            for memory_mb in (1e6, arguments.memory_mb)
        ]
    text = "\n".join(report(arguments, *ways)) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def run_python(*arguments: str) -> str:
    """Run Python with these arguments and return what it prints."""
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    ).stdout


def report(arguments: argparse.Namespace, in_memory: dict, in_file: dict) -> list[str]:
    """Return the report as lines of Markdown."""
    n_pixels = arguments.size**2
    traces_mb = 4 * n_pixels * arguments.frames / 1e6
    same = in_memory["sha256"] == in_file["sha256"]
    lines = [
        "# Pixel traces in memory and in a file",
        "",
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, one run each in a fresh "
        "process; made by `benchmarks/pixel_memory.py`.",
        "",
        f"{n_pixels} pixels × {arguments.frames} frames: {traces_mb:,.0f} MB of float32 traces. In "
        f"memory ({in_memory['kind']}), and with `traces.memory_mb = {arguments.memory_mb:g}` "
        f"({in_file['kind']} of a temporary file). The results "
        + ("are equal to the last bit." if same else "**DIFFER**."),
        "",
        "| step | s, in memory | s, in a file | peak MB so far, in memory | in a file |",
        "|---|---|---|---|---|",
    ]
    for step in ("imports", *STEPS):
        (seconds, peak_mb), (file_seconds, file_peak_mb) = in_memory[step], in_file[step]
        name = f"{step}, W {BINS[0]}…{BINS[-1]}" if step == "preprocess" else step
        lines.append(
            f"| {name} | {seconds:.1f} | {file_seconds:.1f} | {peak_mb:,.0f} | "
            f"{file_peak_mb:,.0f} |"
        )
    totals = [sum(way[step][0] for step in STEPS) for way in (in_memory, in_file)]
    lines.append(f"| sum | {totals[0]:.1f} | {totals[1]:.1f} | | |")
    return lines


if __name__ == "__main__":
    main()
