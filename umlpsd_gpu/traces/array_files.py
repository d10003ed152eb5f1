"""NumPy, HDF5 and MATLAB files → their arrays by name, not yet read."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.file_errors import (
    raise_traces_error,
    require_credible_archive,
    require_credible_size,
)
from umlpsd_gpu.traces.matlab import Cells, Text, Value, read_matlab5

# MATLAB 7.3 keeps the contents of cell arrays here
REFERENCES = "#refs#"
# Groups in groups of an HDF5 file
DEEPEST = 100


@dataclass(frozen=True)
class StoredArray:
    """An array of a file.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    read : callable
        Returns the array.
    is_text : bool
        Whether its numbers are letters.
    """

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[], Array]
    is_text: bool = False

    @classmethod
    def of(cls, array: Array) -> StoredArray:
        """Wrap an array in memory.

        Parameters
        ----------
        array : ndarray
        """
        return cls(array.shape, array.dtype, lambda: array)

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return prod(self.shape)

    @property
    def is_numeric(self) -> bool:
        """Return whether it holds whole or real numbers."""
        return np.dtype(self.dtype).kind in "iuf" and not self.is_text


@contextmanager
def open_numpy(path: Path) -> Iterator[dict[str, StoredArray]]:
    """Open a .npy or .npz file.

    Parameters
    ----------
    path : Path

    Yields
    ------
    dict of str to StoredArray
        The array of a .npy file is called ``traces``.
    """
    with raise_traces_error(path):
        arrays = _load_numpy(path)
    yield arrays


def _load_numpy(path: Path) -> dict[str, StoredArray]:
    with path.open("rb") as file:
        start = file.read(6)
    if start[:2] == b"PK":
        require_credible_archive(path)
    elif start == np.lib.format.MAGIC_PREFIX:
        _require_whole(path)
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"traces": StoredArray.of(loaded)}
        with loaded as archive:
            members = {name: archive[name] for name in archive.files}
    # an archive may also hold other files, which NumPy returns as bytes
    return {k: StoredArray.of(m) for k, m in members.items() if isinstance(m, np.ndarray)}


def _require_whole(path: Path) -> None:
    """Refuse a .npy file that is shorter than its array, for which NumPy would take the memory."""
    form = np.lib.format
    with path.open("rb") as file:
        read_header = (
            form.read_array_header_1_0
            if form.read_magic(file)[0] == 1
            else form.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
        n_needed, n_held = prod(shape) * dtype.itemsize, path.stat().st_size - file.tell()
    if min(shape, default=0) < 0 or n_needed > n_held:
        size = " × ".join(map(str, shape))
        raise TracesError(
            f"{path}: it says that it holds {size} numbers of {dtype.itemsize} bytes, but the file "
            f"has only {n_held} bytes of them; copy the file again"
        )


@contextmanager
def open_hdf5(path: Path, is_matlab: bool = False) -> Iterator[dict[str, StoredArray]]:
    """Open an HDF5 file; MATLAB 7.3 writes such files, with swapped axes.

    Links to other files are not followed.

    Parameters
    ----------
    path : Path
    is_matlab : bool

    Yields
    ------
    dict of str to StoredArray
        By path in the file. An attribute ``dt_s`` counts as an array of that name.
    """
    import h5py

    with raise_traces_error(path):
        file = h5py.File(path, "r")
    with file:
        with raise_traces_error(path):
            arrays = _list_hdf5(file, path, is_matlab)
        yield arrays


def _list_hdf5(file: Any, path: Path, is_matlab: bool) -> dict[str, StoredArray]:
    import h5py

    arrays: dict[str, StoredArray] = {}

    for name, node in _walk_hdf5(file):
        is_array = isinstance(node, h5py.Dataset) and node.shape is not None
        if not is_array or name.startswith(REFERENCES):
            continue
        if h5py.check_ref_dtype(node.dtype) is not None:
            cells = _read_matlab_cells(file, node, path)
            if cells is not None:
                arrays[name] = StoredArray.of(cells)
            continue
        arrays[name] = _wrap_dataset(node, name, path, is_matlab)
        if "dt_s" in node.attrs:
            arrays.setdefault("dt_s", StoredArray.of(np.asarray(node.attrs["dt_s"])))
    if "dt_s" in file.attrs:
        arrays.setdefault("dt_s", StoredArray.of(np.asarray(file.attrs["dt_s"])))
    return arrays


def _walk_hdf5(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield each object of a file once, with its path; links by name are not followed."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file)]
    while waiting:
        prefix, group = waiting.pop(0)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            node = group[name]
            address = h5py.h5o.get_info(node.id).addr
            if address in seen:
                continue
            seen.add(address)
            path = f"{prefix}{name}"
            yield path, node
            if isinstance(node, h5py.Group):
                if path.count("/") >= DEEPEST:
                    raise ValueError(f"its groups are nested more than {DEEPEST} deep")
                waiting.append((f"{path}/", node))


def _wrap_dataset(node: Any, name: str, path: Path, is_matlab: bool) -> StoredArray:
    is_text = node.attrs.get("MATLAB_class", b"") in (b"char", "char")
    shape = node.shape[::-1] if is_matlab else node.shape

    def read() -> Array:
        values = _read_dataset(node, name, path)
        return values.T if is_matlab else values

    return StoredArray(shape, node.dtype, read, is_text)


def _read_dataset(node: Any, name: str, path: Path) -> Array:
    """Read a dataset once its size, its type and its place are credible."""
    with raise_traces_error(path):
        if node.external is not None or node.is_virtual:
            raise TracesError(
                f"{path}: the numbers of '{name}' are in other files, which are not read; write "
                "them into this file"
            )
        _require_separate_fields(node.dtype, name)
        n_values = max(prod(node.shape), prod(node.chunks or ()))
        n_bytes, n_stored = n_values * node.dtype.itemsize, node.id.get_storage_size()
        require_credible_size(path, name, n_bytes, n_stored)
        values: Array = node[()]
        return values


def _require_separate_fields(dtype: Any, name: str) -> None:
    """Refuse records whose fields overlap: HDF5 writes beyond its memory for them."""
    fields = sorted((at, at + part.itemsize) for part, at, *_ in (dtype.fields or {}).values())
    ends = [*fields, (dtype.itemsize, dtype.itemsize)]
    if any(stop > start for (_, stop), (start, _) in pairwise(ends)):
        raise ValueError(f"the fields of '{name}' overlap")
    for part, *_ in (dtype.fields or {}).values():
        _require_separate_fields(part.base, name)


def _read_matlab_cells(file: Any, node: Any, path: Path) -> Array | None:
    """Return the vectors of a cell array as rows, or None if they are none."""
    references = _read_dataset(node, node.name, path).ravel()
    parts = [file[reference] for reference in references if reference]
    if any(not hasattr(part, "dtype") or part.dtype.kind not in "iuf" for part in parts):
        return None
    if any(part.shape is None for part in parts):
        return None
    return _stack_vectors([_read_dataset(part, node.name, path) for part in parts])


@contextmanager
def open_matlab(path: Path) -> Iterator[dict[str, StoredArray]]:
    """Open a .mat file of any version.

    Parameters
    ----------
    path : Path

    Yields
    ------
    dict of str to StoredArray
        Fields of structs by ``struct.field``; a cell array of vectors is a matrix, one vector a
        row.
    """
    import h5py

    if h5py.is_hdf5(path):
        with open_hdf5(path, is_matlab=True) as arrays:
            yield arrays
        return
    with raise_traces_error(path):
        variables = _read_matlab4(path) if _is_matlab4(path) else read_matlab5(path)
        found: dict[str, StoredArray] = {}
        for name, value in variables.items():
            _collect_matlab(name, value, found)
    yield found


def _is_matlab4(path: Path) -> bool:
    """Return whether one of the first four bytes is zero: in later versions they are letters."""
    with path.open("rb") as file:
        start = file.read(4)
    return len(start) == 4 and 0 in start


def _read_matlab4(path: Path) -> dict[str, Value]:
    from scipy.io import loadmat

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of numbers that it doesn't understand
        variables = loadmat(path)
    return {k: v for k, v in variables.items() if isinstance(v, np.ndarray) and k[:2] != "__"}


def _collect_matlab(name: str, value: Value, found: dict[str, StoredArray]) -> None:
    if isinstance(value, dict):
        for field, part in value.items():
            _collect_matlab(f"{name}.{field}", part, found)
    elif isinstance(value, Text):
        found[name] = StoredArray(value.shape, np.dtype("U1"), lambda: np.empty(value.shape), True)
    elif isinstance(value, Cells):
        parts = [part for part in value.values if isinstance(part, np.ndarray)]
        is_numeric = all(part.dtype.kind in "iuf" for part in parts)
        stacked = _stack_vectors(parts) if is_numeric and len(parts) == len(value.values) else None
        cells = np.empty(value.shape, dtype=object)
        found[name] = StoredArray.of(cells if stacked is None else stacked)
    elif value is not None:
        found[name] = StoredArray.of(value)


def _stack_vectors(parts: list[Array]) -> Array | None:
    """Return vectors as the rows of a matrix, shorter ones with NaN at their ends."""
    vectors = [np.asarray(part).ravel() for part in parts]
    if len(vectors) < 2 or any(max(p.shape, default=0) != p.size for p in parts):
        return None
    longest = max(len(vector) for vector in vectors)
    if longest < 2:
        return None
    matrix = np.full((len(vectors), longest), np.nan)
    for row, vector in zip(matrix, vectors, strict=True):
        row[: len(vector)] = vector
    return matrix
