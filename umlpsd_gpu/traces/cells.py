"""Cells of a table as they were read: texts or numbers, with their place in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError

# A cell of text, a number of a spreadsheet, or nothing
Cell = str | float | None

# What programs write where there is no number, in lower case
MISSING = frozenset(
    ("", "nan", "-nan", "+nan", "na", "n/a", "null", "none", "<na>", "missing", "1.#ind")
    + ("-1.#ind", "1.#qnan", "-1.#qnan", "#n/a", "#n/a n/a", "#na", "#div/0!", "#value!")
    + ("#ref!", "#num!", "#name?", "#null!", "#wert!", "#zahl!", "#bezug!", "#nv")
)
INFINITE = re.compile(r"[-+]?inf(inity)?", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
GROUPS = {
    ".": re.compile(r"[-+]?\d{1,3}(\.\d{3})+(?=$|,)"),
    ",": re.compile(r"[-+]?\d{1,3}(,\d{3})+(?=$|\.)"),
}
# Longest word of a cell that a message shows
LONGEST_WORD = 60
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,3}:\d\d")


@dataclass(frozen=True)
class CellRows:
    """Rows of cells; they may be split only when they are asked for.

    Attributes
    ----------
    path : Path
        For messages.
    numbers : sequence of int
        Row of each in the file, from 1.
    split : callable
        Takes an index; returns the cells of that row as a list.
    name_place : callable
        Takes a row of the file and the index of a cell; returns words for messages.
    titles : tuple of str
        Comments before the first row, which may hold the heading.
    has_blanks : bool
        Whether blanks separate the cells.
    sheet : str
        Name of the sheet of a workbook.
    """

    path: Path
    numbers: Sequence[int]
    split: Callable[[int], list[Cell]]
    name_place: Callable[[int, int], str]
    titles: tuple[list[Cell], ...] = ()
    has_blanks: bool = False
    sheet: str = ""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    def place(self, row: int, column: int) -> str:
        """Return words for the place of a cell, given by its indices.

        Parameters
        ----------
        row, column : int
            From 0.
        """
        return self.name_place(self.numbers[row], column)

    def transposed(self) -> CellRows:
        """Return the same cells with rows as columns.

        Returns
        -------
        CellRows
        """
        grid = [self.split(i) for i in range(len(self))]
        width = max(map(len, grid), default=0)
        columns: list[list[Cell]] = [
            [row[j] if j < len(row) else None for row in grid] for j in range(width)
        ]
        numbers, name_place = self.numbers, self.name_place
        return CellRows(
            self.path,
            range(1, width + 1),
            columns.__getitem__,
            lambda row, column: name_place(numbers[column], row - 1),
            sheet=self.sheet,
        )


@dataclass(frozen=True)
class Table:
    """A table of numbers with named columns.

    Attributes
    ----------
    path : Path
    names : list of str
        Of the columns; empty without a heading.
    units : list of str
        Of the columns, from a row of their own; empty without one.
    values : ndarray, shape (n_rows, n_columns)
        NaN where a cell is empty.
    rows : CellRows or None
        Where the values come from; None for arrays.
    first_row : int
        Index of the first row of values among ``rows``.
    notes : list of str
        For the user.
    """

    path: Path
    names: list[str]
    units: list[str]
    values: Array
    rows: CellRows | None = None
    first_row: int = 0
    notes: list[str] = field(default_factory=list)

    def place(self, row: int, column: int) -> str:
        """Return words for the place of a value, given by its indices.

        Parameters
        ----------
        row, column : int
            From 0.
        """
        if self.rows is None:
            return f"row {row + 1}, column {column + 1}"
        return self.rows.place(self.first_row + row, column)

    def row_place(self, row: int) -> str:
        """Return words for a row of values.

        Parameters
        ----------
        row : int
            Index from 0.
        """
        if self.rows is None:
            return f"row {row + 1}"
        return f"row {self.rows.numbers[self.first_row + row]}"


def is_missing(cell: Cell) -> bool:
    """Return whether a cell holds no number on purpose.

    Parameters
    ----------
    cell : str, float or None
    """
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    return cell is None or cell != cell


def is_blank(cell: Cell) -> bool:
    """Return whether a cell is empty.

    Parameters
    ----------
    cell : str, float or None
    """
    return cell is None or (isinstance(cell, str) and not cell.strip())


def parse_cell(cell: Cell, mark: str = ".") -> float | None:
    """Return the number in a cell, NaN for a missing one, None for a word.

    Parameters
    ----------
    cell : str, float or None
    mark : {".", ","}
        Decimal mark. The other one may separate groups of three digits.
    """
    if not isinstance(cell, str):
        return np.nan if cell is None else float(cell)
    text = cell.strip()
    if text.lower() in MISSING:
        return np.nan
    other = "," if mark == "." else "."
    if other in text and GROUPS[other].match(text):
        text = text.replace(other, "")
    elif mark == "," and "." in text:
        return None
    if mark == ",":
        text = text.replace(",", ".")
    if NUMBER.fullmatch(text):
        number = float(text)
        return number if abs(number) < np.inf else None  # too large to be held
    return float(text) if INFINITE.fullmatch(text) else None


def parse_row(cells: Sequence[Cell], mark: str) -> list[float] | None:
    """Return the numbers of a row, or None if a cell holds a word.

    Parameters
    ----------
    cells : sequence of str, float or None
    mark : {".", ","}
    """
    if mark == ".":
        try:
            numbers = list(map(float, cells))  # type: ignore[arg-type]
            has_underscore = "_" in "".join(cells)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            pass  # numbers of a sheet, empty cells or words
        else:
            if not has_underscore and np.inf not in numbers and -np.inf not in numbers:
                return numbers
    parsed = [parse_cell(cell, mark) for cell in cells]
    return None if None in parsed else parsed  # type: ignore[return-value]


def refuse_word(rows: CellRows, row: int, cells: Sequence[Cell], mark: str) -> TracesError:
    """Return the error for the first cell of a row that holds a word.

    Parameters
    ----------
    rows : CellRows
    row : int
        Index of the row.
    cells : sequence of str, float or None
    mark : {".", ","}
    """
    column = next(j for j, cell in enumerate(cells) if parse_cell(cell, mark) is None)
    word = str(cells[column]).strip()
    is_number = bool(NUMBER.fullmatch(word))
    word = word if len(word) <= LONGEST_WORD else f"{word[:LONGEST_WORD]}…"
    advice = "write a number, or leave the cell empty"
    if DATE.match(word):
        advice = "write times in seconds from the first frame instead of dates or clock times"
    elif re.search(r"\d(,|\s+)[-+]?\d", word):
        advice = "if commas are its decimal marks, write the numbers with points (0.03)"
    elif is_number:
        advice = "write a number below 1.8e308, or leave the cell empty"
    return TracesError(
        f"{rows.path}: {rows.place(row, column)} contains '{word}' instead of a number; {advice}"
    )
