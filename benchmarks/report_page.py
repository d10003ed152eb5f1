"""How long a report takes to build and to open, and how large it is.

    PYTHONPATH=. python benchmarks/report_page.py --out benchmarks/results/report_page.md

204 emitters × 10,000 frames, and 10,000 pixels × 2,000 frames, both at all 18 scales. Needs
Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import os
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
from umlpsd_gpu.report.write_report import draw_result, write_drawn, write_report
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
    "| ensemble | figures, processor s | page | data files | whole report, processor s "
    "| whole report, wall s (2 processes) | required s | page MB | required MB "
    "| opens, processor s | opens, wall s (median of 5) | required s |"
)


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=Path, help="keep studies here, to measure them again")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = [measure(case, study_of(case, arguments.studies)) for case in CASES]
    load = os.getloadavg()[1]
    text = "\n".join(
        [
            "# Reports that can be clicked",
            "",
            f"`PYTHONPATH=. python benchmarks/report_page.py`, {date.today()}, seed {SEED}; "
            f"{os.cpu_count()} cores, on which {load:.1f} processes were waiting or running on "
            "average, so wall times are upper bounds. The whole report: figures, page, data files. "
            "Opening: from the address to the moment when everything can be clicked, in headless "
            "Chromium, from a file; its processor time is that of the main thread of the page.",
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


def study_of(case: Case, place: Path | None) -> Study:
    """Return the study of a case: that of an earlier run, if there is one."""
    if place is None:
        return case.study()
    folder = place / case.study.__name__
    if not folder.exists():
        case.study().save(folder)
    return Study.load(folder)


def measure(case: Case, study: Study) -> str:
    """Return the row of one case."""
    render_page(study, draw_result(study)[:1])  # imports
    start = time.process_time()
    figures = draw_result(study)
    drawn = time.process_time()
    html = render_page(study, figures)
    rendered = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        folder = write_drawn(study, figures, Path(place) / "study")
        written = time.process_time()
        # the page is made again when it is written
        page_s = rendered - drawn
        parts_s = drawn - start, page_s, written - rendered - page_s
        wall_s = whole_s(study, Path(place) / "again")
        report = folder / "report.html"
        empty = Path(place) / "empty.html"
        empty.write_text("")
        open_s = statistics.median(opening_s(report) for _ in range(N_OPENINGS))
        cpu_s = page_thread_s(report, empty)
    size_mb = len(html.encode()) / 1e6
    return (
        f"| {case.name} | {' | '.join(f'{part:.1f}' for part in parts_s)} | {sum(parts_s):.1f} | "
        f"{wall_s:.1f} | {case.most_build_s:g} | {size_mb:.1f} | {case.most_mb:g} | {cpu_s:.2f} | "
        f"{open_s:.2f} | {case.most_open_s:g} |"
    )


def whole_s(study: Study, folder: Path) -> float:
    """Return the wall time of a report that two processes draw."""
    with drawing_pool(1) as pool:
        start = time.perf_counter()
        write_report(study, folder, pool=pool)
        return time.perf_counter() - start


def opening_s(path: Path) -> float:
    """Return the wall time until a report can be clicked, in a browser that has started."""
    with open_browser() as browser:
        start = time.perf_counter()
        visit = Visit(browser, path, viewport={"width": 1280, "height": 800})
        visit.wait_until_ready()
        return time.perf_counter() - start


def page_thread_s(path: Path, empty: Path) -> float:
    """Return the processor time of the main thread of a page until it can be clicked; median."""
    times = []
    with open_browser() as browser:
        for _ in range(N_OPENINGS):
            visit = Visit(browser, empty, viewport={"width": 1280, "height": 800})
            session = visit.context.new_cdp_session(visit.page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            visit.page.goto(path.as_uri())
            visit.wait_until_ready()
            found = session.send("Performance.getMetrics")["metrics"]
            times.append({each["name"]: each["value"] for each in found}["TaskDuration"])
            visit.context.close()
    return statistics.median(times)


if __name__ == "__main__":
    main()
