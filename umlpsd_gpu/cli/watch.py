"""The command ``umlpsd watch``: analyse movies as soon as they are complete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from umlpsd_gpu.cli.batch_options import LimitS, Out
from umlpsd_gpu.cli.batch_output import print_movie, print_report
from umlpsd_gpu.cli.options import OUTPUT_PANEL, ChosenSettings, add_settings_options


@add_settings_options
def watch(
    archive: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to which movies are written.")
    ],
    out_dir: Out,
    settings: ChosenSettings,
    workers: Annotated[
        int | None, typer.Option(help="Movies at the same time.", show_default=False)
    ] = None,
    limit_s: LimitS = None,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            help="Draw figures and a report for each movie.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = True,
    settle_s: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="A movie is complete if its files did not change for this time, in seconds.",
        ),
    ] = 10.0,
    poll_s: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Time between two searches of the folder, in seconds."
        ),
    ] = 2.0,
    idle_s: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="End if no movie arrived for this time, in seconds. Default: run until Ctrl-C.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Analyse movies while they are recorded: each one as soon as it is complete in the folder.

    In a folder without movies, tables of traces are watched.

    OUT is a batch like any other.
    """
    from umlpsd_gpu.batch.options import RunOptions
    from umlpsd_gpu.batch.watch import WatchOptions
    from umlpsd_gpu.batch.watch import watch as watch_folder

    options = RunOptions(n_workers=workers, limit_s=limit_s, also_import=("umlpsd_gpu.cli.main",))
    how = WatchOptions(settle_s, poll_s, idle_s)
    _, chosen = settings.resolve()
    report = watch_folder(archive, out_dir, chosen, figures, options, how, print_movie)
    print_report(report, out_dir)
    raise typer.Exit(report.exit_code)
