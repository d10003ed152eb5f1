"""The command ``umlpsd compare``: two results side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.comparing.comparison import Agreement, Changed, Difference

out = Console(highlight=False, soft_wrap=True)
# More differences than this are only shown where they are clear
MOST_ROWS = 24

First = Annotated[Path, typer.Argument(metavar="A", help="Study folder.", show_default=False)]
Second = Annotated[Path, typer.Argument(metavar="B", help="Study folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
PageFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Also write a page (HTML) with all of it."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing page.")]


def compare(
    first: First,
    second: Second,
    as_json: AsJson = False,
    page: PageFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare two studies: what changed from A to B, with 95 % intervals."""
    from umlpsd_gpu.analyses.comparing.compare_results import compare_results
    from umlpsd_gpu.analyses.saving import load_any

    found = compare_results(load_any(first), load_any(second), (str(first), str(second)))
    if page is not None:
        from umlpsd_gpu.report.comparison_page import render_comparison
        from umlpsd_gpu.storage.single_files import write_file

        write_file(page, render_comparison(found).encode(errors="replace"), overwrite)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    comparison = found.comparison
    out.print(f"{escape(comparison.sentence)}.")
    if found.is_identical:
        out.print("Both hold the same data and settings (equal digests).")
    if comparison.agreement is not None:
        out.print(_agreement_table(comparison.agreement))
    _print_differences(comparison.differences)
    _print_changed("Settings", found.settings)
    _print_changed("Versions", found.versions)
    for note in comparison.notes:
        out.print(f"Note: {escape(note)}")
    if page is not None:
        out.print(f"Page: {escape(str(page))}")


def _agreement_table(agreement: Agreement) -> Table:
    table = Table("cluster A", "cluster B", f"{agreement.items} in A", "in B", "in both")
    table.box, table.pad_edge = None, False
    for column in table.columns:
        column.justify = "right"
    for match in agreement.matches:
        numbers = match.first, match.second, match.n_first, match.n_second, match.n_shared
        table.add_row(*(f"{number:,}" for number in numbers))
    return table


def _print_differences(differences: Sequence[Difference]) -> None:
    shown = differences
    if len(differences) > MOST_ROWS:
        shown = [each for each in differences if each.is_clear or math.isnan(each.low)]
    with_effect = any(not math.isnan(each.effect_size) for each in shown)
    headings = ["", "A", "B", "B − A", "95 %", *(["effect size"] if with_effect else [])]
    table = Table(*headings, box=None, pad_edge=False)
    for each in shown:
        mark = "*" if each.is_clear else ""
        interval = "" if math.isnan(each.low) else f"{each.low:+.3g} … {each.high:+.3g}"
        effect = "" if math.isnan(each.effect_size) else f"{each.effect_size:+.2f}"
        numbers = f"{each.first:.4g}", f"{each.second:.4g}", f"{each.change_text}{mark}"
        table.add_row(*(escape(each.name), *numbers, interval, effect)[: len(headings)])
    out.print(table)
    if any(each.is_clear for each in shown):
        out.print("*: the 95 % interval of the change excludes 0")
    if len(shown) < len(differences):
        n_left = len(differences) - len(shown)
        out.print(f"{n_left} differences that are not clear are only in --json and --out.")


def _print_changed(title: str, changed: Sequence[Changed]) -> None:
    if not changed:
        out.print(f"{title}: the same.")
        return
    table = Table(f"{title} that differ", "A", "B", box=None, pad_edge=False)
    for each in changed:
        table.add_row(*(escape(str(value)) for value in (each.name, each.first, each.second)))
    out.print(table)
