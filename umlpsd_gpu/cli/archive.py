"""More commands ``batch``: queues, a page and an ensemble of a whole archive; and ``watch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.cli.batch import (
    DaskAddress,
    DaskHere,
    DaskSlurm,
    LimitS,
    Out,
    batch,
    dask_options,
    out,
    tell_movie,
    tell_report,
)
from umlpsd_gpu.cli.options import takes_settings
from umlpsd_gpu.cli.terminal import answer, progress
from umlpsd_gpu.errors import SettingsError


@batch.command()
def submit(
    out_dir: Out,
    slurm: Annotated[bool, typer.Option("--slurm", help="To SLURM, as a job array.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Show the script, submit nothing.")] = False,
    tasks: Annotated[
        int | None,
        typer.Option(
            help="Tasks of the array. Default: ten minutes of work each.", show_default=False
        ),
    ] = None,
    at_once: Annotated[
        int | None, typer.Option(help="Tasks at a time, at most.", show_default=False)
    ] = None,
    partition: Annotated[str | None, typer.Option(show_default=False)] = None,
    account: Annotated[str | None, typer.Option(show_default=False)] = None,
    gres: Annotated[
        str | None, typer.Option(help="As gpu:1; a worker a card.", show_default=False)
    ] = None,
    time_min: Annotated[
        int | None,
        typer.Option(
            help="Minutes of a task; it starts again where they were too few. Default: four times "
            "the prediction.",
            show_default=False,
        ),
    ] = None,
    memory_mb: Annotated[
        float | None,
        typer.Option(help="Of a task. Default: from the prediction.", show_default=False),
    ] = None,
    cpus: Annotated[int, typer.Option(help="Cores of a task, a worker each.")] = 1,
    limit_s: LimitS = None,
    warn_s: Annotated[int, typer.Option(help="SIGUSR1 so long before the time is up.")] = 120,
    requeue: Annotated[bool, typer.Option("--requeue/--no-requeue")] = True,
) -> None:
    """Hand a batch to a queue; submit again to go on, finished studies are left alone."""
    from umlpsd_gpu.batch.launchers.slurm import SlurmOptions, slurm_jobs, submit_to_slurm

    if not slurm:
        raise SettingsError("say which queue: --slurm is the one that there is")
    options = SlurmOptions(
        n_tasks=tasks,
        n_at_once=at_once,
        partition=partition,
        account=account,
        gres=gres,
        time_min=time_min,
        memory_mb=memory_mb,
        n_cpus=cpus,
        warn_s=warn_s,
        limit_s=limit_s,
        requeue=requeue,
    )
    if show:
        print(slurm_jobs(out_dir, options).array, end="")
        return
    jobs = submit_to_slurm(out_dir, options)
    out.print(f"Job {jobs.ids[0]}: {jobs.n_tasks} tasks; job {jobs.ids[1]} makes what they leave.")
    out.print(f"Next: umlpsd batch status {escape(str(out_dir))}")


@batch.command()
def pool(
    out_dir: Out,
    pooled: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Study folder to make. Default: OUT/pooled.", show_default=False
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu"] | None,
        typer.Option(
            help="Default: as at init. With Dask the workers', for the sweeps; the rest is done on "
            "the CPU.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the study that is there.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of --dask: scales swept at a time. Default: one a core as far as memory goes.",
            show_default=False,
        ),
    ] = None,
    dask: DaskHere = False,
    dask_address: DaskAddress = None,
    dask_slurm: DaskSlurm = None,
) -> None:
    """Analyse the traces of all finished studies as one ensemble, for classes of the archive.

    With Dask its workers sweep the scales.
    """
    from umlpsd_gpu.batch.manifest import read_manifest
    from umlpsd_gpu.batch.pool import pool_batch

    place = pooled or out_dir / "pooled"
    settings = read_manifest(out_dir).settings.with_values({"device": device})
    cluster = dask_options(dask, dask_address, dask_slurm)
    if workers and not dask:
        raise SettingsError(f"--workers {workers} are processes of --dask; give that too")
    with progress() as report:
        study = pool_batch(out_dir, place, settings, overwrite, report, cluster, workers)
    for line in answer(study):
        out.print(line)
    out.print(f"Report: {escape(str(place / 'report.html'))}; movie by movie: classes.csv")


@takes_settings
def watch(
    archive: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that movies are written to.")
    ],
    out_dir: Out,
    settings: Settings,
    workers: Annotated[
        int | None, typer.Option(help="Movies at a time.", show_default=False)
    ] = None,
    limit_s: LimitS = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Figures and a report for each movie.")
    ] = True,
    settle_s: Annotated[
        float, typer.Option(help="A movie has landed when nothing of it changed for so long.")
    ] = 10.0,
    poll_s: Annotated[float, typer.Option(help="Seconds between looks.")] = 2.0,
    idle_s: Annotated[
        float | None,
        typer.Option(
            help="End when nothing has landed for so long. Default: until Ctrl-C.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Analyse movies as they land in a folder, at the microscope; OUT is a batch like any other."""
    from umlpsd_gpu.batch.options import RunOptions
    from umlpsd_gpu.batch.watch import WatchOptions
    from umlpsd_gpu.batch.watch import watch as watch_folder

    options = RunOptions(n_workers=workers, limit_s=limit_s, also_import=("umlpsd_gpu.cli.main",))
    how = WatchOptions(settle_s, poll_s, idle_s)
    report = watch_folder(archive, out_dir, settings, figures, options, how, tell_movie)
    tell_report(report, out_dir)
    raise typer.Exit(report.exit_code)


@batch.command()
def report(out_dir: Out) -> None:
    """Write one page, a table and figures of the whole archive; at any time."""
    from umlpsd_gpu.batch.report.page import report_archive

    out.print(f"Report: {escape(str(report_archive(out_dir) / 'report.html'))}")
