"""Finished traces from tables and array files: CSV, Excel, NumPy, HDF5, MATLAB."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.pool import unique_ids
from umlpsd_gpu.traces.traces import Traces

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
HDF5_SUFFIXES = (".h5", ".hdf5")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *EXCEL_SUFFIXES, ".npy", ".npz", *HDF5_SUFFIXES, ".mat")

# What NumPy, pandas, openpyxl, SciPy and h5py raise on files that aren't what they say
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
# A step of the time column may differ from the median one by this share before the table is refused
LARGEST_JITTER = 0.01


def read_traces(path: str | Path, dt_s: float | None = None) -> Traces:
    """Read finished traces from a file.

    Text (comma, semicolon, tab or space between columns, with or without a heading) and Excel hold
    one trace a column, as in the paper's published scripts. A first column that is called time (in
    s, or the unit its heading names) or only rises gives the frame interval; one called frame or
    index is left out. NumPy, HDF5 and MATLAB files hold an array (n_traces, n_frames): the one
    named ``traces``, or the only two-dimensional one; a number ``dt_s`` beside it (in HDF5 also as
    the array's attribute) is the frame interval.

    Parameters
    ----------
    path : str or Path
    dt_s : float, optional
        Frame interval in seconds; beats the file's.

    Returns
    -------
    Traces
        Cells without a number in them (empty, nan) are NaN. ``rows`` and ``cols`` are NaN.

    Raises
    ------
    TracesError
        If the file can't be read, holds words where numbers belong, its times are uneven, or no
        frame interval is known.
    """
    path = Path(path)
    reader = _reader_for(path)
    if not path.is_file():
        raise TracesError(f"{path}: there is no such file")
    try:
        values, names, dt_in_file_s = reader(path)
    except TracesError:
        raise
    except UNREADABLE as error:
        raise TracesError(f"{path}: it can't be read as {path.suffix} file: {error}") from error
    if values.size == 0 or values.shape[1] < 2:
        raise TracesError(
            f"{path}: traces need at least 2 samples each, got an array of shape {values.shape}"
        )
    interval_s = dt_in_file_s if dt_s is None else dt_s
    if interval_s is None:
        raise TracesError(
            f"{path}: it holds no time column and no dt_s, and without the frame interval no "
            "frequency is right; give it in seconds with --dt-s (dt_s=… in Python)"
        )
    n_traces = len(values)
    names = names or [str(i) for i in range(n_traces)]
    origin = "user" if dt_s is not None else "file"
    return Traces(
        values=np.ascontiguousarray(values, dtype=np.float64),
        dt_s=float(interval_s),
        rows=np.full(n_traces, np.nan),
        cols=np.full(n_traces, np.nan),
        source=(path.name,) * n_traces,
        ids=unique_ids([f"{path.name}:{name}" for name in names]),
        history=(f"read from {path.name}, dt_s from {origin}",),
    )


# values (n_traces, n_frames), names or an empty list, dt_s or None
Contents = tuple[np.ndarray, list[str], float | None]


def _reader_for(path: Path) -> Callable[[Path], Contents]:
    suffix = path.suffix.lower()
    if suffix in TEXT_SUFFIXES:
        return _read_text
    if suffix in EXCEL_SUFFIXES:
        return _read_excel
    if suffix in (".npy", ".npz"):
        return _read_numpy
    if suffix in HDF5_SUFFIXES:
        return _read_hdf5
    if suffix == ".mat":
        return _read_matlab
    raise TracesError(
        f"{path}: '{suffix}' is no table of traces; known: {', '.join(TABLE_SUFFIXES)}"
    )


def _read_text(path: Path) -> Contents:
    import pandas as pd

    text = path.read_text(encoding="utf-8-sig")
    first_line = text.lstrip("# \n").partition("\n")[0]
    separator = next((mark for mark in (",", ";", "\t") if mark in first_line), r"\s+")
    cells = pd.read_csv(io.StringIO(text), sep=separator, header=None, dtype=str, comment="#")
    return _from_cells(cells, path)


def _read_excel(path: Path) -> Contents:
    import pandas as pd

    return _from_cells(pd.read_excel(path, header=None, dtype=str), path)


def _from_cells(cells: Any, path: Path) -> Contents:
    """Split heading, time and traces of a table of words."""
    import pandas as pd

    cells = cells.dropna(axis="columns", how="all")
    numbers = cells.apply(pd.to_numeric, errors="coerce")
    n_headings = int((numbers.iloc[0].isna() & cells.iloc[0].notna()).any())
    heading = cells.iloc[0].tolist() if n_headings else []
    cells, numbers = cells.iloc[n_headings:], numbers.iloc[n_headings:]
    blank = cells.apply(lambda column: column.str.strip().str.lower()).isin(["", "nan"])
    words = (numbers.isna() & cells.notna() & ~blank).to_numpy()
    if words.any():
        row, column = np.argwhere(words)[0]
        raise TracesError(
            f"{path}: row {row + 1 + n_headings}, column {column + 1} holds "
            f"'{cells.iloc[row, column]}' where a number belongs"
        )
    table = numbers.to_numpy(dtype=np.float64)
    names = [str(name) for name in heading]
    if table.shape[1] < 2 or not _is_axis(table[:, 0], names):
        return table.T, names, None
    unit_s = _time_unit_s(names[0]) if names else 1.0
    dt_s = None if unit_s is None else _even_step(table[:, 0], path) * unit_s
    return table[:, 1:].T, names[1:], dt_s


def _is_axis(column: np.ndarray, names: list[str]) -> bool:
    """Say whether the first column is time or a frame number, by its heading or by rising."""
    if names and re.match(r"(time|t|frame|index|sec)\b", names[0].strip(), flags=re.IGNORECASE):
        return True
    return bool(np.isfinite(column).all() and (np.diff(column) > 0).all())


def _time_unit_s(heading: str) -> float | None:
    """Return the seconds in one unit of a heading like ``Time (ms)``; None for frame numbers."""
    if re.match(r"(frame|index)\b", heading.strip(), flags=re.IGNORECASE):
        return None
    unit = re.search(r"\b(ms|msec|milliseconds?|us|µs|μs|min|minutes?)\b", heading, re.IGNORECASE)
    if unit is None:
        return 1.0
    return {"m": 60.0 if unit[1].lower().startswith("min") else 1e-3}.get(unit[1][0].lower(), 1e-6)


def _even_step(column: np.ndarray, path: Path) -> float:
    """Return the mean step of a column of times; TracesError where they are not even."""
    steps = np.diff(column)
    if not np.isfinite(steps).all():
        at = int(np.argmin(np.isfinite(column)))
        raise TracesError(f"{path}: the time in the first column is missing in row {at + 1} of it")
    dt_s = float((column[-1] - column[0]) / len(steps))
    odd = np.abs(steps - np.median(steps)) > LARGEST_JITTER * dt_s
    if odd.any():
        at = int(np.argmax(odd))
        raise TracesError(
            f"{path}: the times in the first column are uneven: the step after row {at + 1} is "
            f"{steps[at]:.6g} where the median is {np.median(steps):.6g}; resample them evenly"
        )
    return dt_s


def _read_numpy(path: Path) -> Contents:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return _matrix({"traces": loaded}, path), [], None
    with loaded as archive:
        arrays = dict(archive)
    return _matrix(arrays, path), [], _number(arrays.get("dt_s"))


def _read_hdf5(path: Path, transposed: bool = False) -> Contents:
    import h5py

    arrays: dict[str, Any] = {}
    with h5py.File(path, "r") as file:

        def collect(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset) and node.dtype.kind in "iuf":
                arrays[name] = node[()]
                if "dt_s" in node.attrs:
                    arrays.setdefault("dt_s", node.attrs["dt_s"])

        file.visititems(collect)
        if "dt_s" in file.attrs:
            arrays.setdefault("dt_s", file.attrs["dt_s"])
    values = _matrix(arrays, path)
    return values.T if transposed else values, [], _number(arrays.get("dt_s"))


def _read_matlab(path: Path) -> Contents:
    import h5py
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if h5py.is_hdf5(path):
        # MATLAB 7.3 writes HDF5 with the axes turned round
        return _read_hdf5(path, transposed=True)
    try:
        variables = loadmat(path)
    except MatReadError as error:
        raise ValueError(str(error)) from error
    arrays = {name: value for name, value in variables.items() if not name.startswith("__")}
    return _matrix(arrays, path), [], _number(arrays.get("dt_s"))


def _matrix(arrays: dict[str, Any], path: Path) -> np.ndarray:
    """Return the array of traces: the one so named, or the only two-dimensional one."""
    numeric = {
        name: array
        for name, array in arrays.items()
        if isinstance(array, np.ndarray) and array.dtype.kind in "iuf" and array.ndim == 2
    }
    large = {name: array for name, array in numeric.items() if array.size > 1}
    if "traces" in large:
        return large["traces"]
    if len(large) == 1:
        return next(iter(large.values()))
    held = ", ".join(sorted(large)) or "none"
    raise TracesError(
        f"{path}: an array (n_traces, n_frames) named 'traces', or a single two-dimensional one, "
        f"is needed; two-dimensional arrays here: {held}"
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(np.asarray(value).ravel()[0])
