"""Study ↔ study.h5, self-describing and the same bytes for the same study."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import umlpsd_gpu.analyses.blinking.fields as layout
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.storage.result_folder import FORMAT
from umlpsd_gpu.traces.blocks import is_spooled, row_blocks

if TYPE_CHECKING:
    import h5py

FORMAT_VERSION = 1


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


def write_hdf5(study: Study, path: Path) -> None:
    """Write every array of a study; no timestamps, so equal studies give equal bytes.

    Raises
    ------
    OSError
        If the disk is full or can't be written.
    """
    import h5py

    with _FullDiskProof(path) as target:
        # the oldest format that fits: MATLAB still ships HDF5 1.10
        with h5py.File(target, "w", libver=("earliest", "v110")) as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = FORMAT_VERSION
            file.attrs["umlpsd_version"] = study.versions.get("umlpsd_gpu", "unknown")
            for name, field, value in layout.stored_fields(study):
                _write(file, name, field, value)
        if target.error is not None:
            raise target.error


def read_hdf5(path: Path) -> dict[str, Any]:
    """Return the attributes of a Study that study.h5 holds, by name.

    Raises
    ------
    OSError, KeyError, ValueError
        If the file is no HDF5 file, of an unknown format, or lacks a field.
    """
    import h5py

    with h5py.File(path, "r") as file:
        found = (file.attrs.get("format"), int(file.attrs.get("format_version", 0)))
        if found != (FORMAT, FORMAT_VERSION):
            raise ValueError(f"format {found}, expected {(FORMAT, FORMAT_VERSION)}")
        return layout.nouns_from(lambda name: _read(file[name]), has_maps="maps" in file)


def _write(file: h5py.File, name: str, field: layout.Field, value: layout.Stored) -> None:
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
