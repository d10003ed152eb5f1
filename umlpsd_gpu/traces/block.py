"""Rows of cells → the block of numbers, its heading and units; what is around it is judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.cells import (
    Cell,
    CellRows,
    Table,
    is_blank,
    is_missing,
    parse_cell,
    parse_row,
    refuse_word,
)
from umlpsd_gpu.traces.column_names import refuse_other_tables, says_frame, says_time
from umlpsd_gpu.traces.decimal_mark import choose_decimal_mark
from umlpsd_gpu.traces.heading import fit_heading, is_heading_of_numbers
from umlpsd_gpu.traces.time_steps import rises
from umlpsd_gpu.traces.time_units import is_unit

# Rows from which the width of the block is taken
N_SAMPLED = 2000
COMMENT_ROWS, UNIT_ROWS = ("comments", "comment", "f(x)=", "sparklines"), ("units", "unit")
LABEL = re.compile(r"[^\W\d]")


def read_block(rows: CellRows, decimal: str = "auto") -> Table:
    """Find the block of numbers among rows of cells, and read it.

    Rows of text above it are a heading, units or a preamble. A row below it that starts with a
    word, or follows an empty one, is a footer, which is left out with a note.

    Parameters
    ----------
    rows : CellRows
    decimal : {"auto", "point", "comma"}

    Returns
    -------
    Table

    Raises
    ------
    TracesError
        If there is no such block, a cell in it holds a word, or a row has too few or too many
        cells.
    """
    width = _find_width(rows)
    first, stop = _find_ends(rows, width)
    if first and _is_numeric(rows.split(first - 1)):
        raise _explain_width(rows, first - 1, width, is_last=False)
    notes = _judge_rest(rows, stop, width)
    above = _find_header_rows(rows, first, width)
    names, units = _choose_names(rows, above, first, width)
    names = names or _read_commented_heading(rows, width)
    mark = choose_decimal_mark(rows, first, stop, width, decimal)
    values = _read_values(rows, first, stop, width, mark)
    if above and len(rows.split(above[-1])) == width - 1 and not rises(values[:, 0]):
        _refuse_misfit(rows, above[-1], first, width)
    if not names and is_heading_of_numbers(rows.split(first), values):
        names = [_as_name(cell) for cell in rows.split(first)[:width]]
        values, first = values[1:], first + 1
    return Table(rows.path, names, units, values, rows, first, notes)


def _is_numeric(cells: Sequence[Cell]) -> bool:
    """Return whether a row has a number, and nothing but numbers and empty cells."""
    found = False
    for cell in cells:
        if isinstance(cell, float) and cell == cell:
            found = True
        elif not is_missing(cell):
            if parse_cell(cell, ".") is None and parse_cell(cell, ",") is None:
                return False
            found = True
    return found


def _find_width(rows: CellRows) -> int:
    """Return the number of cells that most rows of numbers have."""
    step = max(1, len(rows) // N_SAMPLED)
    sampled = [rows.split(i) for i in range(0, len(rows), step)]
    is_numeric = list(map(_is_numeric, sampled))
    numeric = [cells for cells, yes in zip(sampled, is_numeric, strict=True) if yes]
    if numeric:
        widths = Counter(map(len, numeric))
        headed = {len(c) for c, yes in zip(sampled, is_numeric, strict=True) if not yes}
        width = max(widths, key=lambda width: (widths[width], width in headed, width))
        ends = [cells[-1] for cells in sampled if len(cells) == width]
        # a separator at the end of every row starts no column
        return width - (width > 1 and all(end == "" for end in ends))
    first_words = next((rows.split(i) for i in range(len(rows)) if len(rows.split(i)) > 1), None)
    if first_words is not None:
        refuse_other_tables([_as_name(cell) for cell in first_words], rows.path, with_plain=True)
    for i in range(1, len(rows)):
        cells = rows.split(i)
        if any(parse_cell(cell) is None for cell in cells):
            raise _explain_words(rows, i, cells)
    raise TracesError(
        f"{rows.path}: it has a heading but no rows of numbers, and traces need at least 2 "
        "samples each; give a file of longer traces"
    )


def _explain_words(rows: CellRows, row: int, cells: Sequence[Cell]) -> TracesError:
    has_names = len(cells) > 1 and isinstance(cells[0], str) and _is_numeric(cells[1:])
    if has_names and LABEL.match(str(cells[0]).strip()):
        return TracesError(
            f"{rows.path}: column 1 contains names ('{cells[0]}' in {rows.place(row, 0)}), so "
            "each row seems to be a trace, where each column should be one; read rows as traces "
            "with --layout rows (layout='rows' in Python)"
        )
    return refuse_word(rows, row, cells, ".")


def _width_of(cells: Sequence[Cell]) -> int:
    """Return the number of cells, without the empty one after a separator at the end."""
    n = len(cells)
    return n - 1 if n > 1 and cells[-1] == "" else n


def _find_ends(rows: CellRows, width: int) -> tuple[int, int]:
    """Return the first and one past the last row of numbers."""

    def belongs(i: int) -> bool:
        cells = rows.split(i)
        return len(cells) >= width and _width_of(cells) <= width and _is_numeric(cells)

    first = next(i for i in range(len(rows)) if belongs(i))
    last = next(i for i in range(len(rows) - 1, -1, -1) if belongs(i))
    return first, last + 1


def _judge_rest(rows: CellRows, stop: int, width: int) -> list[str]:
    """Return a note on footers; refuse rows of the table that are cut off or hold a word."""
    footers: list[int] = []
    for i in range(stop, len(rows)):
        cells = rows.split(i)
        if all(map(is_blank, cells)):
            continue
        is_apart = rows.numbers[i] > rows.numbers[i - 1] + 1 or all(
            map(is_blank, rows.split(i - 1))
        )
        label = next(str(cell).strip() for cell in cells if not is_blank(cell))
        if footers or LABEL.match(label) or (is_apart and not _is_numeric(cells)):
            footers.append(i)
        elif _width_of(cells) != width:
            raise _explain_width(rows, i, width, is_last=i == len(rows) - 1)
        elif not all(map(is_missing, cells)):
            raise refuse_word(rows, i, cells, ".")
    if not footers:
        return []
    label = next(str(cell).strip() for cell in rows.split(footers[0]) if not is_blank(cell))
    return [
        f"What is below the table of {rows.path.name} was left out (from row "
        f"{rows.numbers[footers[0]]}: '{label}')."
    ]


def _explain_width(rows: CellRows, row: int, width: int, is_last: bool) -> TracesError:
    n = len(rows.split(row))
    number = rows.numbers[row]
    if is_last and n < width:
        return TracesError(
            f"{rows.path}: row {number}, the last one, is cut off after {n} of {width} cells; copy "
            "the file again, or delete that row"
        )
    return TracesError(
        f"{rows.path}: row {number} has {n} cells where the others have {width}; write it again "
        "with the same number of columns in each row"
    )


def _find_header_rows(rows: CellRows, first: int, width: int) -> list[int]:
    """Return the rows right above the numbers that could name the columns, top first."""
    found: list[int] = []
    for i in range(first - 1, -1, -1):
        if rows.numbers[i] + 1 < rows.numbers[i + 1] and found:
            break
        filled = [_as_name(cell) for cell in rows.split(i) if not is_blank(cell)]
        is_title = width > 2 and len(filled) == 1 and not _holds_units(filled)
        if not filled or is_title:
            break
        found.append(i)
    return found[::-1]


def _choose_names(
    rows: CellRows, above: list[int], first: int, width: int
) -> tuple[list[str], list[str]]:
    """Return names and units of the columns, from the rows right above the numbers."""
    usable: list[tuple[int, list[str]]] = []
    for i in above:
        fitted = fit_heading(rows.split(i), width, rows.has_blanks)
        label = "" if fitted is None else fitted[0].strip().lower()
        if fitted is not None and label not in COMMENT_ROWS:
            # Origin writes what a row is into its first cell
            usable.append((i, ["", *fitted[1:]] if label in UNIT_ROWS else fitted))
    if not usable:
        if above:
            _refuse_misfit(rows, above[-1], first, width)
        return [], []
    if len(usable) > 1:
        _refuse_mixed_row(rows, usable[-1][0])
    units = [names for _, names in usable if _holds_units(names)]
    words = [names for _, names in usable if not _holds_units(names)] or [usable[0][1]]
    named = [names for names in words if any(says_time(n) or says_frame(n) for n in names)]
    chosen = (named or words)[-1]
    return chosen, units[-1] if units and units[-1] is not chosen else []


def _read_commented_heading(rows: CellRows, width: int) -> list[str]:
    """Return the names in the last comment above the numbers, as np.savetxt writes them."""
    fitted = fit_heading(rows.titles[-1], width, rows.has_blanks) if rows.titles else None
    if fitted is None or len(set(fitted)) < width or any(map(says_time, fitted[1:])):
        return []
    return fitted


def _holds_units(names: list[str]) -> bool:
    filled = [name.strip("()[] ") for name in names if name.strip()]
    return bool(filled) and all(is_unit(name) for name in filled)


def _refuse_mixed_row(rows: CellRows, row: int) -> None:
    """Refuse a row of words and numbers below a heading: it is a row of data."""
    cells = rows.split(row)
    filled = [cell for cell in cells if not is_blank(cell)]
    n_words = sum(parse_cell(cell) is None and parse_cell(cell, ",") is None for cell in filled)
    if 0 < n_words < len(filled):
        raise refuse_word(rows, row, cells, ".")


def _refuse_misfit(rows: CellRows, row: int, first: int, width: int) -> None:
    n = len(rows.split(row))
    is_apart = rows.numbers[first] > rows.numbers[row] + 1
    if is_apart or n < 2 or not width / 3 <= n <= 3 * width or (width == 1 and n < 4):
        return
    raise TracesError(
        f"{rows.path}: row {rows.numbers[row]}, the heading, has {n} names where the rows below "
        f"have {width} cells; put names with blanks or commas into quotes, or separate columns by "
        "semicolons or tabs"
    )


def _read_values(rows: CellRows, first: int, stop: int, width: int, mark: str) -> np.ndarray:
    values = np.empty((stop - first, width))
    for i in range(first, stop):
        cells = rows.split(i)
        if len(cells) != width:
            if _width_of(cells) > width or len(cells) < width:
                raise _explain_width(rows, i, width, is_last=False)
            cells = cells[:width]
        numbers = parse_row(cells, mark)
        if numbers is None:
            raise refuse_word(rows, i, cells, mark)
        values[i - first] = numbers
    return values


def _as_name(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.15g}"
    return "" if cell is None else " ".join(cell.split())
