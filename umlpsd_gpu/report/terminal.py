"""What people see on a terminal: progress of the long steps, and small tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.study.result import Study


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function ``report(step, done, total)``: bars on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_line
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield report


def _plain_line(step: str, done: int, total: int) -> None:
    if done == total:
        print(f"{step}: {done}/{total}", flush=True)


def movie_table(movie: Movie) -> Table:
    """Return what a movie is: verdict, frames, interval, pixel size, memory it would take."""
    size_mb = movie.n_frames * movie.n_rows * movie.n_cols * movie.dtype.itemsize / 1e6
    whole = movie.verdict.status == "whole"
    colour, reason = ("green", "") if whole else ("bold red", f": {escape(movie.verdict.reason)}")
    dt = "unknown: give --dt-s" if movie.dt_s is None else f"{movie.dt_s:.6g} s"
    nominal = "" if movie.dt_nominal_s is None else f"; nominal {movie.dt_nominal_s:.6g} s"
    pixel = "unknown" if movie.pixel_size_um is None else f"{movie.pixel_size_um:.4g} µm"
    table = Table(title=escape(str(movie.path)), title_justify="left", show_header=False, box=None)
    table.add_row("verdict", f"[{colour}]{movie.verdict.status}[/]{reason}")
    table.add_row(
        "frames", f"{movie.n_frames} of {movie.n_rows} × {movie.n_cols} pixels, {movie.dtype}"
    )
    table.add_row("interval", f"{dt} ({escape(movie.dt_origin)}{nominal})")
    table.add_row("pixel size", f"{pixel} ({escape(movie.pixel_size_origin)})")
    table.add_row("size", f"{size_mb:.0f} MB, read in chunks of up to {movie.memory_mb:.0f} MB")
    return table


def cluster_table(study: Study) -> Table:
    """Return a row per cluster: traces and <β> ± SE."""
    table = Table(box=None, pad_edge=False)
    for heading in ("cluster", "traces", "<β> ± SE"):
        table.add_column(heading, justify="right")
    clusters = study.clusters
    for i, cluster in enumerate(clusters.clusters):
        beta = f"{clusters.beta_mean[i]:.3f} ± {clusters.beta_stderr[i]:.3f}"
        table.add_row(str(cluster), str(int((study.labels == cluster).sum())), beta)
    return table
