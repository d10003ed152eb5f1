"""Write and read the fields of a result as a self-describing HDF5 file, and compute its digest."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.storage.blocks import is_spooled, row_blocks
from umlpsd_gpu.storage.field import Field, FieldTable, Stored

if TYPE_CHECKING:
    import h5py


class _FullDiskProof(io.RawIOBase):
    """A file for HDF5 that keeps the first write error for later.

    HDF5 ends the whole process with a segmentation fault when it can't write its metadata to a full
    disk. So this file reports success to HDF5, and ``error`` is raised after closing.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        n_bytes = len(left)
        try:
            while left and self.error is None:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.error = error
        return n_bytes

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def write_hdf5(
    path: Path, stored: Iterable[tuple[str, Field, Stored]], attributes: Mapping[str, Any]
) -> None:
    """Write every field of a result, without timestamps: equal results give equal bytes.

    Parameters
    ----------
    path : Path
    stored : iterable of (str, Field, Stored)
        Path, field and value of every dataset.
    attributes : mapping
        Attributes of the file: its format, version and origin.

    Raises
    ------
    OSError
        If the disk is full or can't be written.
    """
    import h5py

    with _FullDiskProof(path) as target:
        # the oldest format that suffices: MATLAB still ships HDF5 1.10
        with h5py.File(target, "w", libver=("earliest", "v110")) as file:
            file.attrs.update(attributes)
            for name, field, value in stored:
                _write(file, name, field, value)
        if target.error is not None:
            raise target.error


def read_hdf5(path: Path, table: FieldTable, file_format: tuple[str, int]) -> dict[str, Any]:
    """Read the attributes of a result from a file.

    Parameters
    ----------
    path : Path
    table : FieldTable
    file_format : (str, int)
        Required format and version.

    Returns
    -------
    dict
        Name of an attribute → value.

    Raises
    ------
    OSError, KeyError, ValueError
        If the file is not HDF5, has another format, or lacks a field.
    """
    import h5py

    with h5py.File(path, "r") as file:
        stored_format = (file.attrs.get("format"), int(file.attrs.get("format_version", 0)))
        if stored_format != file_format:
            raise ValueError(f"format {stored_format}, expected {file_format}")
        return table.read(lambda name: _read(file[name]), frozenset(file))


def digest_of(stored: Iterable[tuple[str, Field, Stored]], settings: Mapping[str, Any]) -> str:
    """Compute the digest of all fields and of the settings that can change a result.

    Parameters
    ----------
    stored : iterable of (str, Field, Stored)
        As for `write_hdf5`, in any order.
    settings : mapping
        Plain values.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.
    """
    sha = hashlib.sha256()
    sha.update(json.dumps(settings, sort_keys=True).encode())
    for path, _, value in sorted(stored, key=lambda entry: entry[0]):
        if isinstance(value, np.ndarray):
            sha.update(f"{path} {value.dtype.str} {value.shape}".encode())
            _add_bytes(sha, value)
        else:
            sha.update(f"{path} {json.dumps(value)}".encode())
    return sha.hexdigest()


def _add_bytes(sha: hashlib._Hash, value: Array) -> None:
    values = value.reshape(1) if value.ndim == 0 else value
    for rows in row_blocks(values):
        sha.update(np.ascontiguousarray(values[rows]).reshape(-1).view(np.uint8).data)


def _write(file: h5py.File, name: str, field: Field, value: Stored) -> None:
    import h5py

    how: dict[str, Any] = {}
    if not isinstance(value, np.ndarray):
        how["dtype"] = h5py.string_dtype()
    elif field.compressed and value.size:
        # one chunk per K; the fastest level of gzip; shuffling bytes makes labels smallest
        how = {"chunks": (1, *value.shape[1:]), "compression": "gzip", "compression_opts": 1}
        how["shuffle"] = True
    if isinstance(value, np.ndarray) and is_spooled(value):
        dataset = file.create_dataset(name, value.shape, value.dtype, **how)
        for rows in row_blocks(value):
            dataset[rows] = value[rows]
    else:
        dataset = file.create_dataset(name, data=value, **how)
    dataset.attrs["description"] = field.description
    if field.unit:
        dataset.attrs["unit"] = field.unit
    if field.dims:
        dataset.attrs["dims"] = field.dims


def _read(dataset: h5py.Dataset) -> Any:
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is None:
        return dataset[()]
    text = dataset.asstr()[()]
    return text if isinstance(text, str) else text.tolist()
