"""The command line: the commands of ``umlpsd``, one function for each."""

from __future__ import annotations

import signal
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.cli.batch import batch
from umlpsd_gpu.cli.bench import bench
from umlpsd_gpu.cli.broken_pipe import quiet_when_unread
from umlpsd_gpu.cli.check import check
from umlpsd_gpu.cli.compare import compare
from umlpsd_gpu.cli.export import export
from umlpsd_gpu.cli.figures import figures
from umlpsd_gpu.cli.live import live
from umlpsd_gpu.cli.options import OUTPUT_PANEL, ChosenSettings, add_settings_options
from umlpsd_gpu.cli.replay import replay
from umlpsd_gpu.cli.show import show
from umlpsd_gpu.cli.simulate import simulate
from umlpsd_gpu.cli.validate import validate
from umlpsd_gpu.cli.view import view
from umlpsd_gpu.cli.watch import watch
from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress
from umlpsd_gpu.errors import UmlpsdError

app = typer.Typer(
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From microscopy movies of blinking nanocrystals to clusters, power spectra and "
    "power-law exponents.",
    epilog="Exit codes: 0 success; 1 some movies failed; 2 wrong use, bad input, or an output "
    "folder that exists; 3 problem of the machine (disk full, no permission, no such device); "
    "128 + n stopped by signal n.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="MOVIE",
        help="TIFF movies: a file, a folder of one-frame files, or a pattern in quotes; or tables "
        "of traces (CSV, Excel, .npy, .npz, HDF5, .mat).",
        show_default=False,
    ),
]


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        out.print(metadata.version("umlpsd_gpu"))
        raise typer.Exit


@app.command()
@add_settings_options
def run(
    movies: Sources,
    out_dir: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Study folder to write.",
            show_default=False,
            rich_help_panel=OUTPUT_PANEL,
        ),
    ],
    settings: ChosenSettings,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace an existing study.", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False,
) -> None:
    """Analyse movies or traces as one ensemble and write a study folder."""
    from umlpsd_gpu.storage.result_folder import check_output

    analysis, chosen = settings.resolve(movies)
    check_output(out_dir, overwrite)
    _analyse(analysis, settings.open(analysis, movies, chosen), chosen, out_dir, overwrite)


@app.command()
def demo(
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for the movie and the study.")
    ] = Path("umlpsd_demo"),
    seed: Annotated[
        int, typer.Option(help="Seed of the simulation; each number gives another movie.")
    ] = 0,
    n_frames: Annotated[
        int, typer.Option("--frames", help="Number of frames of the movie.")
    ] = 6000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing demo.")
    ] = False,
) -> None:
    """Simulate a movie, analyse it, and compare the result with the known truth."""
    from umlpsd_gpu.simulate.movie import simulate_movie
    from umlpsd_gpu.storage.result_folder import check_output
    from umlpsd_gpu.validation.compare import compare_with_truth

    check_output(out_dir / "study", overwrite)
    with progress() as report:
        report("simulate", 0, 1)
        movie = out_dir / f"simulated_{seed}.tif"
        truth = simulate_movie(movie, overwrite, seed=seed, n_frames=n_frames)
        report("simulate", 1, 1)
    out.print(f"Movie: {escape(str(truth.path))} (60 emitters of 3 classes, {n_frames} frames)")
    blinking = get_analysis("blinking")
    settings = blinking.settings()
    source = blinking.open([str(truth.path)], settings)
    study = _analyse(blinking, source, settings, out_dir / "study", overwrite)
    recovery = compare_with_truth(study, truth)
    out.print(
        f"Compared with the truth: {recovery.n_found} of {recovery.n_true} emitters found, "
        f"{recovery.n_false} false detections, position error {recovery.position_rms_px:.2f} px "
        f"(RMS); K = {recovery.k_opt} for {recovery.k_true} simulated classes; adjusted Rand index "
        f"of clusters and classes {recovery.adjusted_rand:.2f} (1: perfect, 0: chance)."
    )


app.command()(check)
app.command()(simulate)
app.command()(validate)
app.command()(compare)
app.command()(export)
app.command()(show)
app.command()(view)
app.command()(figures)
app.add_typer(batch, name="batch")
app.command()(watch)
app.command()(live)
app.command()(replay)
app.command()(bench)


@app.command()
def info() -> None:
    """Show installed versions, the GPU, and which device would be used and why."""
    import platform
    from importlib.util import find_spec

    from umlpsd_gpu.bench.device_info import device_rows
    from umlpsd_gpu.compute.backend import n_cores
    from umlpsd_gpu.compute.cpu_kernel import why_missing
    from umlpsd_gpu.compute.versions import recorded_versions

    table = Table(show_header=False, box=None)
    kernels = {"CPU kernels": why_missing() or "compiled"}
    for name, number in (recorded_versions() | kernels).items():
        table.add_row(name, number)
    table.add_row("platform", platform.platform())
    table.add_row("CPU cores", str(n_cores()))
    for name, text in device_rows():
        table.add_row(name, escape(text))
    em = "installed" if find_spec("rsciio") else "not installed: pip install 'umlpsd_gpu[em]'"
    table.add_row("RosettaSciIO", escape(f"{em} (GPLv3, not part of this package)"))
    out.print(table)


def _analyse(
    analysis: Analysis[Any, Any], source: Any, settings: Any, folder: Path, overwrite: bool
) -> Any:
    """Run an analysis, write its folder, print the result and return it."""
    from umlpsd_gpu.report.run_and_write import run_and_write

    with progress() as report:
        result, written = run_and_write(analysis, source, settings, folder, overwrite, report)
    for line in analysis.answer(result):
        out.print(line)
    out.print(f"Report: {escape(str(written / 'report.html'))}")
    return result


class _Stopped(SystemExit):
    """A signal ends the program as Ctrl-C does, so that partial files are removed."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


def _stop(number: int, frame: object) -> None:
    raise _Stopped(number)


def main() -> None:
    """Run the command line.

    An error that the user can correct ends in one sentence on standard error and its exit code.

    Raises
    ------
    SystemExit
        With the exit code.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup ignores the signal on purpose
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        # a terminal that can't show β must not stop the study; a closed stream is None
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        with quiet_when_unread():
            app(standalone_mode=True)
    except _Stopped as stopped:
        err.print(
            f"Stopped by {stopped.name}; unfinished output was removed, existing files are "
            "unchanged."
        )
        raise
    except UmlpsdError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}")
        for note in getattr(error, "__notes__", ()):
            err.print(escape(note))
        sys.exit(error.exit_code)
    except OSError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}")
        sys.exit(3)
