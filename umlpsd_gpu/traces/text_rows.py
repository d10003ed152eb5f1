"""Text → rows of cells: encoding, comments, and the separator that gives even rows of numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.cells import Cell, CellRows, is_missing, parse_cell
from umlpsd_gpu.traces.encodings import decode

BLANKS = " "
SEPARATORS = (";", "\t", ",", "|", BLANKS)
# Lines from which the separator is chosen, at the start and in the middle each
N_TRIED = 120
COMMENT = re.compile(r"\s*(#+|%+|//+)\s?")
# '#N/A' at the start of a row is an empty cell, '#1' a name
ERROR_CELL = re.compile(r"\s*#(n/a|na|div/0!|value!|ref!|num!|name\?|null!|nv)\b", re.IGNORECASE)
HINT = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
LINE_END = re.compile(r"\r\n|\r|\n")

Line = tuple[int, str]


def read_text_rows(path: Path, encoding: str = "auto") -> CellRows:
    """Read a text file as rows of cells.

    Lines that start with ``#``, ``%`` or ``//`` are comments; empty lines are left out. The
    separator is the one that cuts most lines into equal numbers of numeric cells.

    Parameters
    ----------
    path : Path
    encoding : str
        Name of the encoding. Auto: by the byte order mark, else UTF-8.

    Returns
    -------
    CellRows

    Raises
    ------
    TracesError
        If it is not text of this encoding, or has no lines.
    """
    lines = list(_join_quoted(decode(path, encoding)))
    hint = HINT.fullmatch(lines[0][1]) if lines else None
    lines = lines[1:] if hint else lines
    kept = [line for line in lines if line[1].strip() and not _is_comment(line[1])]
    if not kept:
        raise TracesError(f"{path}: it can't be read, because it has no rows; write it again")
    separator = hint[1] if hint else _choose_separator([text for _, text in kept])
    first = kept[0][0]
    titles = tuple(
        _split(COMMENT.sub("", text, count=1), separator)
        for number, text in lines
        if number < first and text.strip()
    )
    return CellRows(
        path,
        [number for number, _ in kept],
        lambda i: _split(kept[i][1], separator),
        lambda row, column: f"row {row}, column {column + 1}",
        titles,
        separator == BLANKS,
    )


def _join_quoted(text: str) -> Iterator[Line]:
    """Yield lines with their numbers; a line break within quotes is part of its cell."""
    lines = LINE_END.split(text)
    if '"' not in text:
        yield from enumerate(lines, start=1)
        return
    parts: list[str] = []
    for number, line in enumerate(lines, start=1):
        parts.append(line)
        whole = "\n".join(parts)
        if whole.count('"') % 2 == 0 or len(parts) > N_TRIED or _is_comment(line):
            yield number - len(parts) + 1, whole
            parts = []
    if parts:  # a quote that never ends
        yield from enumerate(parts, start=len(lines) - len(parts) + 1)


def _is_comment(line: str) -> bool:
    return bool(COMMENT.match(line)) and not ERROR_CELL.match(line)


def _split(line: str, separator: str) -> list[Cell]:
    if separator == BLANKS:
        if '"' not in line:
            return list(line.split())
        return [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', line)]
    if '"' not in line:
        return list(line.split(separator))
    # a line break outside quotes starts another row for the reader of the library
    rows = csv.reader(line.splitlines(keepends=True), delimiter=separator, skipinitialspace=True)
    try:
        return [cell for row in rows for cell in row]
    except csv.Error:  # a cell longer than 131,072 letters is no number: it is named as it is
        return [line]


def _choose_separator(lines: list[str]) -> str:
    middle = max(N_TRIED, len(lines) // 2)
    tried = lines[:N_TRIED] + lines[middle : middle + N_TRIED]
    best, highest = BLANKS, (0, 0)
    for separator in SEPARATORS:
        widths = Counter(
            len(cells)
            for cells in (_strip_end(_split(line, separator)) for line in tried)
            if _is_numeric(cells)
        )
        for width, n_rows in widths.items():
            if (n_rows, width) > highest:
                best, highest = separator, (n_rows, width)
    if highest == (0, 0):
        return _most_even_separator(tried)
    return best


def _most_even_separator(lines: list[str]) -> str:
    """Return a separator for lines without a row of numbers, so that a message can name a cell."""

    def n_equal(separator: str) -> int:
        widths = Counter(len(_split(line, separator)) for line in lines)
        return max((n for width, n in widths.items() if width > 1), default=0)

    return max(SEPARATORS, key=n_equal)


def _strip_end(cells: list[Cell]) -> list[Cell]:
    """Drop the empty cell after a separator at the end of a line."""
    return cells[:-1] if len(cells) > 1 and cells[-1] == "" else cells


def _is_numeric(cells: list[Cell]) -> bool:
    found = False
    for cell in cells:
        if is_missing(cell):
            continue
        if parse_cell(cell, ".") is None and parse_cell(cell, ",") is None:
            return False
        found = True
    return found
