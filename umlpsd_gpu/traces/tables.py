"""Finished traces from tables and array files: CSV, Excel, NumPy, HDF5, MATLAB."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.keywords import check_keywords
from umlpsd_gpu.traces.columns import Contents, measure_even_step, split_columns
from umlpsd_gpu.traces.pool import unique_ids
from umlpsd_gpu.traces.traces import Traces

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
HDF5_SUFFIXES = (".h5", ".hdf5")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *EXCEL_SUFFIXES, ".npy", ".npz", *HDF5_SUFFIXES, ".mat")

# What NumPy, pandas, openpyxl, SciPy and h5py raise for files of another format
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
# Movies have more frames than this; a shorter and much wider array has its axes swapped
FEWEST_FRAMES, WIDEST_RATIO = 20, 10


@check_keywords
def read_traces(path: str | Path, dt_s: float | None = None) -> Traces:
    """Read finished traces from a file.

    Text (comma, semicolon, tab or space between columns, with or without a heading) and Excel files
    have one trace per column, as in the paper's published scripts. A first column that is named
    time (in s, or the unit in its heading) or only rises gives the frame interval. One named frame
    or index, or not named time and rising by exactly 1 from row to row, contains frame numbers and
    is left out; time may follow it. A first row of whole numbers that the rows below do not
    continue (0, 1, 2, … of pandas) is a heading.

    NumPy, HDF5 and MATLAB files contain an array (n_traces, n_frames): the one named ``traces``,
    or the only matrix, or the only vector if there is no matrix. A number ``dt_s`` in the same file
    (in HDF5 also as the array's attribute), or a vector ``t``, ``time`` or ``time_s`` of n_frames
    times in s, gives the frame interval.

    Parameters
    ----------
    path : str or Path
        Format by its ending: ``.csv``, ``.tsv``, ``.txt``, ``.dat``, ``.xlsx``, ``.xlsm``,
        ``.npy``, ``.npz``, ``.h5``, ``.hdf5`` or ``.mat``.
    dt_s : float, optional
        Frame interval in seconds, above 0; overrides that of the file.

    Returns
    -------
    Traces
        Float64, in the unit of the file. Empty cells and ``nan`` are NaN. ``rows`` and ``cols`` are
        NaN.

    Raises
    ------
    TracesError
        If the file can't be read, contains text instead of numbers, its times are uneven, its
        array has its axes swapped, or no frame interval is known.
    SettingsError
        If a keyword is unknown.

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
    reader = _choose_reader(path)
    if not path.is_file():
        raise TracesError(f"{path}: there is no such file; check the name")
    try:
        values, names, dt_in_file_s = reader(path)
    except TracesError:
        raise
    except UNREADABLE as error:
        raise TracesError(
            f"{path}: it can't be read as {path.suffix} file: {_explain(error)}; write it "
            f"again, or give the traces as another kind of file ({', '.join(TABLE_SUFFIXES)})"
        ) from error
    if values.size == 0 or values.shape[1] < 2:
        raise TracesError(
            f"{path}: traces need at least 2 samples each, got an array of shape {values.shape}; "
            "give a file of longer traces"
        )
    interval_s = dt_in_file_s if dt_s is None else dt_s
    if interval_s is None:
        raise TracesError(
            f"{path}: it contains no time column and no dt_s, and every frequency depends on the "
            "frame interval; give it in seconds with --dt-s (dt_s=… in Python)"
        )
    names = names or [str(i) for i in range(len(values))]
    origin = "user" if dt_s is not None else "file"
    return Traces.without_place(
        np.ascontiguousarray(values, dtype=np.float64),
        float(interval_s),
        path.name,
        unique_ids([f"{path.name}:{name}" for name in names]),
        (f"read from {path.name}, dt_s from {origin}",),
    )


def _choose_reader(path: Path) -> Callable[[Path], Contents]:
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
        f"{path}: '{suffix}' is not a known format of traces; choose from "
        f"{', '.join(TABLE_SUFFIXES)}"
    )


