"""The command ``umlpsd show``: a study, or one of its items, in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from umlpsd_gpu.cli.studies import StudyFolder
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.items.item import Curve, Item

out = Console(highlight=False, soft_wrap=True)
NARROWEST, WIDEST, PLOT_ROWS = 20, 72, 8

Wanted = Annotated[
    str | None,
    typer.Option(
        "--trace",
        "--item",
        metavar="ITEM",
        help="One trace, curve, pixel, window or particle: its number from 0 in the order of the "
        "tables, its name, or ROW,COLUMN.",
    ),
]
FigureFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write a figure of the item (PDF or SVG)."),
]
ShowMethods = Annotated[
    bool, typer.Option("--methods", help="Print a methods section with references.")
]
ShowBibtex = Annotated[bool, typer.Option("--bibtex", help="Print the references in BibTeX.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing figure.")]


def show(
    study: StudyFolder,
    wanted: Wanted = None,
    figure: FigureFile = None,
    methods: ShowMethods = False,
    bibtex: ShowBibtex = False,
    overwrite: Overwrite = False,
) -> None:
    """Print the result of a study, one of its traces, or its methods section."""
    from umlpsd_gpu.analyses.registry import get_analysis
    from umlpsd_gpu.analyses.saving import load_any

    if figure is not None and wanted is None:
        raise SettingsError("--out draws one item; say which with --trace")
    result = load_any(study)
    analysis = get_analysis(result.analysis)
    if methods or bibtex:
        text = analysis.methods(result)
        typer.echo(text.text if methods else text.bibtex, nl=False)
    elif wanted is not None:
        _show_item(analysis.item(result, wanted), figure, overwrite)
    else:
        _show_result(analysis, result)


def _show_result(analysis: Any, result: Any) -> None:
    for line in analysis.answer(result):
        out.print(line)
    for check in analysis.checks(result):
        out.print(f"[cyan]Check next:[/] {escape(check)}")


def _show_item(item: Item, figure: Path | None, overwrite: bool) -> None:
    if figure is not None:
        from umlpsd_gpu.report.item_figure import render_item
        from umlpsd_gpu.storage.single_files import write_file

        written = write_file(figure, render_item(item, figure), overwrite)
        out.print(f"Figure: {escape(str(written))}")
        return
    out.print(f"[bold]{escape(item.title)}[/]")
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in item.rows:
        table.add_row(escape(name), escape(text))
    out.print(table)
    for curve in item.curves:
        _show_curve(curve)


def _show_curve(curve: Curve) -> None:
    from umlpsd_gpu.plotting.terminal_plot import plot_in_characters

    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    lines = plot_in_characters(
        curve.x,
        curve.y,
        max(NARROWEST, min(WIDEST, out.width - 14)),
        PLOT_ROWS,
        curve.is_logarithmic,
        has_braille=encoding.startswith("utf"),
    )
    axes = f"{curve.y_label} against {curve.x_label}"
    logarithmic = ", both logarithmic" if curve.is_logarithmic else ""
    typer.echo(f"\n{curve.title}: {axes}{logarithmic}")
    typer.echo("\n".join(lines))
