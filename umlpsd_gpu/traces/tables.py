"""Finished traces from tables and array files: CSV, Excel, NumPy, HDF5, MATLAB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.keywords import check_keywords
from umlpsd_gpu.traces.array_files import open_hdf5, open_matlab, open_numpy
from umlpsd_gpu.traces.arrays import find_traces
from umlpsd_gpu.traces.block import read_block
from umlpsd_gpu.traces.cells import CellRows
from umlpsd_gpu.traces.columns import Contents, split_columns
from umlpsd_gpu.traces.pool import crop_ends, unique_ids
from umlpsd_gpu.traces.suffixes import (
    EXCEL_SUFFIXES,
    HDF5_SUFFIXES,
    NUMPY_SUFFIXES,
    TABLE_SUFFIXES,
    TEXT_SUFFIXES,
)
from umlpsd_gpu.traces.text_rows import read_text_rows
from umlpsd_gpu.traces.traces import Traces
from umlpsd_gpu.traces.workbooks import read_workbook_rows

OPENERS = {
    **dict.fromkeys(NUMPY_SUFFIXES, open_numpy),
    **dict.fromkeys(HDF5_SUFFIXES, open_hdf5),
    ".mat": open_matlab,
}

Layout = Literal["auto", "rows", "columns"]


@check_keywords
def read_traces(
    path: str | Path,
    dt_s: float | None = None,
    *,
    array: str | None = None,
    sheet: str | None = None,
    layout: Layout = "auto",
    decimal: Literal["auto", "point", "comma"] = "auto",
    encoding: str = "auto",
    unequal_lengths: Literal["refuse", "crop"] = "refuse",
) -> Traces:
    """Read finished traces from a file.

    Text and Excel files have one trace per column, as in the paper's published scripts. Text may be
    separated by commas, semicolons, tabs, bars or blanks. Lines that start with ``#``, ``%`` or
    ``//`` are comments; a preamble, a heading, a row of units and a footer are recognised. Columns
    named time give the frame interval, in s or the unit in their heading, and so does a first
    column that only rises. Columns of frame numbers (named frame or index, or rising by exactly 1)
    and repeated times are left out. A first row of whole numbers that the rows below do not
    continue (0, 1, 2, … of pandas) is a heading.

    NumPy, HDF5 and MATLAB files contain an array (n_traces, n_frames): the one named ``traces``,
    the only matrix, the only vector, or equally long vectors of one trace each. A number ``dt_s``
    in the same file (in HDF5 also as the array's attribute), or a vector ``t``, ``time``,
    ``time_s``, ``time_ms``, … gives the frame interval; where it has a time for each row, columns
    are the traces. The ``study.h5`` of a study is read too.

    Parameters
    ----------
    path : str or Path
        Format by its ending: ``.csv``, ``.tsv``, ``.txt``, ``.dat``, ``.xlsx``, ``.xlsm``,
        ``.npy``, ``.npz``, ``.h5``, ``.hdf5`` or ``.mat``.
    dt_s : float, optional
        Frame interval in seconds, above 0; overrides that of the file.
    array : str, optional
        Name of the array of traces, where a file has several.
    sheet : str, optional
        Name of the sheet of a workbook, where several have numbers.
    layout : {"auto", "rows", "columns"}
        What is a trace. Auto: columns of text and Excel files, rows of arrays, unless times show
        otherwise.
    decimal : {"auto", "point", "comma"}
        Decimal mark of text. Auto: the one that the numbers show.
    encoding : str
        Encoding of text, such as ``latin-1``, ``cp1252`` or ``utf-16``. Auto: by the byte order
        mark, else UTF-8.
    unequal_lengths : {"refuse", "crop"}
        ``crop`` cuts all traces to the shortest one, where some columns end before the others;
        otherwise such traces keep NaN at their ends.

    Returns
    -------
    Traces
        Float64, in the unit of the file. Empty cells and ``nan`` are NaN. ``rows`` and ``cols`` are
        NaN. ``notes`` tell what was left out.

    Raises
    ------
    TracesError
        If the file can't be read, contains text instead of numbers, its times are uneven or in an
        unknown unit, it is a long table, its array has its axes swapped, or no frame interval is
        known.
    SettingsError
        If a keyword or the encoding is unknown.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from umlpsd_gpu import read_traces
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/curves.npy", np.random.default_rng(0).normal(size=(3, 100)))
    ...     traces = read_traces(f"{folder}/curves.npy", dt_s=0.05)
    >>> traces
    Traces(3 traces of 100 samples, dt 0.05 s, raw, curves.npy)
    """
    path = Path(path)
    reader = _choose_reader(path, dt_s, array, sheet, layout, decimal, encoding)
    _require_file(path)
    traces = _make_traces(reader(), path, dt_s, layout)
    return crop_ends(traces) if unequal_lengths == "crop" else traces


def _require_file(path: Path) -> None:
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        is_file = False
    if not is_file:
        reason = "this is not a file" if path.exists() else "there is no such file"
        raise TracesError(f"{path}: {reason}; check the name")


def _make_traces(contents: Contents, path: Path, dt_s: float | None, layout: str) -> Traces:
    values = contents.values
    if values.size == 0 or values.shape[1] < 2:
        raise TracesError(
            f"{path}: traces need at least 2 samples each, got an array of shape {values.shape}; "
            "give a file of longer traces"
        )
    interval_s = contents.dt_s if dt_s is None else dt_s
    if interval_s is None:
        raise TracesError(
            f"{path}: it contains no time column and no dt_s, and every frequency depends on the "
            "frame interval; give it in seconds with --dt-s (dt_s=… in Python)"
            + _advise_layout(values, path, layout, " In")
        )
    names = contents.names or [str(i) for i in range(len(values))]
    origin = "user" if dt_s is not None else "file"
    notes = list(contents.notes)
    if contents.dt_s is None:
        notes += [advice] if (advice := _advise_layout(values, path, layout, "In")) else []
    with np.errstate(invalid="ignore"):  # NaN of some bit patterns
        values = np.ascontiguousarray(values, dtype=np.float64)
    traces = Traces.without_place(
        values,
        float(interval_s),
        path.name,
        unique_ids([f"{path.name}:{name}" for name in names]),
        (f"read from {path.name}, dt_s from {origin}",),
    )
    return replace(traces, notes=tuple(notes), files=(path,))


def _advise_layout(values: np.ndarray, path: Path, layout: str, start: str) -> str:
    """Return a sentence about a file with more traces than frames, or nothing."""
    n_traces, n_frames = values.shape
    if layout != "auto" or n_traces <= n_frames:
        return ""
    other = "rows" if path.suffix.lower() in (*TEXT_SUFFIXES, *EXCEL_SUFFIXES) else "columns"
    return (
        f"{start} {path.name} there are {n_traces} traces of {n_frames} frames: if it is the "
        f"other way round, read its {other} as traces with --layout {other}."
    )


def _choose_reader(
    path: Path,
    dt_s: float | None,
    array: str | None,
    sheet: str | None,
    layout: str,
    decimal: str,
    encoding: str,
) -> Callable[[], Contents]:
    suffix = path.suffix.lower()

    def read_cells(rows: CellRows) -> Contents:
        rows = rows.transposed() if layout == "rows" else rows
        return split_columns(read_block(rows, decimal), dt_s, layout != "auto")

    def read_excel() -> Contents:
        rows, notes = read_workbook_rows(path, sheet)
        contents = read_cells(rows)
        return replace(contents, notes=[*notes, *contents.notes])

    def read_arrays() -> Contents:
        with OPENERS[suffix](path) as arrays:
            return find_traces(arrays, path, array, layout, dt_s)

    if suffix in TEXT_SUFFIXES:
        return lambda: read_cells(read_text_rows(path, encoding))
    if suffix in EXCEL_SUFFIXES:
        return read_excel
    if suffix in OPENERS:
        return read_arrays
    raise TracesError(
        f"{path}: '{suffix}' is not a known format of traces; choose from "
        f"{', '.join(TABLE_SUFFIXES)}"
    )
