"""Excel workbook → rows of cells of one sheet."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.cells import Cell, CellRows, is_blank
from umlpsd_gpu.traces.file_errors import raise_traces_error, require_credible_archive

# Rows of numbers that make a sheet one with traces
FEWEST_NUMERIC_ROWS = 3
MOST_NAMED = 5
# Rows of a sheet by the format. From so many cells on, one in ten must hold something: a cell at
# the far end of each row would take more memory than any machine has.
MOST_ROWS, FEW_CELLS, FEWEST_FILLED = 1_048_576, 1_000_000, 0.1


def read_workbook_rows(path: Path, sheet: str | None) -> tuple[CellRows, list[str]]:
    """Read one sheet of a workbook: the one named, or the only one that has rows of numbers.

    Parameters
    ----------
    path : Path
    sheet : str or None
        Its name.

    Returns
    -------
    rows : CellRows
        Empty columns on the left are left out.
    notes : list of str
        About other sheets.

    Raises
    ------
    TracesError
        If there is no such sheet, or several have rows of numbers.
    """
    with raise_traces_error(path):
        require_credible_archive(path)
        _require_styles(path)
        pages = _read_pages(path, sheet)
    if sheet is not None:
        return _make_rows(path, sheet, pages[sheet]), []
    with_numbers = [name for name, rows in pages.items() if _has_table(rows)]
    if len(with_numbers) > 1:
        raise TracesError(
            f"{path}: {len(with_numbers)} sheets contain rows of numbers ({name_some(with_numbers)}"
            "); choose one with --sheet (sheet='…' in Python)"
        )
    filled = [name for name, rows in pages.items() if rows]
    if not filled:
        raise TracesError(f"{path}: all its sheets are empty; write it again")
    chosen = (with_numbers or filled)[0]
    others = [name for name in filled if name != chosen]
    notes = (
        [f"Of {path.name} the sheet '{chosen}' was read; {name_some(others)} has no traces."]
        if others
        else []
    )
    return _make_rows(path, chosen, pages[chosen]), notes


def _require_styles(path: Path) -> None:
    """Refuse a workbook in which a named style refers to a format that there isn't.

    openpyxl would print a line on standard output, and then fail.
    """
    from openpyxl.xml.constants import ARC_STYLE, SHEET_MAIN_NS
    from openpyxl.xml.functions import fromstring

    with zipfile.ZipFile(path) as archive:
        if ARC_STYLE not in archive.namelist():
            return
        styles = fromstring(archive.read(ARC_STYLE))
    n_formats = len(styles.findall(f"{{{SHEET_MAIN_NS}}}cellStyleXfs/{{{SHEET_MAIN_NS}}}xf"))
    for style in styles.iterfind(f"{{{SHEET_MAIN_NS}}}cellStyles/{{{SHEET_MAIN_NS}}}cellStyle"):
        number = int(style.get("xfId", "0"))
        if not 0 <= number < n_formats:
            raise TracesError(
                f"{path}: it is damaged: its cell style '{style.get('name')}' refers to format "
                f"{number} of {n_formats}; open it in a spreadsheet program and save it again, or "
                "save the table as CSV UTF-8"
            )


def _read_pages(path: Path, sheet: str | None) -> dict[str, list[tuple[int, list[Cell]]]]:
    """Return the filled rows of each sheet, with their numbers."""
    from openpyxl import load_workbook

    with path.open("rb") as file:
        book = load_workbook(file, read_only=True, data_only=True)
        names = [page.title for page in book.worksheets]
        if sheet is not None and sheet not in names:
            raise TracesError(
                f"{path}: there is no sheet '{sheet}'; its sheets are {name_some(names)}"
            )
        return {page.title: _read_page(page, path) for page in book.worksheets}


def name_some(names: list[str]) -> str:
    """Return the first names of a list, and the number of the others.

    Parameters
    ----------
    names : list of str

    Examples
    --------
    >>> from umlpsd_gpu.traces.workbooks import name_some
    >>> name_some(["a", "b", "c", "d", "e", "f", "g"])
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    shown = ", ".join(f"'{name}'" for name in names[:MOST_NAMED])
    n_more = len(names) - MOST_NAMED
    return f"{shown} and {n_more} more" if n_more > 0 else shown


def _read_page(page: Any, path: Path) -> list[tuple[int, list[Cell]]]:
    """Return the rows of a sheet that hold anything, with their numbers."""
    if hasattr(page, "reset_dimensions"):
        page.reset_dimensions()  # some programs store a wrong size
    rows = []
    n_cells = n_filled = 0
    for number, values in enumerate(page.iter_rows(values_only=True), start=1):
        cells = [_as_cell(value) for value in values]
        while cells and is_blank(cells[-1]):
            cells.pop()
        if cells:
            rows.append((number, cells))
        n_cells += len(values)
        n_filled += len(values) - values.count(None)
        is_sparse = n_cells > FEW_CELLS and n_filled < FEWEST_FILLED * n_cells
        if number > MOST_ROWS or is_sparse:
            raise TracesError(
                f"{path}: the sheet '{page.title}' has {number} rows or more and "
                f"{n_cells - n_filled} empty cells of {n_cells}, which no table of traces has; "
                "delete the cells far from the table, or save the table as CSV UTF-8"
            )
    return rows


def _as_cell(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return str(value)


def _has_table(rows: list[tuple[int, list[Cell]]]) -> bool:
    """Return whether several rows have numbers and no words."""
    n_numeric = sum(
        any(isinstance(cell, float) for cell in cells)
        and not any(isinstance(cell, str) and cell.strip() for cell in cells)
        for _, cells in rows
    )
    return n_numeric >= FEWEST_NUMERIC_ROWS or _has_text_numbers(rows)


def _has_text_numbers(rows: list[tuple[int, list[Cell]]]) -> bool:
    """Return whether numbers are stored as text in most rows."""
    starts = [next((c for c in cells if not is_blank(c)), "") for _, cells in rows]
    digits = [isinstance(c, str) and c.strip().lstrip("+-")[:1].isdigit() for c in starts]
    return len(rows) > FEWEST_NUMERIC_ROWS and 2 * int(np.count_nonzero(digits)) > len(rows)


def _make_rows(path: Path, sheet: str, rows: list[tuple[int, list[Cell]]]) -> CellRows:
    left = min(
        (next(j for j, cell in enumerate(cells) if not is_blank(cell)) for _, cells in rows),
        default=0,
    )
    width = max((len(cells) for _, cells in rows), default=0)
    grid: list[list[Cell]] = [
        cells[left:] + [None] * (width - max(len(cells), left)) for _, cells in rows
    ]
    return CellRows(
        path, [number for number, _ in rows], grid.__getitem__, _namer(sheet, left), sheet=sheet
    )


def _namer(sheet: str, left: int) -> Callable[[int, int], str]:
    from openpyxl.utils import get_column_letter

    return lambda row, column: f"cell {get_column_letter(left + column + 1)}{row} of '{sheet}'"
