"""The command ``umlpsd view``: open a report in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from umlpsd_gpu.errors import UmlpsdError

REPORT = "report.html"

Place = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="Study folder, or folder of a batch.", show_default=False
    ),
]
OnlyPrint = Annotated[bool, typer.Option("--print", help="Only print the path of the page.")]


def view(folder: Place, only_print: OnlyPrint = False) -> None:
    """Open the report of a study or of a batch in the browser; nothing is served."""
    page = find_report(folder)
    typer.echo(str(page))
    if not only_print and not webbrowser.open(page.as_uri()):
        typer.echo("No browser was found; open this file with one.", err=True)


def find_report(folder: Path) -> Path:
    """Return the page of a study or of a batch.

    Parameters
    ----------
    folder : Path
        A study folder, the folder of a batch, or the page itself.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    UmlpsdError
        If there is no page.
    """
    from umlpsd_gpu.batch.folder import BatchFolder
    from umlpsd_gpu.storage.result_folder import read_summary

    for page in (folder, folder / REPORT, folder / "report" / REPORT):
        if page.suffix == ".html" and page.is_file():
            return page.resolve()
    if BatchFolder(folder).manifest.is_file():
        raise UmlpsdError(
            f"the batch in {folder} has no report yet; write one with 'umlpsd batch report "
            f"{folder}'"
        )
    if folder.is_dir() and read_summary(folder) is not None:
        raise UmlpsdError(
            f"the study in {folder} was saved without a report; run it again with 'umlpsd run', or "
            "write one from Python with write_report"
        )
    raise UmlpsdError(
        f"{folder} holds no report; give a study folder that 'umlpsd run --out' wrote, or the "
        "folder of a batch"
    )
