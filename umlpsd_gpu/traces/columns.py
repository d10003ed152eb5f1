"""Columns of a table: which are times, frame numbers or traces, and the frame interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.cells import Table
from umlpsd_gpu.traces.column_names import (
    INTENSITY,
    find_identity,
    find_measures,
    is_unnamed,
    long_table,
    refuse_other_tables,
    says_frame,
    says_time,
)
from umlpsd_gpu.traces.time_steps import counts, is_axis, measure_even_step, rises, rises_evenly
from umlpsd_gpu.traces.time_units import read_time_unit_s

# Rows from which an evenly rising column can be nothing but an axis
FEWEST_ROWS_OF_AXIS = 20
# Movies have more frames than this; a shorter and much wider table has its axes swapped
FEWEST_FRAMES, WIDEST_RATIO = 20, 10
# A given interval and the one of the file that differ by more are told
LARGEST_DIFFERENCE = 0.01


@dataclass(frozen=True)
class Contents:
    """What a file of traces holds.

    Attributes
    ----------
    values : ndarray, shape (n_traces, n_frames)
    names : list of str
        Of the traces; empty where the file has none.
    dt_s : float or None
        Frame interval by the file; None where it is unknown.
    notes : list of str
        For the user.
    """

    values: Array
    names: list[str]
    dt_s: float | None
    notes: list[str] = field(default_factory=list)


def split_columns(
    table: Table, dt_s: float | None = None, is_layout_given: bool = False
) -> Contents:
    """Tell times and frame numbers from traces.

    Parameters
    ----------
    table : Table
        Traces are its columns.
    dt_s : float, optional
        Frame interval that the user gives; the unit of the times is then not needed.
    is_layout_given : bool
        Whether the user says that columns are traces, so that it isn't judged.

    Returns
    -------
    Contents

    Raises
    ------
    TracesError
        If it is a long table, its times are uneven, missing or contradict each other, their unit
        is not known, or the rows seem to be the traces.
    """
    table = _drop_empty(table)
    names = table.names or [""] * table.values.shape[1]
    _refuse_long(table, names)
    columns, notes = _drop_measures(table, names)
    times, frames = _find_axes(table, names, columns)
    axis = _choose_time(table, names, times)
    copies = _find_copies(table, names, [j for j in columns if j not in {*times, *frames}], axis)
    traces = [j for j in columns if j not in {*times, *frames, *copies}]
    if not traces:
        raise TracesError(
            f"{table.path}: all of its columns are times or frame numbers, so traces are missing; "
            "give a table with a column for each trace"
        )
    if copies:
        named = ", ".join(str(j + 1) for j in copies)
        notes.append(
            f"Column {named} of {table.path.name} repeats the times or frame numbers and was left "
            "out."
        )
    if axis is None:
        _refuse_uneven_frames(table, names, frames)
    interval_s = None if axis is None else _measure_interval_s(table, names, axis, dt_s)
    values = table.values[:, traces].T
    if axis is None and not is_layout_given:
        _refuse_swapped(table, values)
    notes += note_interval(interval_s, dt_s, table.path) + _note_gaps(table, names, traces)
    notes += _note_axes(table, names, traces)
    kept = [names[j] for j in traces] if table.names else []
    return Contents(values, kept, interval_s, [*table.notes, *notes])


def _drop_empty(table: Table) -> Table:
    """Drop the rows at the end in which all cells are empty."""
    filled = np.flatnonzero(np.isfinite(table.values).any(axis=1))
    stop = int(filled[-1]) + 1 if filled.size else 0
    values = table.values[:stop]
    return Table(
        table.path, table.names, table.units, values, table.rows, table.first_row, table.notes
    )


def _refuse_long(table: Table, names: list[str]) -> None:
    refuse_other_tables(names, table.path)
    identity = find_identity(names)
    for j, name in enumerate(names):
        is_frame = says_frame(name)
        if not is_frame and not (says_time(name) and identity is not None):
            continue
        column = table.values[:, j]
        column = column[np.isfinite(column)]
        has_repeats = len(np.unique(column)) < len(column)
        whole = bool((column == np.round(column)).all())
        if has_repeats and (whole or not is_frame) and (identity is not None or is_frame):
            raise long_table(table.path, name, None if identity is None else names[identity])


def _drop_measures(table: Table, names: list[str]) -> tuple[list[int], list[str]]:
    """Return the columns without those of ImageJ that are no intensity, and a note."""
    filled = np.flatnonzero(np.isfinite(table.values).any(axis=0)).tolist()
    columns = [j for j, name in enumerate(names) if j in filled or name.strip()]
    measures = find_measures(names)
    if not measures:
        return columns, []
    shown = ", ".join(names[of[0]].strip() for of in measures.values())
    if INTENSITY not in measures:
        raise TracesError(
            f"{table.path}: it is a table of ImageJ with several measures for each region "
            f"({shown}); keep the columns of one measure of intensity, as Mean"
        )
    axes = {j for j, name in enumerate(names) if says_frame(name) or says_time(name)}
    dropped = {j for name, of in measures.items() if name != INTENSITY for j in of} - axes
    others = ", ".join(names[of[0]].strip() for name, of in measures.items() if name != INTENSITY)
    note = f"Of the measures of ImageJ in {table.path.name} Mean was read, and not {others}."
    return [j for j in columns if j not in dropped], [note]


def _find_axes(table: Table, names: list[str], columns: list[int]) -> tuple[list[int], list[int]]:
    """Return the columns of times and those of frame numbers."""
    values = table.values
    if len(columns) < 2:
        return [], []
    times = [j for j in columns if says_time(names[j]) and _may_be_axis(values, names, columns, j)]
    frames = [
        j for j in columns if says_frame(names[j]) and _may_be_axis(values, names, columns, j)
    ]
    first, second = columns[:2]
    if not times and first not in frames:
        if counts(values[:, first]):
            frames.append(first)
        elif rises(values[:, first]):
            times.append(first)
    # the table of pandas: its index, then unnamed times
    may_follow = not times and frames == [first] and len(columns) > 2 and is_unnamed(names[second])
    if may_follow and rises_evenly(values[:, second]) and not counts(values[:, second]):
        times.append(second)
    return times, frames


def _may_be_axis(values: Array, names: list[str], columns: list[int], j: int) -> bool:
    """Return whether a column that is called so is an axis: 's' and 'Image 2' may name traces."""
    is_first = j in columns[:2]
    is_certain = "time" in names[j].lower() or names[j].strip().lower() in ("frame", "frames")
    column = values[:, j]
    column = column[np.isfinite(column)]
    return is_first or is_certain or (len(column) > 1 and rises(column))


def _choose_time(table: Table, names: list[str], times: list[int]) -> int | None:
    """Return the longest column of times; refuse others that contradict it."""
    if not times:
        return None
    finite = [int(np.isfinite(table.values[:, j]).sum()) for j in times]
    axis = times[int(np.argmax(finite))]
    for j in times:
        if j != axis and not _is_same_axis(table, names, axis, j):
            raise _contradiction(table, names, axis, j)
    return axis


def _contradiction(table: Table, names: list[str], axis: int, j: int) -> TracesError:
    a, b = (f"{i + 1} ('{names[i]}')" if names[i] else f"{i + 1}" for i in (axis, j))
    return TracesError(
        f"{table.path}: columns {a} and {b} are both times, as they rise evenly, and differ, and "
        "traces need common times; keep one, or give the traces of each as a table of its own"
    )


def _is_same_axis(table: Table, names: list[str], axis: int, j: int) -> bool:
    """Return whether two columns of times agree where both have a number."""
    a, b = table.values[:, axis], table.values[:, j]
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 2:
        return False
    a, b = a[both], b[both]
    step = abs(a[-1] - a[0]) / (len(a) - 1)
    if np.allclose(a, b, rtol=0, atol=1e-3 * step):
        return True
    try:
        factors = [read_time_unit_s(names[i], table.path, _unit(table, i)) for i in (axis, j)]
    except TracesError:
        return False
    return bool(np.allclose(factors[0] * a, factors[1] * b, rtol=0, atol=0.1 * factors[0] * step))


def _find_copies(table: Table, names: list[str], columns: list[int], axis: int | None) -> list[int]:
    """Return columns that nothing names an axis but that equal it, or count the rows."""
    copies = []
    for j in columns:
        column = table.values[:, j]
        equals = axis is not None and np.array_equal(column, table.values[:, axis])
        is_long = len(column) >= FEWEST_ROWS_OF_AXIS
        if equals or (is_long and counts(column)):
            copies.append(j)
        elif is_long and axis is not None and rises_evenly(column):
            raise _contradiction(table, names, axis, j)
    return copies if len(copies) < len(columns) else []


def _refuse_uneven_frames(table: Table, names: list[str], frames: list[int]) -> None:
    """Refuse frame numbers with gaps, where no times tell the interval."""
    for j in frames:
        column = table.values[:, j]
        if np.isfinite(column).all() and not rises_evenly(column) and len(column) > 2:
            steps = np.diff(column)
            at = int(np.argmax(np.abs(steps - np.median(steps))))
            raise TracesError(
                f"{table.path}: the frame numbers '{names[j]}' are uneven: the step after "
                f"{table.row_place(at)} is {steps[at]:g} where the median is "
                f"{np.median(steps):g}; add rows without numbers for missing frames, or give each "
                "stretch as a table of its own"
            )


def _measure_interval_s(
    table: Table, names: list[str], axis: int, dt_s: float | None
) -> float | None:
    try:
        unit_s = read_time_unit_s(names[axis], table.path, _unit(table, axis))
    except TracesError:
        if dt_s is None:
            raise
        unit_s = None
    step = measure_even_step(table.values[:, axis], table.path, table.row_place)
    return None if unit_s is None else step * unit_s


def _unit(table: Table, j: int) -> str:
    return table.units[j] if table.units else ""


def _refuse_swapped(table: Table, values: Array) -> None:
    n_traces, n_frames = values.shape
    first_row = values[:, 0]
    has_times_in_row = (
        n_frames > 1
        and is_axis(first_row, FEWEST_ROWS_OF_AXIS)
        and not is_axis(values[:, 1], FEWEST_ROWS_OF_AXIS)
    )
    reason = ""
    if has_times_in_row:
        reason = f"{table.row_place(0)} rises evenly, as times do"
    elif n_frames < FEWEST_FRAMES and n_traces >= WIDEST_RATIO * n_frames:
        reason = f"it would be {n_traces} traces of {n_frames} frames"
    if reason:
        raise TracesError(
            f"{table.path}: {reason}, so each row seems to be a trace, where each column should be "
            "one; read rows as traces with --layout rows, or insist on columns with --layout "
            "columns (layout='…' in Python)"
        )


def note_interval(measured_s: float | None, dt_s: float | None, path: Path) -> list[str]:
    """Return a note if the interval that was given differs from that of the file.

    Parameters
    ----------
    measured_s, dt_s : float or None
        By the file, and as given; None: unknown.
    path : Path
        For the note.

    Returns
    -------
    list of str
    """
    if measured_s is None or dt_s is None or abs(measured_s / dt_s - 1) <= LARGEST_DIFFERENCE:
        return []
    return [
        f"The frame interval was given as {dt_s:.6g} s, where the times in {path.name} have steps "
        f"of {measured_s:.6g} s."
    ]


def _note_gaps(table: Table, names: list[str], traces: list[int]) -> list[str]:
    """Return notes on traces that end early or have gaps, with the place of the first."""
    missing = np.isnan(table.values[:, traces])
    n_tail = np.argmin(missing[::-1], axis=0)  # of a trace without numbers: 0
    empty = missing.all(axis=0)
    ends_early = (n_tail > 0) & ~empty
    has_gap = missing.sum(axis=0) > np.where(ends_early, n_tail, 0)
    notes = []
    for chosen, what in ((ends_early, "end before the last row"), (has_gap, "have gaps")):
        found = np.flatnonzero(chosen)
        if not found.size:
            continue
        k = int(found[0])
        row = len(missing) - int(n_tail[k]) if chosen is ends_early else int(missing[:, k].argmax())
        notes.append(
            f"{found.size} of {len(traces)} traces of {table.path.name} {what}: the first empty "
            f"cell is {table.place(row, traces[k])}"
            + (f" ('{names[traces[k]]}')." if names[traces[k]] else ".")
        )
    return notes


def _note_axes(table: Table, names: list[str], traces: list[int]) -> list[str]:
    found = [j for j in traces if is_axis(table.values[:, j], FEWEST_ROWS_OF_AXIS)]
    if not found:
        return []
    j = found[0]
    called = f" ('{names[j]}')" if names[j] else ""
    return [
        f"{len(found)} trace{'s' * (len(found) > 1)} of {table.path.name} rise"
        f"{'s' * (len(found) == 1)} evenly, as an axis does, the first in column {j + 1}{called}; "
        "remove what is no trace."
    ]
