"""Text → a table of numbers, its headings, and the lines above it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError

SEPARATORS = ("\t", ";", ",", " ")
COMMENT = re.compile(r"^\s*(#+|%+|//+)\s?")
MISSING = frozenset(("", "nan", "-nan", "na", "n/a", "--", "-", "null", "none"))
# A line of nothing but these is no heading
BLANK = " \t,;#%/-=_|"
N_TRIED = 200


@dataclass(frozen=True, eq=False)
class TextTable:
    """A table of numbers in a text file.

    Attributes
    ----------
    path : Path
    values : ndarray, shape (n_rows, n_columns)
        NaN where a cell is empty.
    names : tuple of str
        Headings of the columns; empty without.
    preamble : tuple of str
        Lines above the headings, without comment signs.
    """

    path: Path
    values: np.ndarray
    names: tuple[str, ...]
    preamble: tuple[str, ...]


def read_text_table(path: Path, decimal: str = "auto") -> TextTable:
    """Read the block of numbers of a text file.

    Parameters
    ----------
    path : Path
    decimal : {"auto", "point", "comma"}

    Returns
    -------
    TextTable

    Raises
    ------
    CurvesError
        If there is no table of at least two columns, its rows are uneven, or one holds a word.
    """
    lines = _decode(path)
    marks = {"auto": (".", ","), "point": (".",), "comma": (",",)}[decimal]
    separator, mark, width = _choose_format(lines, marks, path)
    rows = [_numbers(_split(line, separator), mark) for line in lines]
    is_row = [row is not None and len(row) == width for row in rows]
    first = is_row.index(True)
    last = len(rows) - 1 - is_row[::-1].index(True)
    for i, line in enumerate(lines):
        if is_row[i] or not line.strip() or COMMENT.match(line):
            continue
        cells = _split(line, separator)
        is_within = first < i < last
        if is_within or _is_damaged_row(cells, rows[i], mark, width, is_below=i > last):
            raise _uneven(path, i, cells, rows[i], width)
    values = np.array([row for row, yes in zip(rows, is_row, strict=True) if yes])
    above = [COMMENT.sub("", line).rstrip() for line in lines[:first] if line.strip(BLANK)]
    names = _headings(above[-1], separator, width) if above else ()
    return TextTable(path, values, names, tuple(above[:-1] if names else above))


def _decode(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CurvesError(path, f"it can't be read: {error.strerror}; check the name") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    elif b"\0" in content:
        raise CurvesError(path, "it is not text; give the curves as text, .npz or .h5")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.splitlines()


def _choose_format(lines: Sequence[str], marks: Sequence[str], path: Path) -> tuple[str, str, int]:
    """Return separator, decimal mark and width of the largest block of numbers."""
    middle = len(lines) // 2
    tried = [*lines[:N_TRIED], *lines[max(N_TRIED, middle) : middle + 2 * N_TRIED]]
    best, chosen = (0, 0), ("", "", 0)
    for mark in marks:
        for separator in SEPARATORS:
            if separator == mark:
                continue
            rows = [_numbers(_split(line, separator), mark) for line in tried]
            for width, n_rows in Counter(len(row) for row in rows if row).items():
                if width >= 2 and (n_rows, width) > best:
                    best, chosen = (n_rows, width), (separator, mark, width)
    if best[0] < 2:
        raise CurvesError(
            path,
            "it holds no table of numbers with a column of the bias and one of a current; give "
            "both as columns",
        )
    return chosen


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    cells = [cell.strip().strip('"') for cell in line.split(separator)]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def _numbers(cells: Sequence[str], mark: str) -> list[float] | None:
    """Return the numbers of a row; None if a cell holds a word, or no cell a number."""
    numbers = []
    for cell in cells:
        if cell.strip().lower() in MISSING:
            numbers.append(np.nan)
            continue
        if (mark == "," and "." in cell) or "_" in cell:
            return None
        try:
            numbers.append(float(cell.replace(",", ".") if mark == "," else cell))
        except ValueError:
            return None
    return numbers if any(number == number for number in numbers) else None


def _is_damaged_row(
    cells: Sequence[str], row: Sequence[float] | None, mark: str, width: int, *, is_below: bool
) -> bool:
    """Return whether a line above or below the block is a row of it, with a word or a cell less.

    Above, a word in the column of the bias makes a heading.
    """
    if row is not None:
        return True
    if len(cells) > width:
        return False
    is_number = [_numbers([cell], mark) is not None for cell in cells]
    return is_number[0] or (is_below and len(cells) == width and any(is_number))


def _uneven(
    path: Path, index: int, cells: Sequence[str], row: Sequence[float] | None, width: int
) -> CurvesError:
    if row is None:
        return CurvesError(
            path,
            f"line {index + 1} holds words within the numbers ('{' '.join(cells)[:40]}'); write "
            "numbers, for an overload the limit of the amplifier, and # before lines of text",
        )
    plural = "s" * (len(row) != 1)
    return CurvesError(
        path,
        f"the curves have unequal lengths: line {index + 1} has {len(row)} cell{plural}, the "
        f"others {width}; give curves of equal length, or a file for each",
    )


def _headings(line: str, separator: str, width: int) -> tuple[str, ...]:
    """Return one heading for each column, or nothing if the line has no such."""
    candidates = [_split(line, separator), re.split(r"\t|\s{2,}", line.strip()), line.split()]
    for cells in candidates:
        names = [cell.strip().strip('"') for cell in cells]
        if len(names) == width and any(names):
            return tuple(names)
    joined: list[str] = []
    for word in line.split():
        if joined and re.fullmatch(r"[(\[].*[)\]]", word):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return tuple(joined) if len(joined) == width else ()
