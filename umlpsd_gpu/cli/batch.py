"""The commands ``umlpsd batch``: thousands of movies, several runners, safe to interrupt."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.live import Live
from rich.markup import escape

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.cli.batch_options import (
    DaskAddress,
    DaskHere,
    DaskSlurm,
    LimitS,
    Out,
    dask_options,
    read_shard,
)
from umlpsd_gpu.cli.batch_output import out, print_manifest, print_movie, print_report, status_table
from umlpsd_gpu.cli.options import OUTPUT_PANEL, ChosenSettings, add_settings_options
from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress
from umlpsd_gpu.errors import SettingsError

batch = typer.Typer(
    no_args_is_help=True,
    help="Analyse archives of many movies, each movie by itself. A batch can be stopped at any "
    "time and continued later.",
)
WATCH_S = 2.0


@batch.command()
@add_settings_options
def init(
    archive: Annotated[
        str,
        typer.Argument(
            metavar="ARCHIVE",
            help="Folder that is searched, with its subfolders; a pattern in quotes; or a movie. "
            "A folder of one-frame files is one movie.",
        ),
    ],
    out_dir: Out,
    settings: ChosenSettings,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            help="Draw figures and a report for each movie. This takes longer than the analysis; "
            "it can be done later with --update --figures.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = True,
    full_digest: Annotated[
        bool,
        typer.Option(
            "--full-digest",
            help="Identify movies by a digest of all bytes (slow). Default: by size, "
            "modification time and samples.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Search the archive again, or change settings; studies that stay valid are kept.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False,
) -> None:
    """Find the movies of an archive and write a manifest with them and the settings."""
    from umlpsd_gpu.batch.manifest import init_batch

    kind: Literal["full", "sampled"] = "full" if full_digest else "sampled"
    _, chosen = settings.resolve()
    manifest = init_batch(archive, out_dir, chosen, figures, kind, update)
    print_manifest(manifest, out_dir)


Workers = Annotated[
    int | None,
    typer.Option(
        help="Movies at the same time. Default: one for each GPU, or for each core if memory "
        "allows.",
        show_default=False,
    ),
]
Shard = Annotated[
    str, typer.Option(metavar="I/N", help="Part I of N of the movies, for job arrays.")
]
Device = Annotated[
    Literal["auto", "cpu", "gpu"] | None,
    typer.Option(help="Where to compute. Default: as at init.", show_default=False),
]
MemoryMb = Annotated[
    float | None,
    typer.Option(
        metavar="MB",
        help="Memory limit (address space) of a worker on a CPU, in MB; 0: no limit. Default: "
        "an equal share of the memory.",
        show_default=False,
    ),
]
LeaseS = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Take over a movie if its runner was silent for this time, in seconds.",
    ),
]
Retry = Annotated[
    bool,
    typer.Option(
        "--retry",
        help="Try movies again that were set aside because their worker died or took too long.",
    ),
]


@batch.command()
def run(
    out_dir: Out,
    workers: Workers = None,
    shard: Shard = "1/1",
    device: Device = None,
    memory_mb: MemoryMb = None,
    lease_s: LeaseS = 60.0,
    limit_s: LimitS = None,
    retry: Retry = False,
    dask: DaskHere = False,
    dask_address: DaskAddress = None,
    dask_slurm: DaskSlurm = None,
) -> None:
    """Make all studies that are missing or out of date; can be stopped and started again."""
    from umlpsd_gpu.batch.options import RunOptions
    from umlpsd_gpu.batch.runner import run_batch

    options = RunOptions(
        n_workers=workers,
        shard=read_shard(shard),
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

        report = run_on_dask(out_dir, cluster, options, print_movie)
    else:
        report = run_batch(out_dir, options, print_movie)
    print_report(report, out_dir)
    raise typer.Exit(report.exit_code)


@batch.command()
def status(
    out_dir: Out,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Repeat until all movies are done or failed.")
    ] = False,
) -> None:
    """Show how many movies are done, running, waiting or failed."""
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


Slurm = Annotated[bool, typer.Option("--slurm", help="Submit to SLURM, as a job array.")]
Show = Annotated[bool, typer.Option("--print", help="Print the script, submit nothing.")]
Tasks = Annotated[
    int | None,
    typer.Option(
        help="Tasks of the array. Default: about ten minutes of work each.", show_default=False
    ),
]
AtOnce = Annotated[
    int | None,
    typer.Option(help="Largest number of tasks at the same time.", show_default=False),
]
Partition = Annotated[str | None, typer.Option(help="SLURM partition.", show_default=False)]
Gres = Annotated[
    str | None,
    typer.Option(
        help="SLURM resources, for example gpu:1; one worker for each card.", show_default=False
    ),
]
TimeMin = Annotated[
    int | None,
    typer.Option(
        help="Time limit of a task, in minutes; a task that needs more is started again. "
        "Default: four times the prediction.",
        show_default=False,
    ),
]
MemoryMbOfSubmit = Annotated[
    float | None,
    typer.Option(help="Memory of a task, in MB. Default: from the prediction.", show_default=False),
]
WarnS = Annotated[int, typer.Option(help="Seconds before the time limit at which SIGUSR1 is sent.")]
Requeue = Annotated[
    bool,
    typer.Option("--requeue/--no-requeue", help="Let SLURM start an interrupted task again."),
]


@batch.command()
def submit(
    out_dir: Out,
    slurm: Slurm = False,
    show: Show = False,
    tasks: Tasks = None,
    at_once: AtOnce = None,
    partition: Partition = None,
    account: Annotated[str | None, typer.Option(help="SLURM account.", show_default=False)] = None,
    gres: Gres = None,
    time_min: TimeMin = None,
    memory_mb: MemoryMbOfSubmit = None,
    cpus: Annotated[int, typer.Option(help="Cores of a task; one worker for each.")] = 1,
    limit_s: LimitS = None,
    warn_s: WarnS = 120,
    requeue: Requeue = True,
) -> None:
    """Submit a batch to a queue; submit again to continue, finished studies are kept."""
    from umlpsd_gpu.batch.launchers.slurm import SlurmOptions, slurm_jobs, submit_to_slurm

    if not slurm:
        raise SettingsError("no queue was given; add --slurm")
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
    out.print(
        f"Job {jobs.ids[0]}: {jobs.n_tasks} tasks; job {jobs.ids[1]} makes studies still missing."
    )
    out.print(f"Next: umlpsd batch status {escape(str(out_dir))}")


@batch.command()
def pool(
    out_dir: Out,
    pooled: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Study folder to write. Default: OUT/pooled.", show_default=False
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu"] | None,
        typer.Option(
            help="Where to compute. Default: as at init. With Dask: device of the workers, which "
            "run the sweeps; the rest runs on the CPU.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing study.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --dask: number of workers. Default: one for each core if memory allows.",
            show_default=False,
        ),
    ] = None,
    dask: DaskHere = False,
    dask_address: DaskAddress = None,
    dask_slurm: DaskSlurm = None,
) -> None:
    """Analyse the traces of all finished studies as one ensemble.

    The clusters are then the same classes in all movies. With Dask, its workers sweep the scales.
    """
    from umlpsd_gpu.batch.manifest import read_manifest
    from umlpsd_gpu.batch.pool import pool_batch

    place = pooled or out_dir / "pooled"
    settings = read_manifest(out_dir).settings.with_values({"device": device})
    cluster = dask_options(dask, dask_address, dask_slurm)
    if workers and not dask:
        raise SettingsError(f"--workers {workers} needs --dask; add it, or leave --workers out")
    with progress() as report:
        study = pool_batch(out_dir, place, settings, overwrite, report, cluster, workers)
    for line in get_analysis(study.analysis).answer(study):
        out.print(line)
    out.print(f"Report: {escape(str(place / 'report.html'))}; clusters by movie: classes.csv")


@batch.command()
def report(out_dir: Out) -> None:
    """Write a report of the whole archive: page, table and figures. Possible at any time."""
    from umlpsd_gpu.batch.report.page import write_batch_report

    out.print(f"Report: {escape(str(write_batch_report(out_dir) / 'report.html'))}")
