"""The command ``umlpsd export``: studies in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress

out = Console(highlight=False, soft_wrap=True)

Studies = Annotated[
    list[Path],
    typer.Argument(
        metavar="STUDY",
        help="Study folders, or folders of them (as a batch writes).",
        show_default=False,
    ),
]
To = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="FORMAT",
        help="csv, parquet (long tables; several studies below each other), mat (MATLAB 7.3), mat5 "
        "(MATLAB 5), imagej-rois, imagej-maps, ome-zarr, origin, figures (with the numbers that "
        "they show). Several: repeat the option, or separate by commas.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Folder to write. Default: the name of the study with _export, next to it.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")]


def export(studies: Studies, to: To, out_dir: Out = None, overwrite: Overwrite = False) -> None:
    """Write studies in the formats of other programs: MATLAB, ImageJ, Origin, OME-Zarr, Parquet."""
    from umlpsd_gpu.report.export_results import export_results

    formats = [name.strip() for given in to for name in given.split(",")]
    with progress() as report:
        written = export_results(studies, formats, out_dir, overwrite, report)
    out.print(f"Export: {escape(str(written))}")
