"""Tables as CSV: all digits, empty cells for NaN."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umlpsd_gpu.exports.contents import Column, Table


def write_csv(path: Path, table: Table, is_continued: bool = False) -> None:
    """Write a table, or add its rows to a file.

    Parameters
    ----------
    path : Path
    table : Table
        Numbers are written with all digits that are needed to read them back, True and False as 1
        and 0, NaN as an empty cell.
    is_continued : bool
        Whether the rows are added to a file that has the same columns.
    """
    how = "a" if is_continued else "w"
    with path.open(how, encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not is_continued:
            writer.writerow(column.name for column in table.columns)
        writer.writerows(zip(*map(cells_of, table.columns), strict=True))


def cells_of(column: Column) -> Sequence[Any]:
    """Return the values of a column as they are written to text.

    Parameters
    ----------
    column : Column
        Of a table.

    Returns
    -------
    sequence of str, int, float or None
        None for NaN.
    """
    if isinstance(column.values, tuple):
        return column.values
    if column.values.dtype.kind == "b":
        return list(map(int, column.values.tolist()))
    cells: list[Any] = column.values.tolist()
    if column.values.dtype.kind == "f":
        # csv writes None as an empty cell, and a float by repr
        return [None if math.isnan(value) else value for value in cells]
    return cells
