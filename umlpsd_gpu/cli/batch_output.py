"""Texts and tables that the batch commands print."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from umlpsd_gpu.batch.entries import Entry, Manifest
    from umlpsd_gpu.batch.run_report import RunReport
    from umlpsd_gpu.batch.status import BatchStatus

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
MOST_SHOWN = 20


def status_table(found: BatchStatus) -> Table:
    """Return the state of a batch as a table.

    Parameters
    ----------
    found : BatchStatus

    Returns
    -------
    rich.table.Table
        Number of movies in each state, and the movies that failed with the reason.
    """
    from umlpsd_gpu.batch.names import printable

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("movies", str(len(found.movies)))
    for state, count in found.counts.items():
        if count:
            table.add_row(state, str(count))
    n_old = sum(movie.out_of_date for movie in found.movies)
    if n_old:
        table.add_row("out of date", f"{n_old} (of those not done)")
    if found.seconds_left is not None:
        table.add_row("time left", f"about {math.ceil(found.seconds_left / 60)} min")
    wrong = [m for m in found.movies if m.state in ("failed", "set aside")]
    for movie in wrong[:MOST_SHOWN]:
        table.add_row(f"[red]{movie.state}[/]", escape(printable(f"{movie.name}: {movie.reason}")))
    if len(wrong) > MOST_SHOWN:
        table.add_row("", f"and {len(wrong) - MOST_SHOWN} more: --json lists all")
    return table


def print_movie(event: str, entry: Entry, text: str) -> None:
    """Print one line about a movie.

    Parameters
    ----------
    event : str
        What happened, as ``"done"`` or ``"failed"``.
    entry : Entry
    text : str
        Details; may be empty.
    """
    _print_line(event, entry.name, text)


def _print_line(event: str, name: str, text: str) -> None:
    from umlpsd_gpu.batch.names import printable

    if event == "started":
        return
    words = f"{event}: {printable(name)}" + (f" ({printable(text)})" if text else "")
    try:
        print(words, flush=True)
    except OSError:
        # a full or closed log must not stop the batch
        return


def print_manifest(manifest: Manifest, out_dir: Path) -> None:
    """Print size and cost of a batch, and how many movies can't be analysed.

    Parameters
    ----------
    manifest : Manifest
    out_dir : Path
        Folder of the batch.
    """
    movies, analysis = manifest.movies, manifest.analysis
    n_bytes = sum(entry.n_bytes for entry in movies)
    hours = sum(entry.duration_s for entry in movies) / 3600
    largest_mb = max(entry.memory_mb for entry in movies)
    out.print(
        f"{len(movies)} {analysis.inputs}, {n_bytes / 1e9:.3g} GB; about {hours:.2g} h with one "
        f"worker, up to {largest_mb:.0f} MB of memory each ({analysis.prediction_holds_for})."
    )
    accepted = [entry for entry in movies if _is_accepted(manifest, entry)]
    if len(accepted) < len(movies):
        n_broken = len(movies) - len(accepted)
        out.print(f"[yellow]{n_broken} can't be analysed[/]; 'umlpsd batch run' reports why.")
    for warning in analysis.list_warnings([entry.facts for entry in accepted]):
        out.print(f"[yellow]{escape(warning)}[/]")
    for warning in _list_copies(movies):
        out.print(f"[yellow]{escape(warning)}[/]")
    if manifest.left_out:
        n_left_out = len(manifest.left_out)
        out.print(f"{n_left_out} files or folders were left out (see the manifest).")
    out.print(f"Next: umlpsd batch run {escape(str(out_dir))}")


def _list_copies(movies: Sequence[Entry]) -> list[str]:
    """Return a warning if inputs have the same content."""
    first: dict[str, Entry] = {}
    copies = []
    for entry in movies:
        earlier = first.setdefault(entry.content, entry) if entry.content else entry
        if earlier is not entry:
            copies.append((earlier.name, entry.name))
    if not copies:
        return []
    return [
        f"{len(copies)} have the same content as another one, for example {copies[0][0]} and "
        f"{copies[0][1]}; data that are pooled twice make standard errors too small."
    ]


def print_report(report: RunReport, out_dir: Path) -> None:
    """Print how a run ended.

    Parameters
    ----------
    report : RunReport
    out_dir : Path
        Folder of the batch.
    """
    words = [f"{len(report.done)} of {report.n_movies} done ({report.n_made} now)"]
    if report.failed:
        words.append(f"{len(report.failed)} failed")
    if report.set_aside:
        words.append(f"{len(report.set_aside)} set aside (try them again with --retry)")
    if report.n_left:
        words.append(f"{report.n_left} left: run again to continue")
    _print_line(", ".join(words), str(out_dir), "")
    if report.trouble:
        err.print(f"[bold red]Error:[/] {escape(report.trouble)}")
    elif report.failed or report.set_aside:
        err.print(f"To see why movies failed: umlpsd batch status {escape(str(out_dir))}")
    sys.stdout.flush()


def _is_accepted(manifest: Manifest, entry: Entry) -> bool:
    from umlpsd_gpu.analyses.protocol import Description

    if entry.verdict == "unreadable":
        return False
    described = Description(entry.verdict, entry.reason, entry.size, facts=entry.facts)
    return manifest.analysis.accepts(described, manifest.settings)
