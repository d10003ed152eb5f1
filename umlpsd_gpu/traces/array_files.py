"""NumPy, HDF5 and MATLAB files → their arrays by name, not yet read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array

# MATLAB 7.3 keeps the contents of cell arrays here
REFERENCES = "#refs#"


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
        return int(np.prod(self.shape))

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
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        yield {"traces": StoredArray.of(loaded)}
        return
    with loaded as archive:
        yield {name: StoredArray.of(archive[name]) for name in archive.files}


@contextmanager
def open_hdf5(path: Path, is_matlab: bool = False) -> Iterator[dict[str, StoredArray]]:
    """Open an HDF5 file; MATLAB 7.3 writes such files, with swapped axes.

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

    arrays: dict[str, StoredArray] = {}

    with h5py.File(path, "r") as file:

        def collect(name: str, node: Any) -> None:
            if not isinstance(node, h5py.Dataset) or name.startswith(REFERENCES):
                return
            if h5py.check_ref_dtype(node.dtype) is not None:
                cells = _read_matlab_cells(file, node)
                if cells is not None:
                    arrays[name] = StoredArray.of(cells)
                return
            arrays[name] = _wrap_dataset(node, is_matlab)
            if "dt_s" in node.attrs:
                arrays.setdefault("dt_s", StoredArray.of(np.asarray(node.attrs["dt_s"])))

        file.visititems(collect)
        if "dt_s" in file.attrs:
            arrays.setdefault("dt_s", StoredArray.of(np.asarray(file.attrs["dt_s"])))
        yield arrays


def _wrap_dataset(node: Any, is_matlab: bool) -> StoredArray:
    is_text = node.attrs.get("MATLAB_class", b"") in (b"char", "char")
    if is_matlab:
        return StoredArray(node.shape[::-1], node.dtype, lambda: node[()].T, is_text)
    return StoredArray(node.shape, node.dtype, lambda: node[()], is_text)


def _read_matlab_cells(file: Any, node: Any) -> Array | None:
    """Return the vectors of a cell array as rows, or None if they are none."""
    parts = [file[reference] for reference in node[()].ravel() if reference]
    if any(not hasattr(part, "dtype") or part.dtype.kind not in "iuf" for part in parts):
        return None
    return _stack_vectors([part[()] for part in parts])


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

    Raises
    ------
    ValueError
        If it can't be read.
    """
    import h5py
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if h5py.is_hdf5(path):
        with open_hdf5(path, is_matlab=True) as arrays:
            yield arrays
        return
    try:
        variables = loadmat(path)
    except MatReadError as error:
        raise ValueError(str(error)) from error
    found: dict[str, StoredArray] = {}
    for name, value in variables.items():
        if not name.startswith("__"):
            _collect_matlab(name, value, found)
    yield found


def _collect_matlab(name: str, value: Any, found: dict[str, StoredArray]) -> None:
    if not isinstance(value, np.ndarray):
        return
    if value.dtype.names and value.size == 1:
        for field in value.dtype.names:
            _collect_matlab(f"{name}.{field}", value.ravel()[0][field], found)
        return
    if value.dtype == object:
        parts = [part for part in value.ravel() if isinstance(part, np.ndarray)]
        if len(parts) == value.size and all(part.dtype.kind in "iuf" for part in parts):
            stacked = _stack_vectors(parts)
            value = value if stacked is None else stacked
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
