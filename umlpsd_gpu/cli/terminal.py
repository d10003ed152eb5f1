"""What people see on a terminal: progress of the long steps, and small tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from umlpsd_gpu.analyses.blinking.files import dt_origin
from umlpsd_gpu.analyses.blinking.prediction import N_TYPICAL_EMITTERS, predict
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.spectrum.log_welch import LEAST_N_FRAMES


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function ``report(step, done, total)``: bars on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield partial(_plain_line, console.file)
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield report


def _plain_line(stream: IO[str], step: str, done: int, total: int) -> None:
    if done == total:
        try:
            print(f"{step}: {done}/{total}", file=stream, flush=True)
        except OSError:
            # a full or closed log must not cost the study, which matters more than its progress
            return


def movie_table(movie: Movie) -> Table:
    """Return what a movie is: verdict, frames, interval, pixel size, what a study would take."""
    whole = movie.verdict.status == "whole"
    colour, reason = ("green", "") if whole else ("bold red", f": {escape(movie.verdict.reason)}")
    table = Table(title=escape(str(movie.path)), title_justify="left", show_header=False, box=None)
    table.add_row("verdict", f"[{colour}]{movie.verdict.status}[/]{reason}")
    table.add_row(
        "frames", f"{movie.n_frames} of {movie.n_rows} × {movie.n_cols} pixels, {movie.dtype}"
    )
    table.add_row("interval", escape(_interval(movie)))
    table.add_row("pixel size", escape(_pixel_size(movie)))
    table.add_row("size", _size_and_cost(movie))
    if movie.n_frames < LEAST_N_FRAMES:
        advice = f"log_welch needs {LEAST_N_FRAMES} frames: use --psd periodogram"
        table.add_row("[yellow]too short[/]", advice)
    return table


def _interval(movie: Movie) -> str:
    if movie.dt_s is None:
        return "unknown: give --dt-s"
    nominal_s = movie.dt_nominal_s
    differs = nominal_s is not None and not math.isclose(nominal_s, movie.dt_s, rel_tol=1e-3)
    nominal = f"; nominal {nominal_s:.6g} s" if differs else ""
    return f"{movie.dt_s:.6g} s ({movie.dt_origin}{nominal})"


def _pixel_size(movie: Movie) -> str:
    if movie.pixel_size_um is None:
        return "unknown"
    return f"{movie.pixel_size_um:.4g} µm ({movie.pixel_size_origin})"


def _size_and_cost(movie: Movie) -> str:
    expected = predict(movie)
    return (
        f"{expected.movie_mb:.0f} MB; a study of {N_TYPICAL_EMITTERS} emitters takes about "
        f"{_two_digits(expected.memory_mb)} MB of memory and {_two_digits(expected.duration_s)} s"
    )


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):.0f}"


def answer(study: Study) -> Iterator[str | Table]:
    """Yield what a study found, line by line: ensemble, decision, clusters, notes."""
    traces, decision = study.traces, study.decision
    yield (
        f"{traces.n_traces} traces of {traces.n_frames} frames × {traces.dt_s:.6g} s "
        f"({escape(dt_origin(study))})"
    )
    yield (
        f"[bold]K = {decision.k_opt}[/] at {decision.scale}, confidence "
        f"{with_interval(decision)}. {escape(decision.reason)}"
    )
    yield cluster_table(study)
    for note in study.notes:
        yield f"[yellow]Note:[/] {escape(note)}"


def with_interval(decision: KDecision) -> str:
    """Return the confidence, with its 95 % interval where it has one."""
    low, high = decision.confidence_ci95
    interval = "" if math.isnan(low) else f" (95 %: {low:.2f}…{high:.2f})"
    return f"{decision.confidence:.2f}{interval}"


def cluster_table(study: Study) -> Table:
    """Return a row per cluster: traces and <β> ± SE; a dash where a value is not defined."""
    table = Table(box=None, pad_edge=False)
    for heading in ("cluster", "traces", "<β> ± SE"):
        table.add_column(heading, justify="right")
    clusters = study.clusters
    for i, cluster in enumerate(clusters.clusters):
        beta = f"{_decimals(clusters.beta_mean[i])} ± {_decimals(clusters.beta_stderr[i])}"
        table.add_row(str(cluster), str(int((study.labels == cluster).sum())), beta)
    return table


def _decimals(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"
