"""``umlpsd check``: verdict and metadata of movies and tables, alone or many at once."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from umlpsd_gpu.analyses.protocol import Analysis, Description
from umlpsd_gpu.cli.options import ChosenSettings, add_settings_options
from umlpsd_gpu.errors import SettingsError, UmlpsdError

out = Console(highlight=False, soft_wrap=True)

Checked = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Movies, tables of traces, folders (searched with their subfolders), or patterns in "
        "quotes.",
        show_default=False,
    ),
]
# name as it is shown, what it is; or the reason why it can't be read
Checkable = tuple[str, Description | None, str]


@add_settings_options
def check(paths: Checked, settings: ChosenSettings) -> None:
    """Check that inputs are complete; show their metadata, and the time and memory needed.

    Several inputs get one line each. The exit code is 1 if an input is damaged.
    """
    checked = [part for name in paths for part in _check_one(name, settings)]
    for name, described, reason in checked:
        if described is None:
            out.print(f"[bold red]unreadable[/]  {escape(reason)}")
        elif len(checked) == 1:
            out.print(description_table(name, described))
        else:
            out.print(_describe_in_a_line(name, described))
    n_failed = sum(described is None or not described.is_whole for _, described, _ in checked)
    raise typer.Exit(1 if n_failed else 0)


def _check_one(name: str, settings: ChosenSettings) -> Iterator[Checkable]:
    """Yield what a path stands for: one input, or those of a folder or pattern."""
    try:
        analysis, chosen = settings.resolve([name])
        lenient = analysis.accept_damage(chosen)
        if Path(name).is_dir() or (glob.has_magic(name) and not Path(name).exists()):
            found = list(_check_many(name, analysis, lenient))
            if found:
                yield from found
                return
        yield name, analysis.describe(analysis.open([name], lenient)), ""
    except UmlpsdError as error:
        yield name, None, str(error)


def _check_many(name: str, analysis: Analysis[Any, Any], settings: Any) -> Iterator[Checkable]:
    from umlpsd_gpu.storage.result_folder import read_summary

    try:
        findings = analysis.find(name, settings, lambda path: read_summary(path) is not None)
    except SettingsError:
        return  # `open` says why
    for found in findings.found:
        path = _shorten(found.path)
        if found.source is None:
            yield path, None, f"{path}: {found.reason.removeprefix(f'{found.path}: ')}"
        else:
            yield path, analysis.describe(found.source), ""
    for left_out, reason in findings.left_out if findings.found else ():
        if not analysis.is_part(reason):
            text = reason.removeprefix(f"{left_out}: ")
            out.print(f"left out    {escape(_shorten(left_out))}: {escape(text)}")


def _shorten(path: Path) -> str:
    """Return a path relative to the working folder where it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _describe_in_a_line(name: str, described: Description) -> str:
    colour = "green" if described.is_whole else "bold red"
    reason = f" ({described.reason})" if described.reason else ""
    facts = "; ".join(f"{fact}: {text.rstrip('.')}" for fact, text in described.rows)
    verdict = f"[{colour}]{escape(described.verdict):<10}[/]"
    return f"{verdict}  {escape(name)}{escape(reason)}: {escape(facts)}"


def description_table(name: str, described: Description) -> Table:
    """Return the description of an input as a table.

    Parameters
    ----------
    name : str
        As it was given.
    described : Description

    Returns
    -------
    rich.table.Table
        One row for each fact.
    """
    reason = f": {escape(described.reason)}" if described.reason else ""
    colour = "green" if described.is_whole else "bold red"
    table = Table(title=escape(name), title_justify="left", show_header=False, box=None)
    table.add_row("verdict", f"[{colour}]{escape(described.verdict)}[/]{reason}")
    for fact, text in described.rows:
        table.add_row(escape(fact), escape(text))
    return table
