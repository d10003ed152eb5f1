"""The command ``umlpsd figures``: the figures of a study for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.cli.studies import StudyFolder

out = Console(highlight=False, soft_wrap=True)

Folder = Annotated[
    Path, typer.Option("--out", help="Folder to write.", show_default=False, metavar="FOLDER")
]
JournalName = Annotated[
    str, typer.Option("--journal", metavar="NAME", help="Whose widths and sizes of text.")
]
Formats = Annotated[
    str, typer.Option("--formats", metavar="NAMES", help="pdf, svg, or both with a comma.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing figures.")]


def figures(
    study: StudyFolder,
    out_dir: Folder,
    journal: JournalName = "nature",
    formats: Formats = "pdf,svg",
    overwrite: Overwrite = False,
) -> None:
    """Draw the figures of a study at the widths of a journal, with embedded fonts."""
    from umlpsd_gpu.analyses.saving import load_any
    from umlpsd_gpu.report.publication_folder import write_publication_figures

    names = [name.strip() for name in formats.split(",") if name.strip()]
    written = write_publication_figures(load_any(study), out_dir, journal, names, overwrite)
    for path in sorted(written.iterdir()):
        out.print(escape(str(path)))
