"""MATLAB files of version 7.3: HDF5 with MATLAB's header and attributes.

MATLAB's dimensions are those of HDF5 in reverse order, so that arrays are stored transposed. Texts
are padded character matrices: Octave reads no cells from such files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from umlpsd_gpu.exports.contents import Contents
from umlpsd_gpu.exports.matlab_tree import characters, matlab_tree
from umlpsd_gpu.storage.blocks import is_spooled, row_blocks

if TYPE_CHECKING:
    import h5py

USERBLOCK = 512
TITLE_BYTES = 116
VERSION = b"\x00\x02IM"  # 0x0200, little-endian
# of numbers in MATLAB; others become double
CLASSES = frozenset(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))


def write_matlab73(contents: Contents, path: Path) -> None:
    """Write a result as a MATLAB file of version 7.3; equal results give equal bytes.

    Parameters
    ----------
    contents : Contents
    path : Path
    """
    import h5py

    with h5py.File(path, "w", userblock_size=USERBLOCK, libver=("earliest", "v110")) as file:
        for name, value in matlab_tree(contents).items():
            _write(file, name, value)
    with path.open("r+b") as file:
        # MATLAB looks for this title, and for a date, which is not that of the day
        title = b"MATLAB 7.3 MAT-file, written by umlpsd_gpu, Created on: Thu Jan  1 00:00:00 1970"
        file.write(title.ljust(TITLE_BYTES) + bytes(8) + VERSION)


def _write(parent: h5py.Group, name: str, value: Any) -> None:
    if isinstance(value, dict):
        _write_struct(parent, name, value)
    elif isinstance(value, str | tuple):
        texts = (value,) if isinstance(value, str) else value
        dataset = parent.create_dataset(name, data=characters(texts).T)
        _say_class(dataset, "char", decode=2)
    else:
        _write_numbers(parent, name, np.asanyarray(value))


def _write_struct(parent: h5py.Group, name: str, fields: dict[str, Any]) -> None:
    import h5py

    group = parent.create_group(name)
    group.attrs["MATLAB_class"] = np.bytes_("struct")
    # the order of the fields; HDF5 sorts them by their names
    kind = h5py.vlen_dtype(np.dtype("S1"))
    order = np.empty(len(fields), dtype=object)
    for i, field in enumerate(fields):
        order[i] = np.frombuffer(field.encode("ascii"), dtype="S1")
    if fields:
        group.attrs.create("MATLAB_fields", order, dtype=kind)
    for field, value in fields.items():
        _write(group, field, value)


def _write_numbers(parent: h5py.Group, name: str, values: np.ndarray) -> None:
    matrix = values.reshape(1, 1) if values.ndim == 0 else values
    if matrix.dtype.kind == "b":
        _say_class(parent.create_dataset(name, data=matrix.astype(np.uint8).T), "logical", decode=1)
        return
    kind = matrix.dtype.name
    if kind == "float32":
        kind = "single"
    elif kind not in CLASSES:
        kind, matrix = "double", matrix.astype(np.float64, copy=False)
    dataset = parent.create_dataset(name, matrix.shape[::-1], matrix.dtype)
    _say_class(dataset, kind)
    # only spooled arrays in blocks, whose columns are far apart in the file
    blocks = row_blocks(matrix) if is_spooled(matrix) else iter([slice(None)])
    for rows in blocks:
        dataset[:, rows] = np.ascontiguousarray(np.asarray(matrix[rows]).T)


def _say_class(dataset: h5py.Dataset, name: str, decode: int | None = None) -> None:
    dataset.attrs["MATLAB_class"] = np.bytes_(name)
    if decode is not None:
        dataset.attrs["MATLAB_int_decode"] = np.int32(decode)
