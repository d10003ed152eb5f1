"""Time and size of exports of large studies, in every format.

    PYTHONPATH=. python benchmarks/exports.py --out benchmarks/results/exports.md

The studies are those of the tests: random values of the size of real ones (seed 0).
"""

from __future__ import annotations

import argparse
import platform
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

from tests.support.studies import make_study
from umlpsd_gpu import export_results
from umlpsd_gpu.exports.formats import FORMATS

STUDIES = {
    "204 emitters × 10,000 frames": {"n_traces": 204, "n_frames": 10_000, "n_movies": 1},
    "10,000 pixels × 2,000 frames": {
        **{"kind": "pixels", "n_traces": 10_000, "n_frames": 2000, "n_movies": 1},
        "k_max": 5,
    },
}


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    target = parser.parse_args().out
    lines = [
        "# Exports",
        "",
        f"{date.today()}, {platform.machine()}, one process. Each export loads the study and "
        "checks its digest, which is part of the time.",
        "",
        "| Study | Format | Processor time (s) | Wall time (s) | Size (MB) |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as place:
        for number, (name, recipe) in enumerate(STUDIES.items()):
            folder = make_study(**recipe).save(f"{place}/{number}")
            for each in FORMATS:
                cpu, wall = time.process_time(), time.perf_counter()
                written = export_results([folder], [each], f"{place}/out", overwrite=True)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                size = sum(path.stat().st_size for path in written.rglob("*") if path.is_file())
                lines.append(f"| {name} | {each} | {cpu:.1f} | {wall:.1f} | {size / 1e6:.1f} |")
                print(lines[-1], flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    lines += ["", f"Peak resident memory of the process: {peak:.0f} MB.", ""]
    lines += ["`PYTHONPATH=. python benchmarks/exports.py --out benchmarks/results/exports.md`", ""]
    lines += ["The issue names no time for exports."]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
