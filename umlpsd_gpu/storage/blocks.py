"""Rows in blocks: what is too large for memory lies in a file without a name, and is read by parts.

Such spooled values are NumPy memmaps. Pages of a file that have been read count as memory of the
process until they are given back; `row_blocks` does so.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.errors import OutputError

BLOCK_BYTES = 32 << 20  # of a block of rows: little beside what doesn't fit [I]


def is_spooled(values: Any) -> bool:
    """Return whether an array lies in a file."""
    # a copy of a memmap is of the same type, but lies in memory
    return isinstance(values, np.memmap) and getattr(values, "_mmap", None) is not None


def row_blocks(values: np.ndarray, block_bytes: int | None = None) -> Iterator[slice]:
    """Yield slices that together hold all rows.

    Parameters
    ----------
    values : ndarray, shape (n_rows, …)
    block_bytes : int, optional
        Upper bound of a block, by default 32 MB; at least one row is in it.

    Yields
    ------
    slice
        Its pages are given back before the next one, so that nothing of a spooled array stays.
    """
    row_bytes = max(1, values.nbytes // max(1, len(values)))
    n_per_block = max(1, (block_bytes or BLOCK_BYTES) // row_bytes)
    for first in range(0, len(values), n_per_block):
        rows = slice(first, min(first + n_per_block, len(values)))
        yield rows
        give_back(values[rows])


def give_back(values: np.ndarray) -> None:
    """Let the system take back the memory of a stretch of a spooled array; its file keeps it.

    Nothing happens to an array in memory, or to one whose changes no file keeps.
    """
    kept_in_file = is_spooled(values) and getattr(values, "mode", "c") != "c"
    if not kept_in_file or not hasattr(mmap, "MADV_DONTNEED"):
        return
    mapping: mmap.mmap = values._mmap  # type: ignore[attr-defined]
    # from the first page concerned to the last: the neighbours' are read again if need be
    start, stop = np.lib.array_utils.byte_bounds(values)
    origin = np.frombuffer(mapping, np.uint8, count=1).__array_interface__["data"][0]
    first = (start - origin) // mmap.PAGESIZE * mmap.PAGESIZE
    mapping.madvise(mmap.MADV_DONTNEED, first, stop - origin - first)


def spool(n_rows: int, n_cols: int, dtype: np.dtype | type) -> np.memmap:
    """Return an array in a temporary file that has no name and goes when the array does.

    Parameters
    ----------
    n_rows, n_cols : int
        At least 1.
    dtype : dtype

    Raises
    ------
    OutputError
        If the temporary folder has no room for it.
    """
    n_bytes = n_rows * n_cols * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(prefix="umlpsd-") as file:
            _reserve(file.fileno(), n_bytes)
            return np.memmap(file, dtype, mode="r+", shape=(n_rows, n_cols))
    except OSError as error:
        raise OutputError(
            f"{n_rows} traces of {n_cols} frames take {n_bytes / 1e9:.3g} GB in the temporary "
            f"folder {tempfile.gettempdir()}: {error.strerror}; set TMPDIR to a folder with room, "
            "or raise traces.memory_mb"
        ) from error


def empty_like(values: Any, n_cols: int, dtype: np.dtype | type) -> np.ndarray:
    """Return an array of as many rows: spooled where ``values`` is and as much has no room."""
    n_bytes = len(values) * n_cols * np.dtype(dtype).itemsize
    if is_spooled(values) and n_bytes >= values.nbytes:
        return spool(len(values), n_cols, dtype)
    return np.empty((len(values), n_cols), dtype)


def take_rows(values: Any, index: np.ndarray) -> Any:
    """Return ``values[index]``: spooled where ``values`` is, if more than one block of rows.

    Parameters
    ----------
    values : array, shape (n_rows, n_cols)
    index : ndarray of int
    """
    n_bytes = index.size * values[:1].nbytes
    if not is_spooled(values) or n_bytes <= BLOCK_BYTES:
        return values[index]
    taken = spool(index.size, values.shape[1], values.dtype)
    for rows in row_blocks(taken):
        taken[rows] = values[index[rows]]
        give_back(values)
    return taken


def stacked(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return arrays of equal length of rows one below the other: spooled where any of them is."""
    if not any(map(is_spooled, parts)):
        return np.concatenate(parts)
    n_rows = sum(map(len, parts))
    whole = spool(n_rows, parts[0].shape[1], np.result_type(*parts))
    first = 0
    for part in parts:
        for rows in row_blocks(part):
            place = slice(first + rows.start, first + rows.stop)
            whole[place] = part[rows]
            give_back(whole[place])
        first += len(part)
    return whole


def _reserve(descriptor: int, n_bytes: int) -> None:
    """Take the room at once: a disk that fills up later would end the process without a word."""
    if not hasattr(os, "posix_fallocate"):
        os.truncate(descriptor, n_bytes)
        return
    try:
        os.posix_fallocate(descriptor, 0, n_bytes)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        os.truncate(descriptor, n_bytes)  # a file system that can't promise room
