"""The commands ``batch``: thousands of movies, any number of runners, nothing lost."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.live import Live
from rich.markup import escape

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.cli.batch_output import out, status_table, tell_manifest, tell_movie, tell_report
from umlpsd_gpu.cli.options import ChosenSettings, takes_settings
from umlpsd_gpu.cli.terminal import progress
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions

batch = typer.Typer(
    no_args_is_help=True,
    help="Archives: thousands of movies, each analysed independently; after a kill nothing is "
    "lost.",
)
WATCH_S = 2.0
Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the batch.")]
LimitS = Annotated[
    float | None,
    typer.Option(
        "--limit-s",
        help="Stop the analysis of a movie after this many seconds; after three times the movie "
        "is set aside. Default: no limit.",
        show_default=False,
    ),
]
DaskHere = Annotated[
    bool, typer.Option("--dask", help="Use a Dask cluster of processes on this machine.")
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        help="Use an existing Dask scheduler: tls://…, or tcp:// on 127.0.0.1.", show_default=False
    ),
]
DaskSlurm = Annotated[
    str | None,
    typer.Option(
        metavar="N_TASKS=4,…",
        help="Use Dask workers that are SLURM jobs: n_tasks, n_cpus, partition, account, gres, "
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
            help="Folder, searched with its subfolders; a quoted pattern; or a movie. A folder of "
            "one-frame files is one movie.",
        ),
    ],
    out_dir: Out,
    settings: ChosenSettings,
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
            help="Identify movies by every byte: slow. Default: by size, time and samples.",
        ),
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Search again, or take other settings; unchanged studies are kept."
        ),
    ] = False,
) -> None:
    """Find the movies of an archive and write them down with the settings; no pixel is read."""
    from umlpsd_gpu.batch.manifest import init_batch

    kind: Literal["full", "sampled"] = "full" if full_digest else "sampled"
    _, chosen = settings.of_files()
    manifest = init_batch(archive, out_dir, chosen, figures, kind, update)
    tell_manifest(manifest, out_dir)


@batch.command()
def run(
    out_dir: Out,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Movies at the same time. Default: one per GPU, or per core if memory allows.",
            show_default=False,
        ),
    ] = None,
    shard: Annotated[
        str, typer.Option(help="I/N: every N-th movie, starting with the I-th; for job arrays.")
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
        typer.Option(help="Seconds without a sign of life after which a movie is taken over."),
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
    """Analyse the movies whose study is missing or out of date; may be stopped at any time."""
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
        bool, typer.Option("--watch", help="Repeat until no movie is left to analyse.")
    ] = False,
) -> None:
    """Show the state of all movies; only reads files."""
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


@batch.command()
def submit(
    out_dir: Out,
    slurm: Annotated[bool, typer.Option("--slurm", help="Submit a job array to SLURM.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Show the script, submit nothing.")] = False,
    tasks: Annotated[
        int | None,
        typer.Option(
            help="Tasks of the array. Default: ten minutes of work each.", show_default=False
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(help="Largest number of tasks that run together.", show_default=False),
    ] = None,
    partition: Annotated[
        str | None, typer.Option(help="Partition of SLURM.", show_default=False)
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Account of SLURM.", show_default=False)
    ] = None,
    gres: Annotated[
        str | None, typer.Option(help="For example gpu:1; one worker per card.", show_default=False)
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
        typer.Option(help="Memory of a task. Default: from the prediction.", show_default=False),
    ] = None,
    cpus: Annotated[int, typer.Option(help="Cores of a task; one worker per core.")] = 1,
    limit_s: LimitS = None,
    warn_s: Annotated[
        int, typer.Option(help="Seconds before the time limit at which SIGUSR1 is sent.")
    ] = 120,
    requeue: Annotated[bool, typer.Option("--requeue/--no-requeue")] = True,
) -> None:
    """Submit a batch to a queue; submit again to continue, finished studies are kept."""
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
        bool, typer.Option("--overwrite", help="Replace an existing study.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="For --dask: scales at the same time. Default: one per core if memory allows.",
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
    for line in get_analysis(study.analysis).answer(study):
        out.print(line)
    out.print(f"Report: {escape(str(place / 'report.html'))}; movie by movie: classes.csv")


@batch.command()
def report(out_dir: Out) -> None:
    """Write a page, a table and figures of the whole archive; possible at any time."""
    from umlpsd_gpu.batch.report.page import write_batch_report

    out.print(f"Report: {escape(str(write_batch_report(out_dir) / 'report.html'))}")


def _shard_of(text: str) -> tuple[int, int]:
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise SettingsError(f"--shard must look like 1/4, got '{text}'")
    return int(parts[0]), int(parts[1])
