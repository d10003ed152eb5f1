"""Decimal point or comma? Decided from all cells of a table; asked where both are possible."""

from __future__ import annotations

import re
from dataclasses import dataclass

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.cells import CellRows

# Kinds of a written number, the first that matches
KINDS = re.compile(
    r"[-+]?(?:(?P<grouped_point>[1-9]\d{0,2}(?:\.\d{3})+)"
    r"|(?P<grouped_comma>[1-9]\d{0,2}(?:,\d{3})+)"
    r"|(?P<point>(?:\d{1,3}(?:,\d{3})+|\d*)\.\d*(?:[eE][-+]?\d+)?)"
    r"|(?P<comma>(?:\d{1,3}(?:\.\d{3})+|\d*),\d*(?:[eE][-+]?\d+)?))"
)
OPTION = "--decimal point or --decimal comma (decimal='…' in Python)"
# Whole numbers of so many letters would have been grouped too
LONG_BARE = 4


@dataclass
class _Column:
    """Which kinds of numbers a column has, and where the first of a doubtful kind is."""

    kinds: dict[str, tuple[int, str]]
    has_long_bare: bool = False

    @property
    def is_settled(self) -> bool:
        return "point" in self.kinds or "comma" in self.kinds


def choose_decimal_mark(
    rows: CellRows, first: int, stop: int, n_columns: int, decimal: str = "auto"
) -> str:
    """Return the decimal mark of a table.

    Parameters
    ----------
    rows : CellRows
    first, stop : int
        Indices of the rows of numbers.
    n_columns : int
    decimal : {"auto", "point", "comma"}
        As the user says.

    Returns
    -------
    {".", ","}

    Raises
    ------
    TracesError
        If both are possible: 1.200 among whole numbers may be 1200.
    """
    if decimal != "auto":
        return "." if decimal == "point" else ","
    columns = _survey(rows, first, stop, n_columns)
    found: dict[str, tuple[int, int, str]] = {}
    for j, column in enumerate(columns):
        for kind, (row, text) in column.kinds.items():
            found.setdefault(kind, (row, j, text))
    for j, column in enumerate(columns):
        _refuse_groups(rows, j, column)
    if "comma" in found and "point" in found:
        row, j, text = found["comma"]
        raise TracesError(
            f"{rows.path}: {rows.place(row, j)} contains '{text}', a decimal comma, where other "
            f"cells have decimal points ('{found['point'][2]}'); use one of them, or say which "
            f"with {OPTION}"
        )
    if "comma" in found:
        return ","
    if "grouped_comma" in found and "point" not in found:
        row, j, text = found["grouped_comma"]
        raise _ask(rows, row, j, text)
    return "."


def _survey(rows: CellRows, first: int, stop: int, n_columns: int) -> list[_Column]:
    columns = [_Column({}) for _ in range(n_columns)]
    open_columns = list(range(n_columns))
    for row in range(first, stop):
        if not open_columns:
            break
        cells = rows.split(row)
        settled = False
        for j in open_columns:
            cell = cells[j] if j < len(cells) else None
            if isinstance(cell, str):
                settled |= _note_kind(columns[j], row, cell.strip(), row == first)
        if settled:
            open_columns = [j for j in open_columns if not columns[j].is_settled]
    return columns


def _note_kind(column: _Column, row: int, text: str, is_first: bool) -> bool:
    if "." not in text and "," not in text:
        column.kinds.setdefault("bare", (row, text))
        column.has_long_bare |= len(text) >= LONG_BARE
        return False
    match = KINDS.fullmatch(text)
    if match is None or match.lastgroup is None:
        return False
    if is_first and match.lastgroup.startswith("grouped"):
        return False  # it may be a heading of numbers
    kind = match.lastgroup
    if kind.startswith("grouped") and len(re.findall(r"[.,]", text)) > 1:
        kind = "comma" if kind == "grouped_point" else "point"  # 1.234.567 has no decimals
    column.kinds.setdefault(kind, (row, text))
    return column.is_settled


def _refuse_groups(rows: CellRows, j: int, column: _Column) -> None:
    """Refuse a column that mixes 1.200 with whole numbers below 1000."""
    if column.is_settled or "bare" not in column.kinds or column.has_long_bare:
        return
    if "grouped_point" in column.kinds:
        row, text = column.kinds["grouped_point"]
        raise _ask(rows, row, j, text)


def _ask(rows: CellRows, row: int, j: int, text: str) -> TracesError:
    whole, small = re.sub("[.,]", "", text), re.sub("[.,]", ".", text, count=1)
    return TracesError(
        f"{rows.path}: {rows.place(row, j)} contains '{text}', which can be {whole} (the mark "
        f"separates thousands) or {small} (it is the decimal mark); say which with {OPTION}"
    )
