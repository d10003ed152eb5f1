"""The command ``umlpsd compare``: two results side by side."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from umlpsd_gpu.errors import SettingsError

out = Console(highlight=False, soft_wrap=True)

First = Annotated[Path, typer.Argument(metavar="A", help="Study folder.", show_default=False)]
Second = Annotated[Path, typer.Argument(metavar="B", help="Study folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def compare(first: First, second: Second, as_json: AsJson = False) -> None:
    """Compare two studies: B minus A, with 95 % intervals and effect sizes."""
    from umlpsd_gpu.analyses.saving import load_any

    one, other = load_any(first), load_any(second)
    if one.analysis != other.analysis:
        raise SettingsError(
            f"{first} is a study of {one.analysis} and {second} of {other.analysis}; give two of "
            "the same analysis"
        )
    from umlpsd_gpu.analyses.registry import get_analysis

    found = get_analysis(one.analysis).compare(one, other)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    out.print(f"{escape(found.sentence)}.")
    table = Table("", "A", "B", "B − A", "95 %", "effect size", box=None, pad_edge=False)
    for each in found.differences:
        mark = "*" if each.is_clear else ""
        interval = f"{each.low:+.3g} … {each.high:+.3g}"
        effect = "" if math.isnan(each.effect_size) else f"{each.effect_size:+.2f}"
        numbers = f"{each.first:.4g}", f"{each.second:.4g}", f"{each.change:+.3g}{mark}"
        table.add_row(escape(each.name), *numbers, interval, effect)
    out.print(table)
    out.print("*: the 95 % interval of the change excludes 0")
    for note in found.notes:
        out.print(f"Note: {escape(note)}")