def _read_text(path: Path) -> Contents:
    import pandas as pd

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TracesError(_explain_encoding(path)) from error
    if "\0" in text:
        raise TracesError(_explain_encoding(path))
    first_line = text.lstrip("# \n").partition("\n")[0]
    separator = next((mark for mark in (";", "\t", ",") if mark in first_line), r"\s+")
    cells = pd.read_csv(io.StringIO(text), sep=separator, header=None, dtype=str, comment="#")
    return split_columns(cells, path)


def _explain_encoding(path: Path) -> str:
    return (
        f"{path}: it is not UTF-8 text (but UTF-16, or not text at all); save it as 'CSV UTF-8', "
        "or correct the ending of its name"
    )


def _explain(error: Exception) -> str:
    """Return the first line of a library's message, without its advice."""
    words = str(error).strip().partition("\n")[0].rstrip(" .:;")
    if "pickle" in words:
        return "it contains Python objects, or is not a NumPy file"
    return words or f"it is damaged ({type(error).__name__})"


def _read_excel(path: Path) -> Contents:
    import pandas as pd

    return split_columns(pd.read_excel(path, header=None, dtype=str), path)


def _read_numpy(path: Path) -> Contents:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return _find_traces({"traces": loaded}, path)
    with loaded as archive:
        return _find_traces(dict(archive), path)


def _read_hdf5(path: Path, transposed: bool = False) -> Contents:
    import h5py

    arrays: dict[str, Any] = {}
    with h5py.File(path, "r") as file:

        def collect(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset) and node.dtype.kind in "iuf":
                arrays[name] = node[()].T if transposed else node[()]
                if "dt_s" in node.attrs:
                    arrays.setdefault("dt_s", node.attrs["dt_s"])

        file.visititems(collect)
        if "dt_s" in file.attrs:
            arrays.setdefault("dt_s", file.attrs["dt_s"])
    return _find_traces(arrays, path)


def _read_matlab(path: Path) -> Contents:
    import h5py
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if h5py.is_hdf5(path):
        # MATLAB 7.3 writes HDF5 with swapped axes
        return _read_hdf5(path, transposed=True)
    try:
        variables = loadmat(path)
    except MatReadError as error:
        raise ValueError(str(error)) from error
    arrays = {name: value for name, value in variables.items() if not name.startswith("__")}
    return _find_traces(arrays, path)


def _find_traces(arrays: dict[str, Any], path: Path) -> Contents:
    """Find the traces and the frame interval among named arrays."""
    numeric = {
        name: array
        for name, array in arrays.items()
        if isinstance(array, np.ndarray) and array.dtype.kind in "iuf"
    }
    times = {name: array for name, array in numeric.items() if _is_called_time(name)}
    values = _choose_matrix({name: numeric[name] for name in numeric if name not in times}, path)
    n_traces, n_frames = values.shape
    if n_frames < FEWEST_FRAMES and n_traces >= WIDEST_RATIO * n_frames:
        raise TracesError(
            f"{path}: the array has {n_traces} traces of {n_frames} frames, so its axes seem to be "
            "swapped; traces must be rows: save it transposed"
        )
    if "dt_s" in arrays:
        return values, [], float(np.asarray(arrays["dt_s"]).ravel()[0])
    for array in times.values():
        if array.size == n_frames:
            return values, [], measure_even_step(array.ravel().astype(np.float64), path)
    return values, [], None


def _is_called_time(name: str) -> bool:
    return name.rpartition("/")[2].lower() in ("t", "time", "time_s")


def _choose_matrix(arrays: dict[str, Array], path: Path) -> Array:
    """Return the array of traces: the one of that name, the only matrix, or the only vector."""
    large = {name: array for name, array in arrays.items() if array.ndim == 2 and array.size > 1}
    if "traces" in large:
        return large["traces"]
    matrices = {name: array for name, array in large.items() if min(array.shape) > 1}
    candidates = matrices or large
    if len(candidates) == 1:
        array = next(iter(candidates.values()))
        return array.T if array.shape[1] == 1 else array
    held = ", ".join(sorted(candidates)) or "none"
    raise TracesError(
        f"{path}: an array (n_traces, n_frames) named 'traces', or a single two-dimensional one, "
        f"is needed; two-dimensional arrays here: {held}"
    )
