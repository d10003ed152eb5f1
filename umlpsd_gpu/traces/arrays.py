"""Named arrays → traces: which array, which way round, and the frame interval."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.array_files import StoredArray
from umlpsd_gpu.traces.cells import Table
from umlpsd_gpu.traces.column_names import says_time
from umlpsd_gpu.traces.columns import (
    FEWEST_FRAMES,
    WIDEST_RATIO,
    Contents,
    note_interval,
    split_columns,
)
from umlpsd_gpu.traces.time_steps import counts, is_axis, measure_even_step
from umlpsd_gpu.traces.time_units import read_time_unit_s

MOST_NAMED = 5
# Rows or columns from which an evenly rising one can be nothing but an axis
FEWEST_OF_AXIS = 10
# In the study.h5 of this package
STUDY_VALUES, STUDY_IDS, STUDY_DT_S = "traces/values", "traces/ids", "traces/dt_s"


def find_traces(
    arrays: Mapping[str, StoredArray],
    path: Path,
    name: str | None = None,
    layout: str = "auto",
    dt_s: float | None = None,
) -> Contents:
    """Find the traces and the frame interval among the arrays of a file.

    Parameters
    ----------
    arrays : mapping of str to StoredArray
    path : Path
        For messages.
    name : str, optional
        Of the array of traces. Default: the one called ``traces``, the only matrix, the only
        vector, or equally long vectors that are one trace each.
    layout : {"auto", "rows", "columns"}
        What is a trace. Auto: rows, unless times show that columns are.
    dt_s : float, optional
        Frame interval that the user gives.

    Returns
    -------
    Contents

    Raises
    ------
    TracesError
        If no array or several could be the traces, or their axes seem to be swapped.
    """
    if name is None and {STUDY_VALUES, STUDY_DT_S} <= set(arrays):
        return _read_study(arrays, path)
    times = {key: array for key, array in arrays.items() if _is_time(key, array)}
    others = {key: array for key, array in arrays.items() if key not in times}
    chosen = _choose(others if name is None else arrays, path, name)
    if chosen is None:
        return split_columns(_make_table(arrays, path), dt_s)
    if np.dtype(chosen.dtype).names:
        return split_columns(_make_record_table(chosen.read(), path), dt_s)
    matrix = np.atleast_2d(chosen.read())
    values, interval_s, notes = _orient(matrix, times, path, layout, dt_s)
    stored = _find_interval_s(arrays, name, path)
    if stored is not None:
        interval_s = stored
    return Contents(values, [], interval_s, [*notes, *note_interval(interval_s, dt_s, path)])


def _read_study(arrays: Mapping[str, StoredArray], path: Path) -> Contents:
    stored = arrays[STUDY_VALUES]
    if not stored.is_numeric or stored.ndim != 2:
        raise TracesError(
            f"{path}: '{STUDY_VALUES}' of this study ({_describe(stored)}) is not a matrix of "
            "numbers (n_traces, n_frames); the file is damaged: make the study again"
        )
    values, names = stored.read(), []
    if STUDY_IDS in arrays:
        ids = np.ravel(arrays[STUDY_IDS].read())
        names = [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in ids]
    if names and len(names) != len(values):
        raise TracesError(
            f"{path}: this study has {len(values)} traces but {len(names)} names of traces; the "
            "file is damaged: make the study again"
        )
    return Contents(values, names, _read_interval_s(arrays[STUDY_DT_S], path))


def _last_part(name: str) -> str:
    return re.split(r"[/.]", name)[-1]


def _is_time(name: str, array: StoredArray) -> bool:
    last = _last_part(name)
    is_called = bool(re.fullmatch(r"t|times?|timestamps?|t_\w+|times?_\w+", last, re.IGNORECASE))
    is_vector = array.is_numeric and array.size == max(array.shape, default=0) > 1
    return is_called and is_vector and says_time(last)


def _find_interval_s(
    arrays: Mapping[str, StoredArray], name: str | None, path: Path
) -> float | None:
    """Return the number called dt_s: beside the array, else the only one of the file."""
    found = {key: a for key, a in arrays.items() if _last_part(key) == "dt_s" and a.size == 1}
    beside = "" if name is None else name.removesuffix(_last_part(name))
    key = next((k for k in (f"{beside}dt_s", "dt_s") if k in found), None)
    if key is None and len(found) == 1:
        key = next(iter(found))
    return None if key is None else _read_interval_s(found[key], path)


def _read_interval_s(stored: StoredArray, path: Path) -> float:
    value = np.ravel(stored.read()) if stored.size == 1 else np.empty(0)
    try:
        interval_s = float(value[0]) if value.size and value.dtype.kind not in "cV" else np.nan
    except (TypeError, ValueError):
        interval_s = np.nan
    if not 0 < interval_s < np.inf:
        given = repr(value.tolist()[0]) if value.size else _describe(stored)
        raise TracesError(
            f"{path}: its dt_s must be one positive number of seconds, got {given}; correct it in "
            "the file"
        )
    return interval_s


def _choose(arrays: Mapping[str, StoredArray], path: Path, name: str | None) -> StoredArray | None:
    """Return the array of traces; None if vectors of equal length are a trace each."""
    if name is not None:
        return _choose_named(arrays, path, name)
    large = {k: a for k, a in arrays.items() if a.is_numeric and a.ndim <= 2 and a.size > 1}
    if "traces" in large:
        return large["traces"]
    records = {k: a for k, a in arrays.items() if np.dtype(a.dtype).names and a.ndim == 1}
    matrices = {k: a for k, a in large.items() if a.ndim == 2 and min(a.shape) > 1}
    larger = [a for a in arrays.values() if a.is_numeric and a.ndim > 2]
    candidates = matrices or records or ({} if larger else large)
    if len(candidates) == 1:
        array = next(iter(candidates.values()))
        return _as_row(array)
    if len(candidates) > 1 and candidates is large and len({a.size for a in large.values()}) == 1:
        return None
    held = _list_some([key for key, a in sorted(candidates.items()) if a.ndim == 2])
    reason = (
        "an array (n_traces, n_frames) named 'traces', or a single two-dimensional one, is needed; "
        f"two-dimensional arrays here: {held}"
    )
    others = [f"{key} ({_describe(a)})" for key, a in sorted(arrays.items()) if key not in matrices]
    if len(candidates) > 1:
        reason += "; choose one with --array NAME (array='…' in Python)"
    elif others:
        reason += f"; it contains {_list_some(others)}"
    raise TracesError(f"{path}: {reason}")


def _choose_named(arrays: Mapping[str, StoredArray], path: Path, name: str) -> StoredArray:
    found = [key for key in arrays if key == name] or [
        key for key in arrays if _last_part(key) == name
    ]
    if len(found) != 1:
        known = _list_some([f"'{key}'" for key in sorted(found or arrays)])
        problem = "several arrays are" if found else "no array is"
        raise TracesError(f"{path}: {problem} called '{name}'; it contains {known or 'none'}")
    array = arrays[found[0]]
    is_record = bool(np.dtype(array.dtype).names) and array.ndim == 1
    if not is_record and not (array.is_numeric and array.ndim in (1, 2) and array.size > 1):
        raise TracesError(
            f"{path}: the array '{name}' ({_describe(array)}) is not a matrix of whole or real "
            "numbers (n_traces, n_frames); choose or write one that is"
        )
    return _as_row(array)


def _as_row(array: StoredArray) -> StoredArray:
    """Return a vector as one trace."""
    if array.ndim == 2 and array.shape[1] == 1:
        return StoredArray(array.shape[::-1], array.dtype, lambda: array.read().T)
    return array


def _describe(array: StoredArray) -> str:
    dtype = np.dtype(array.dtype)
    kinds = {"b": "true or false", "c": "complex numbers", "O": "objects", "U": "text", "S": "text"}
    kind = "text" if array.is_text else kinds.get(dtype.kind, "")
    kind = "a table" if dtype.names else kind
    shape = " × ".join(map(str, array.shape)) or "one number"
    dimensions = f", {array.ndim} dimensions" if array.ndim > 2 else ""
    return f"{shape}{dimensions}{', ' if kind else ''}{kind}"


def _list_some(names: list[str]) -> str:
    n_more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED]) or "none"
    return f"{shown} and {n_more} more" if n_more > 0 else shown


def _make_table(arrays: Mapping[str, StoredArray], path: Path) -> Table:
    """Return vectors of equal length as the columns of a table."""
    vectors = {k: a for k, a in arrays.items() if a.is_numeric and a.size > 1 and a.ndim <= 2}
    names = list(vectors)
    values = np.column_stack([vectors[key].read().ravel().astype(np.float64) for key in names])
    return Table(path, [_last_part(key) for key in names], [], values)


def _make_record_table(records: Array, path: Path) -> Table:
    """Return the numeric fields of records as the columns of a table."""
    fields = [n for n in records.dtype.names or () if records.dtype[n].kind in "iuf"]
    fields = [n for n in fields if records.dtype[n].shape == ()]
    if not fields:
        raise TracesError(f"{path}: its records have no numbers; give the traces as a matrix")
    values = np.column_stack([records[n].astype(np.float64) for n in fields])
    return Table(path, fields, [], values)


def _orient(
    matrix: Array,
    times: Mapping[str, StoredArray],
    path: Path,
    layout: str,
    dt_s: float | None,
) -> tuple[Array, float | None, list[str]]:
    """Return traces as rows, the interval by times, and notes."""
    n_rows, n_columns = matrix.shape
    fitting = [(key, a) for key, a in times.items() if a.size in (n_rows, n_columns)]
    notes: list[str] = []
    if fitting:
        key, vector = fitting[0]
        along = {"rows": n_columns, "columns": n_rows}.get(layout, 0)
        if along and vector.size != along:
            raise TracesError(
                f"{path}: with --layout {layout} a trace has {along} frames, but '{key}' has "
                f"{vector.size} times; choose the other layout"
            )
        is_column = layout == "columns" or (layout == "auto" and vector.size != n_columns)
        if layout == "auto" and n_rows == n_columns:
            notes = [f"{path.name} is as high as wide ({n_rows} × {n_columns}): rows were taken "
                     "as traces; --layout columns takes columns."]  # fmt: skip
        elif layout == "auto" and is_column:
            notes = [f"Columns of {path.name} were taken as traces, as '{key}' has a time for "
                     "each row."]  # fmt: skip
        values = matrix.T if is_column else matrix
        return values, _measure_s(vector.read(), key, path, dt_s), notes
    is_column, has_axis = _find_own_axis(matrix, path, layout)
    values = matrix.T if is_column else matrix
    interval_s = None
    if has_axis:
        axis, values = values[0].astype(np.float64), values[1:]
        where = "column" if is_column else "row"
        what = "frame numbers"
        if not counts(axis):
            what = "times in seconds"
            interval_s = measure_even_step(axis, path)
        layout_note = " and columns as traces" if is_column and layout == "auto" else ""
        notes = [
            f"The first {where} of {path.name} rises evenly and was taken as {what}{layout_note}."
        ]
    elif layout == "auto":
        _refuse_swapped(values, path)
    if times and interval_s is None and dt_s is None:
        key, vector = next(iter(times.items()))
        raise TracesError(
            f"{path}: '{key}' has {vector.size} times, which fits neither side of the array "
            f"({n_rows} × {n_columns}); give the frame interval in seconds with --dt-s (dt_s=… in "
            "Python)"
        )
    return values, interval_s, notes


def _measure_s(times: Array, name: str, path: Path, dt_s: float | None) -> float | None:
    step = measure_even_step(times.ravel().astype(np.float64), path)
    try:
        return step * read_time_unit_s(_last_part(name), path)
    except TracesError:
        if dt_s is None:
            raise
        return None


def _find_own_axis(matrix: Array, path: Path, layout: str) -> tuple[bool, bool]:
    """Return whether columns are traces, and whether the first line along them is an axis."""

    def has_axis(lines: Array) -> bool:
        first, second = (np.asarray(lines[i]) for i in (0, 1))
        return is_axis(first, FEWEST_OF_AXIS) and not is_axis(second, FEWEST_OF_AXIS)

    in_row = layout != "columns" and len(matrix) > 1 and has_axis(matrix)
    in_column = layout != "rows" and matrix.shape[1] > 1 and has_axis(matrix.T)
    if in_row and in_column:
        raise TracesError(
            f"{path}: both its first row and its first column rise evenly, as times do; say what "
            "is a trace with --layout rows or --layout columns (layout='…' in Python)"
        )
    return layout == "columns" or (in_column and layout == "auto"), in_row or in_column


def _refuse_swapped(values: Array, path: Path) -> None:
    n_traces, n_frames = values.shape
    if n_frames < FEWEST_FRAMES and n_traces >= WIDEST_RATIO * n_frames:
        raise TracesError(
            f"{path}: the array has {n_traces} traces of {n_frames} frames, so its axes seem to be "
            "swapped; traces must be rows: save it transposed, read columns as traces with "
            "--layout columns, or insist on rows with --layout rows (layout='…' in Python)"
        )
