"""The command ``watch``: movies are analysed when they are complete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from umlpsd_gpu.cli.batch import LimitS, Out
from umlpsd_gpu.cli.batch_output import tell_movie, tell_report
from umlpsd_gpu.cli.options import ChosenSettings, takes_settings


@takes_settings
def watch(
    archive: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that movies are written to.")
    ],
    out_dir: Out,
    settings: ChosenSettings,
    workers: Annotated[
        int | None, typer.Option(help="Movies analysed at the same time.", show_default=False)
    ] = None,
    limit_s: LimitS = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Figures and a report for each movie.")
    ] = True,
    settle_s: Annotated[
        float, typer.Option(help="Seconds without a change before a movie counts as complete.")
    ] = 10.0,
    poll_s: Annotated[float, typer.Option(help="Seconds between checks of the folder.")] = 2.0,
    idle_s: Annotated[
        float | None,
        typer.Option(
            help="End after this many seconds without a new movie. Default: until Ctrl-C.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Analyse movies as they arrive in a folder, at the microscope; OUT is a batch."""
    from umlpsd_gpu.batch.options import RunOptions
    from umlpsd_gpu.batch.watch import WatchOptions
    from umlpsd_gpu.batch.watch import watch as watch_folder

    options = RunOptions(n_workers=workers, limit_s=limit_s, also_import=("umlpsd_gpu.cli.main",))
    how = WatchOptions(settle_s, poll_s, idle_s)
    _, chosen = settings.of_files()
    report = watch_folder(archive, out_dir, chosen, figures, options, how, tell_movie)
    tell_report(report, out_dir)
    raise typer.Exit(report.exit_code)
