"""How long a report takes to build and to open, and how large it is.

    PYTHONPATH=. python benchmarks/report_page.py --out benchmarks/results/report_page.md

204 emitters × 10,000 frames, and 10,000 pixels × 2,000 frames, both at all 18 scales. Needs
Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from tests.support.browser import Visit, open_browser
from umlpsd_gpu import Settings, run_study
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.drawing_pool import drawing_pool
from umlpsd_gpu.report.page import render_page
from umlpsd_gpu.report.write_report import draw_result, write_report
from umlpsd_gpu.simulate.assembly import write_assembly_movie
from umlpsd_gpu.simulate.traces import simulate_traces

SEED, N_OPENINGS = 0, 5
SIDE_PX = 512  # of the image around the emitters


@dataclass(frozen=True)
class Case:
    """An ensemble, and what its report may cost."""

    name: str
    study: Callable[[], Study]
    most_build_s: float
    most_open_s: float
    most_mb: float = 15.0


def emitters() -> Study:
    """Study 204 simulated traces, which are then placed in an image."""
    traces = simulate_traces(seed=SEED).traces
    study = run_study(traces, Settings())
    rng = np.random.default_rng(SEED)
    rows, cols = rng.uniform(4, SIDE_PX - 5, (2, traces.n_traces))
    image = rng.poisson(30, (SIDE_PX, SIDE_PX)).astype(np.float64)
    name = "simulated.tif"
    placed = replace(traces, rows=rows, cols=cols, source=(name,) * traces.n_traces)
    movie = MovieSummary(name, image, "simulated", None, 0.1, "whole")
    return replace(study, movies=(movie,), traces=placed)


def pixels() -> Study:
    """Study the 10,000 pixels of a simulated crystal assembly."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "assembly.tif"
        write_assembly_movie(path, n_rows=100, n_cols=100, n_frames=2000, seed=SEED)
        settings = Settings().with_values(
            {"traces.mode": "pixels", "traces.threshold": 0, "sweep.n_epochs": 10}
        )
        return run_study(path, settings)


CASES = (
    Case("204 emitters × 10,000 frames", emitters, 5.0, 2.0),
    Case("10,000 pixels × 2,000 frames", pixels, 20.0, 2.0),
)
HEADINGS = (
    "| ensemble | whole report, wall s | of it: figures | page | page, processor s | required s "
    "| page MB | required MB | opens s (median of 5) | required s |"
)


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = [measure(case) for case in CASES]
    text = "\n".join(
        [
            "# Reports that can be clicked",
            "",
            f"`PYTHONPATH=. python benchmarks/report_page.py`, {date.today()}, seed {SEED}. "
            "The whole report: figures drawn in two processes, page, data files. Opening: "
            "from the address to the moment when everything can be clicked, in headless Chromium, "
            "from a file.",
            "",
            HEADINGS,
            "|" + "---|" * (HEADINGS.count("|") - 1),
            *rows,
            "",
        ]
    )
    print(text)
    if arguments.out:
        arguments.out.write_text(text, "utf-8")


def measure(case: Case) -> str:
    """Return the row of one case."""
    study = case.study()
    with tempfile.TemporaryDirectory() as place, drawing_pool(1) as pool:
        draw_result(replace(study, maps=None), pool=pool)  # imports
        start = time.perf_counter()
        figures = draw_result(study, pool=pool)
        figures_s = time.perf_counter() - start
        start, start_cpu = time.perf_counter(), time.process_time()
        html = render_page(study, figures)
        page_s, page_cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
        start = time.perf_counter()
        folder = write_report(study, Path(place) / "study", pool=pool)
        build_s = time.perf_counter() - start
        size_mb = len(html.encode()) / 1e6
        open_s = opening_s(folder / "report.html")
    return (
        f"| {case.name} | {build_s:.1f} | {figures_s:.1f} | {page_s:.2f} | {page_cpu_s:.2f} | "
        f"{case.most_build_s:g} | {size_mb:.1f} | {case.most_mb:g} | {open_s:.2f} | "
        f"{case.most_open_s:g} |"
    )


def opening_s(path: Path) -> float:
    """Return the median time until a report can be clicked."""
    times = []
    with open_browser() as browser:
        for _ in range(N_OPENINGS):
            start = time.perf_counter()
            visit = Visit(browser, path, viewport={"width": 1280, "height": 800})
            visit.wait_until_ready()
            times.append(time.perf_counter() - start)
            visit.context.close()
    return statistics.median(times)


if __name__ == "__main__":
    main()
