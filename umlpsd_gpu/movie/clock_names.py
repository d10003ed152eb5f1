"""Dates and times of day in file names: several numbers that are one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from umlpsd_gpu.compute.arrays import Array

_SEPARATORS = ("-", "_", ".", ":", " ", "h", "m", "")
_DAY_S = 86400.0
_MOST_DIGITS = 18


def join_clock_columns(texts: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Array]:
    """Return the numbers in names by column; those of a date or a clock become one column.

    Parameters
    ----------
    texts : sequence of str
        Around the numbers; the same in all names.
    rows : sequence of sequence of str
        The digits of each name.

    Returns
    -------
    list of ndarray
        Whole numbers; real numbers for decimals, clocks and numbers of very many digits.
    """
    columns, texts = _split_stamps([list(column) for column in zip(*rows, strict=True)], texts)
    joined: list[Array] = []
    days: Array | None = None
    at = 0
    while at < len(columns):
        dates, clock = _read_dates(columns, texts, at), _read_clock(columns, texts, at)
        if dates is not None:
            days = dates
            at += 3
        elif clock is not None:
            seconds, n_used = clock
            joined.append(seconds if days is None else days * _DAY_S + seconds)
            days = None
            at += n_used
        else:
            joined.append(_read_numbers(columns[at]))
            at += 1
    return joined if days is None else [*joined, days]


def _split_stamps(
    columns: Sequence[Sequence[str]], texts: Sequence[str]
) -> tuple[list[list[str]], list[str]]:
    """Split 20240304125959 and 20240304 into year, month, day, hours, minutes and seconds."""
    parts: list[list[str]] = []
    between = [texts[0]]
    was_date = False
    for column, text in zip(columns, texts[1:], strict=True):
        n_digits = {len(digits) for digits in column}
        lengths: tuple[int, ...] = ()
        if n_digits in ({8}, {14}) and all("19700000" < digits[:8] < "2101" for digits in column):
            lengths = (4, 2, 2) if n_digits == {8} else (4, 2, 2, 2, 2, 2)
        elif n_digits == {6} and was_date:
            lengths = (2, 2, 2)
        split = _cut(column, lengths)
        is_valid = all(month <= "12" for month in split[1]) if len(split) in (3, 6) else True
        if lengths and lengths[0] == 4 and not is_valid:
            split = _cut(column, ())
        parts += split
        between += [""] * (len(split) - 1) + [text]
        was_date = len(split) == 3 and lengths[:1] == (4,)
    return parts, between


def _cut(column: Sequence[str], lengths: Sequence[int]) -> list[list[str]]:
    if not lengths:
        return [list(column)]
    ends = np.cumsum(lengths)
    return [
        [digits[end - length : end] for digits in column]
        for end, length in zip(ends.tolist(), lengths, strict=True)
    ]


def _read_numbers(column: Sequence[str]) -> Array:
    if any("." in digits or len(digits) > _MOST_DIGITS for digits in column):
        return np.array([float(digits) for digits in column])
    if all(len(digits) == 6 for digits in column):
        pairs = [[digits[:2] for digits in column], [digits[2:4] for digits in column]]
        clock = _read_clock([*pairs, [digits[4:] for digits in column]], ("", "", ""), 0)
        if clock is not None and max(map(int, column)) >= 100:
            return clock[0]
    return np.array([int(digits) for digits in column], np.int64)


def _read_dates(columns: Sequence[Sequence[str]], texts: Sequence[str], at: int) -> Array | None:
    """Return the days of year, month and day in three columns; None if they are no dates."""
    if at + 3 > len(columns) or not all(texts[at + i] in _SEPARATORS for i in (1, 2)):
        return None
    if {len(digits) for digits in columns[at]} != {4}:
        return None
    parts = [tuple(map(int, row)) for row in zip(*columns[at : at + 3], strict=True)]
    if not all(1970 <= year <= 2100 for year, _, _ in parts):
        return None
    try:
        return np.array([float(date(*part).toordinal()) for part in parts])
    except ValueError:
        return None


def _read_clock(
    columns: Sequence[Sequence[str]], texts: Sequence[str], at: int
) -> tuple[Array, int] | None:
    """Return the seconds of hours, minutes and seconds, and how many columns they take."""
    if at + 3 > len(columns) or not all(texts[at + i] in _SEPARATORS for i in (1, 2)):
        return None
    hours, minutes, seconds = columns[at : at + 3]
    if any({len(digits) for digits in column} != {2} for column in (hours, minutes)):
        return None
    if any(len(digits.split(".")[0]) != 2 for digits in seconds):
        return None
    parts = [np.array([float(digits) for digits in column]) for column in columns[at : at + 3]]
    if (parts[0] >= 24).any() or (parts[1] >= 60).any() or (parts[2] >= 60).any():
        return None
    total = parts[0] * 3600 + parts[1] * 60 + parts[2]
    is_fraction = at + 3 < len(columns) and texts[at + 3] in (".", ",", "_", "-")
    fraction = columns[at + 3] if is_fraction else []
    if {len(digits) for digits in fraction} in ({3}, {6}):
        return total + np.array([float(f"0.{digits}") for digits in fraction]), 4
    return total, 3
