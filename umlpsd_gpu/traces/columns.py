"""Columns of a text table: heading, frame numbers, time and traces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError

if TYPE_CHECKING:
    import pandas as pd

# A step of the time column may differ from the median one by this share before the table is refused
LARGEST_JITTER = 0.01
# A first row 0, 1, 2, 3 is a heading of pandas; only two or three such cells may be counts
FEWEST_COUNTED_CELLS = 4

# values (n_traces, n_frames), names or an empty list, dt_s or None
Contents = tuple[Array, list[str], float | None]


def split_columns(cells: pd.DataFrame, path: Path) -> Contents:
    """Split heading, time and traces of a text table.

    Parameters
    ----------
    cells : pandas.DataFrame of str
        Traces are its columns.
    path : Path
        For messages.

    Returns
    -------
    values : ndarray, shape (n_traces, n_frames)
        Empty cells and ``nan`` are NaN.
    names : list of str
        Of the traces; empty without a heading.
    dt_s : float or None
        None without a time column.

    Raises
    ------
    TracesError
        If a cell contains text instead of a number, or times are uneven or missing.
    """
    import pandas as pd

    cells = cells.dropna(axis="columns", how="all")
    numbers = cells.apply(pd.to_numeric, errors="coerce")
    n_headings = int(_has_heading(cells, numbers))
    names = [str(name).strip() for name in cells.iloc[0]] if n_headings else []
    cells, numbers = cells.iloc[n_headings:], numbers.iloc[n_headings:]
    _refuse_words(cells, numbers, n_headings, path)
    table = numbers.to_numpy(dtype=np.float64)
    n_axes, dt_s = _split_axes(table, names, path)
    return table[:, n_axes:].T, names[n_axes:], dt_s


def _has_heading(cells: pd.DataFrame, numbers: pd.DataFrame) -> bool:
    """Return whether row 1 names the columns: by text, or by numbers that are not samples."""
    first_row = cells.iloc[0]
    if (numbers.iloc[0].isna() & first_row.notna()).any():
        return True
    texts = ["" if word != word else word.strip() for word in first_row]
    if len(texts) >= FEWEST_COUNTED_CELLS and texts == [str(i) for i in range(len(texts))]:
        return True
    if len(texts) < 2 or not all(re.fullmatch(r"\d+", text) for text in texts[1:]):
        return False
    column = numbers.iloc[:, 0].to_numpy(dtype=np.float64)
    if not texts[0]:
        return _rises(column[1:])
    return len(column) > 3 and _rises_evenly(column[1:]) and not _rises_evenly(column)


def _refuse_words(cells: pd.DataFrame, numbers: pd.DataFrame, n_headings: int, path: Path) -> None:
    blank = cells.apply(lambda column: column.str.strip().str.lower()).isin(["", "nan"])
    words = (numbers.isna() & cells.notna() & ~blank).to_numpy()
    if not words.any():
        return
    row, column = np.argwhere(words)[0]
    word = cells.iloc[row, column]
    advice = "write a number, or leave the cell empty"
    if re.search(r"\d(,|\s+)[-+]?\d", word):
        advice = "if commas are its decimal marks, write the numbers with points (0.03)"
    raise TracesError(
        f"{path}: row {row + 1 + n_headings}, column {column + 1} contains '{word}' instead of "
        f"a number; {advice}"
    )


def _split_axes(table: Array, names: list[str], path: Path) -> tuple[int, float | None]:
    """Return how many leading columns are not traces, and the frame interval they give."""
    if table.shape[1] < 2:
        return 0, None
    first, second = names[:2] if names else ("", "")
    if _says_frame(first) or (not _says_time(first) and _counts(table[:, 0])):
        is_second_time = _says_time(second) or (
            _is_unnamed(second) and table.shape[1] > 2 and _is_time(table[:, 1])
        )
        return (2, _measure_step_s(table[:, 1], second, path)) if is_second_time else (1, None)
    if _says_time(first) or _rises(table[:, 0]):
        return 1, _measure_step_s(table[:, 0], first, path)
    return 0, None


def _says_frame(heading: str) -> bool:
    return bool(re.match(r"(frames?|index)(?![a-z0-9])", heading, flags=re.IGNORECASE))


def _says_time(heading: str) -> bool:
    return bool(re.match(r"(time|t|sec|seconds?)(?![a-z0-9])", heading, flags=re.IGNORECASE))


def _is_unnamed(heading: str) -> bool:
    return bool(re.fullmatch(r"|nan|\d+|Unnamed: \d+", heading))


def _counts(column: Array) -> bool:
    """Return whether a column contains frame numbers: whole numbers that rise by 1."""
    return bool((column == np.round(column)).all() and (np.diff(column) == 1).all())


def _is_time(column: Array) -> bool:
    return _rises_evenly(column) and not _counts(column)


def _rises(column: Array) -> bool:
    return bool(np.isfinite(column).all() and (np.diff(column) > 0).all())


def _rises_evenly(column: Array) -> bool:
    return _rises(column) and not _find_odd_steps(np.diff(column)).any()


def _find_odd_steps(steps: Array) -> Array:
    odd: Array = np.abs(steps - np.median(steps)) > LARGEST_JITTER * steps.mean()
    return odd


def _measure_step_s(column: Array, heading: str, path: Path) -> float:
    return measure_even_step(column, path) * _read_time_unit_s(heading)


def _read_time_unit_s(heading: str) -> float:
    """Return the seconds in one unit of a heading like ``Time (ms)`` or ``time_ms``."""
    units = r"(?<![a-zµμ])(ms|msec|milliseconds?|us|µs|μs|min|minutes?)(?![a-z])"
    unit = re.search(units, heading, re.IGNORECASE)
    if unit is None:
        return 1.0
    return {"m": 60.0 if unit[1].lower().startswith("min") else 1e-3}.get(unit[1][0].lower(), 1e-6)


def measure_even_step(column: Array, path: Path) -> float:
    """Return the mean step of times, in their unit.

    Parameters
    ----------
    column : ndarray, shape (n_frames,)
    path : Path
        For messages.

    Raises
    ------
    TracesError
        If a time is missing, or a step differs from the median by more than 1 %.
    """
    steps = np.diff(column)
    if not np.isfinite(steps).all():
        at = int(np.argmin(np.isfinite(column)))
        raise TracesError(
            f"{path}: the time is missing in its row {at + 1}; fill it in, or remove that row"
        )
    odd = _find_odd_steps(steps)
    if odd.any():
        at = int(np.argmax(odd))
        raise TracesError(
            f"{path}: the times are uneven: the step after row {at + 1} is "
            f"{steps[at]:.6g} where the median is {np.median(steps):.6g}; resample them evenly"
        )
    return float((column[-1] - column[0]) / len(steps))
