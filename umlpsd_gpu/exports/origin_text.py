"""Text that Origin, Igor and spreadsheets import: tabs, and rows of long names, units, comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.exports.contents import Contents, Curves, Table
from umlpsd_gpu.exports.csv_tables import cells_of
from umlpsd_gpu.exports.names import file_name


def write_origin_text(contents: Contents, folder: Path) -> None:
    """Write a text file for each table, and for each set of curves one column for each curve.

    The first three rows are long names, units and comments. NaN is written as ``--``, Origin's
    missing value.

    Parameters
    ----------
    contents : Contents
    folder : Path
        An existing folder.
    """
    taken: set[str] = set()
    for table in contents.tables:
        if table.n_rows:
            _write(folder, table.name, taken, *_of_table(table))
    for curves in contents.curves:
        if curves.n_curves:
            for n in range(len(curves.values)):
                name = curves.name if len(curves.values) == 1 else curves.values[n].name
                _write(folder, name, taken, *_of_curves(curves, n))


Rows = Iterable[Sequence[Any]]


def _of_table(table: Table) -> tuple[Rows, Rows]:
    heading = [
        [column.name for column in table.columns],
        [column.unit for column in table.columns],
        [column.description for column in table.columns],
    ]
    return heading, zip(*map(cells_of, table.columns), strict=True)


def _of_curves(curves: Curves, n: int) -> tuple[Rows, Rows]:
    column = curves.values[n]
    heading = [
        [curves.x.name, *([column.name] * curves.n_curves)],
        [curves.x.unit, *([column.unit] * curves.n_curves)],
        [curves.x.description, *curves.ids],
    ]
    return heading, _points(curves, np.asarray(column.values))


def _points(curves: Curves, values: np.ndarray) -> Iterator[list[float | None]]:
    for at, x in enumerate(np.asarray(curves.x.values).tolist()):
        yield [x, *(None if y != y else y for y in values[:, at].tolist())]


def _write(folder: Path, name: str, taken: set[str], heading: Rows, rows: Rows) -> None:
    stem = file_name(name, taken)
    taken.add(stem)
    # the mark at the beginning tells Origin and Excel that the text is UTF-8
    with (folder / f"{stem}.txt").open(
        "w", encoding="utf-8-sig", errors="replace", newline="\r\n"
    ) as file:
        for row in heading:
            file.write("\t".join(map(_clean, row)) + "\n")
        for row in rows:
            file.write("\t".join("--" if cell is None else _clean(cell) for cell in row) + "\n")


def _clean(cell: Any) -> str:
    return " ".join(cell.split()) if isinstance(cell, str) else repr(cell)
