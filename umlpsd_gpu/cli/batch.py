"""The commands ``batch``: thousands of movies, any number of runners, nothing lost."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.cli.options import takes_settings
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.batch.entries import Entry, Manifest
    from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions
    from umlpsd_gpu.batch.run_report import RunReport
    from umlpsd_gpu.batch.status import BatchStatus

batch = typer.Typer(
    no_args_is_help=True,
    help="Archives: thousands of movies, each analysed by itself; killed at any moment, nothing is "
    "lost.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
MOST_SHOWN = 20
WATCH_S = 2.0
Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the batch.")]
LimitS = Annotated[
    float | None,
    typer.Option(
        "--limit-s",
        help="Stop the analysis of a movie after so many seconds; three times, and it is set "
        "aside. "
        "Default: no limit.",
        show_default=False,
    ),
]
DaskHere = Annotated[
    bool, typer.Option("--dask", help="By a Dask cluster of processes on this machine.")
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        help="By the Dask scheduler there: tls://…, or tcp:// on 127.0.0.1.", show_default=False
    ),
]
DaskSlurm = Annotated[
    str | None,
    typer.Option(
        metavar="N_TASKS=4,…",
        help="By Dask workers that are SLURM jobs: n_tasks, n_cpus, partition, account, gres, "
        "time_min, memory_mb.",
        show_default=False,
    ),
]


@batch.command()
@takes_settings
def init(
    archive: Annotated[
        str,
        typer.Argument(
            metavar="ARCHIVE",
            help="Folder, searched with all below it; a quoted pattern; or a movie. A folder of "
            "one-frame files is one movie.",
        ),
    ],
    out_dir: Out,
    settings: Settings,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            help="Draw figures and a report for each movie; they take longer than the numbers. "
            "They can be had later by --update --figures.",
        ),
    ] = True,
    full_digest: Annotated[
        bool,
        typer.Option(
            "--full-digest",
            help="Tell movies by every byte: slow. Default: by size, time of change and samples.",
        ),
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Look again, or take other settings; studies that stay are kept."
        ),
    ] = False,
) -> None:
    """Find the movies of an archive and write them down with the settings; no pixel is read."""
    from umlpsd_gpu.batch.manifest import init_batch

    kind: Literal["full", "sampled"] = "full" if full_digest else "sampled"
    manifest = init_batch(archive, out_dir, settings, figures, kind, update)
    _tell_manifest(manifest, out_dir)


@batch.command()
def run(
    out_dir: Out,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Movies at a time. Default: one a GPU, or one a core as far as memory goes.",
            show_default=False,
        ),
    ] = None,
    shard: Annotated[
        str, typer.Option(help="I/N: every N-th movie from the I-th on, for job arrays.")
    ] = "1/1",
    device: Annotated[
        Literal["auto", "cpu", "gpu"] | None,
        typer.Option(help="Default: as at init.", show_default=False),
    ] = None,
    memory_mb: Annotated[
        float | None,
        typer.Option(
            help="Address space of a worker in MB (on a CPU); 0: no limit. Default: its share of "
            "the machine.",
            show_default=False,
        ),
    ] = None,
    lease_s: Annotated[
        float,
        typer.Option(help="A movie whose runner shows no sign of life for so long is taken over."),
    ] = 60.0,
    limit_s: LimitS = None,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry",
            help="Try movies again that were set aside: they killed their workers, or took too "
            "long.",
        ),
    ] = False,
    dask: DaskHere = False,
    dask_address: DaskAddress = None,
    dask_slurm: DaskSlurm = None,
) -> None:
    """Make the studies that are missing or out of date; stop and start it as you like."""
    from umlpsd_gpu.batch.options import RunOptions
    from umlpsd_gpu.batch.runner import run_batch

    options = RunOptions(
        n_workers=workers,
        shard=_shard_of(shard),
        device=device,
        memory_mb=memory_mb,
        term_s=lease_s,
        limit_s=limit_s,
        retry=retry,
        # a started process looks through the program's main module
        also_import=("umlpsd_gpu.cli.main",),
    )
    cluster = dask_options(dask, dask_address, dask_slurm)
    if cluster is not None:
        from umlpsd_gpu.batch.launchers.dask_run import run_on_dask

        report = run_on_dask(out_dir, cluster, options, tell_movie)
    else:
        report = run_batch(out_dir, options, tell_movie)
    tell_report(report, out_dir)
    raise typer.Exit(report.exit_code)


def dask_options(here: bool, address: str | None, slurm: str | None) -> DaskOptions | None:
    """Return which Dask cluster was asked for; None for none."""
    from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions
    from umlpsd_gpu.batch.launchers.slurm import SlurmOptions

    asked = [
        name
        for name, value in (("--dask", here), ("--dask-address", address), ("--dask-slurm", slurm))
        if value
    ]
    if not asked:
        return None
    if len(asked) > 1:
        raise SettingsError(f"{' and '.join(asked)} are different clusters; give one of them")
    return DaskOptions(address, SlurmOptions.from_text(slurm) if slurm else None)


@batch.command()
def status(
    out_dir: Out,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again until all movies are settled.")
    ] = False,
) -> None:
    """Say how the movies stand; reads files only."""
    from umlpsd_gpu.batch.status import read_status

    found = read_status(out_dir)
    if as_json:
        print(json.dumps(found.as_json(), indent=1))
        return
    if not watch:
        out.print(status_table(found))
        return
    with Live(status_table(found), console=out, auto_refresh=False) as live:
        while not found.is_settled:
            time.sleep(WATCH_S)
            found = read_status(out_dir)
            live.update(status_table(found), refresh=True)


def status_table(found: BatchStatus) -> Table:
    """Return the counts, and movies that failed with the reason."""
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


def tell_movie(event: str, entry: Entry, text: str) -> None:
    """Print a line about a movie."""
    _tell(event, entry.name, text)


def _tell(event: str, name: str, text: str) -> None:
    from umlpsd_gpu.batch.names import printable

    if event == "started":
        return
    words = f"{event}: {printable(name)}" + (f" ({printable(text)})" if text else "")
    try:
        print(words, flush=True)
    except OSError:
        # a full or closed log must not cost the batch
        return


def _tell_manifest(manifest: Manifest, out_dir: Path) -> None:
    movies = manifest.movies
    n_bytes = sum(entry.n_bytes for entry in movies)
    hours = sum(entry.duration_s for entry in movies) / 3600
    largest_mb = max(entry.memory_mb for entry in movies)
    out.print(
        f"{len(movies)} movies, {n_bytes / 1e9:.3g} GB; about {hours:.2g} h of one worker, up to "
        f"{largest_mb:.0f} MB of memory each (100 emitters, default settings)."
    )
    allowed = manifest.settings.movie.allow_damaged
    broken = [m for m in movies if m.verdict != "whole" and not (allowed and m.n_frames)]
    unknown = sum(m.dt_s is None and m.verdict == "whole" for m in movies)
    if broken:
        out.print(f"[yellow]{len(broken)} can't be analysed as they are[/]; run will tell why.")
    if unknown:
        out.print(f"[yellow]{unknown} have no frame interval[/] and will fail: give --dt-s.")
    if manifest.left_out:
        out.print(f"{len(manifest.left_out)} files or folders are no movies (see the manifest).")
    out.print(f"Next: umlpsd batch run {escape(str(out_dir))}")


def tell_report(report: RunReport, out_dir: Path) -> None:
    """Print how a run ended."""
    words = [f"{len(report.done)} of {report.n_movies} done ({report.n_made} now)"]
    if report.failed:
        words.append(f"{len(report.failed)} failed")
    if report.set_aside:
        words.append(f"{len(report.set_aside)} set aside (--retry tries them again)")
    if report.n_left:
        words.append(f"{report.n_left} left: run again to go on")
    _tell(", ".join(words), str(out_dir), "")
    if report.trouble:
        err.print(f"[bold red]Error:[/] {escape(report.trouble)}")
    elif report.failed or report.set_aside:
        err.print(f"umlpsd batch status {escape(str(out_dir))} tells why movies failed.")
    sys.stdout.flush()


def _shard_of(text: str) -> tuple[int, int]:
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise SettingsError(f"--shard must look like 1/4, got '{text}'")
    return int(parts[0]), int(parts[1])
