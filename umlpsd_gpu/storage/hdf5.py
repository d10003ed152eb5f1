"""Fields of a result ↔ a self-describing HDF5 file, and the digest of what it holds."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from umlpsd_gpu.storage.blocks import is_spooled, row_blocks
from umlpsd_gpu.storage.field import Field, FieldTable, Stored

if TYPE_CHECKING:
    import h5py


class _FullDiskProof(io.RawIOBase):
    """A file for HDF5 that keeps the first write error for later.

    HDF5 ends the whole process with a segmentation fault when a full disk refuses its metadata.
    Here it is told that all went well, and ``error`` holds what is to be raised after closing.
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
    """Write every field of a result; no timestamps, so equal results give equal bytes.

    Parameters
    ----------
    path : Path
    stored : iterable of (str, Field, Stored)
        Path, field and value of every dataset.
    attributes : mapping
        Of the file: its format, version and origin.

    Raises
    ------
    OSError
        If the disk is full or can't be written.
    """
    import h5py

    with _FullDiskProof(path) as target:
        try:
            # the oldest format that suffices: MATLAB still ships HDF5 1.10
            with h5py.File(target, "w", libver=("earliest", "v110")) as file:
                file.attrs.update(attributes)
                for name, field, value in stored:
                    _write(file, name, field, value)
        except (OSError, RuntimeError):
            # some versions read back what the full disk did not take, and fail on that
            if target.error is None:
                raise
        if target.error is not None:
            raise target.error


def read_hdf5(path: Path, table: FieldTable, file_format: tuple[str, int]) -> dict[str, Any]:
    """Return the attributes of a result that a file holds, by name.

    Parameters
    ----------
    path : Path
    table : FieldTable
    file_format : (str, int)
        Format and version that are understood.

    Raises
    ------
    OSError, KeyError, ValueError
        If the file is no HDF5 file, of an unknown format, or lacks a field.
    """
    import h5py

    with h5py.File(path, "r") as file:
        found = (file.attrs.get("format"), int(file.attrs.get("format_version", 0)))
        if found != file_format:
            raise ValueError(f"format {found}, expected {file_format}")
        return table.read(lambda name: _read(file[name]), frozenset(file))


def digest_of(stored: Iterable[tuple[str, Field, Stored]], settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of every field and of the settings that can change a result.

    Parameters
    ----------
    stored : iterable of (str, Field, Stored)
        As for `write_hdf5`, in any order.
    settings : mapping
        Plain values.
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


def _add_bytes(sha: hashlib._Hash, value: np.ndarray) -> None:
    values = value.reshape(1) if value.ndim == 0 else value
    for rows in row_blocks(values):
        sha.update(np.ascontiguousarray(values[rows]).reshape(-1).view(np.uint8).data)


def _write(file: h5py.File, name: str, field: Field, value: Stored) -> None:
    import h5py

    how: dict[str, Any] = {}
    if not isinstance(value, np.ndarray):
        how["dtype"] = h5py.string_dtype()
    elif field.compressed and value.size:
        # one chunk a K: the fastest gzip level, and shuffled bytes shrink labels most
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
