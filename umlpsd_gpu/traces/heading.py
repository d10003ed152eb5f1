"""The heading of a table: names for as many columns as its rows have."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.cells import Cell
from umlpsd_gpu.traces.time_steps import rises, rises_evenly

# A first row 0, 1, 2, 3 is a heading of pandas; only two or three such cells may be counts
FEWEST_COUNTED_CELLS = 4
# Parts of a name that blanks have cut off: '(ms)', '[µs]', '#3', '12', '/'
BRACKETS = re.compile(r"[(\[{].*[)\]}]")
NUMBER = re.compile(r"#?\d+")


def fit_heading(cells: Sequence[Cell], width: int, has_blanks: bool) -> list[str] | None:
    """Return the names of the columns, or None if the row can't be their heading.

    Parameters
    ----------
    cells : sequence of str, float or None
    width : int
        Number of columns.
    has_blanks : bool
        Whether blanks separate the cells, so that they cut names with blanks: 'Time (ms)'.

    Returns
    -------
    list of str, or None

    Examples
    --------
    >>> from umlpsd_gpu.traces.heading import fit_heading
    >>> fit_heading(["Time", "(ms)", "QD", "1", "QD", "2"], 3, has_blanks=True)
    ['Time (ms)', 'QD 1', 'QD 2']
    """
    names = [_as_name(cell) for cell in cells]
    while len(names) > width and not names[-1]:
        names.pop()
    if len(names) == width:
        return names
    if len(names) == width - 1 and width > 2:
        # as R writes tables: row numbers have no name
        return ["", *names]
    return _join_names(names, width) if has_blanks and len(names) > width else None


def _join_names(words: list[str], width: int) -> list[str] | None:
    """Join parts of names that blanks have cut, if that gives one name a column."""
    for patterns in ((BRACKETS,), (BRACKETS, NUMBER)):
        names: list[str] = []
        for word in words:
            continues = names and (
                any(pattern.fullmatch(word) for pattern in patterns)
                or names[-1].endswith("/")
                or word.startswith("/")
                or names[-1].count("(") > names[-1].count(")")
                or names[-1].count("[") > names[-1].count("]")
            )
            if continues:
                names[-1] += f" {word}"
            else:
                names.append(word)
        if len(names) == width:
            return names
    return None


def is_heading_of_numbers(first_row: Sequence[Cell], values: Array) -> bool:
    """Return whether the first row of numbers names the columns, as pandas writes them.

    Parameters
    ----------
    first_row : sequence of str, float or None
        Its cells.
    values : ndarray, shape (n_rows, n_columns)
        Of all rows, the first included.
    """
    texts = [_as_name(cell) for cell in first_row][: values.shape[1]]
    if len(texts) >= FEWEST_COUNTED_CELLS and texts == [str(i) for i in range(len(texts))]:
        return True
    if len(texts) < 2 or not all(re.fullmatch(r"\d+", text) for text in texts[1:]):
        return False
    column = values[:, 0]
    if not texts[0]:
        return len(column) > 1 and rises(column[1:])
    is_time = len(column) > 3 and rises_evenly(column[1:])
    return is_time and not rises_evenly(column) and not np.isnan(column[0])


def _as_name(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.15g}"
    return "" if cell is None else " ".join(cell.split())
