"""Arrays that don't fit in memory: stored in a temporary file and read in blocks of rows.

Such spooled arrays are NumPy memmaps. Pages of a file that were read count as memory of the process
until they are given back; `row_blocks` does so.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import OutputError

BLOCK_BYTES = 32 << 20  # of a block of rows: small compared with what doesn't fit [I]


def is_spooled(values: Array) -> bool:
    """Return whether an array is stored in a file.

    Parameters
    ----------
    values : array

    Returns
    -------
    bool
    """
    # a copy of a memmap has the same type, but is in memory
    return isinstance(values, np.memmap) and getattr(values, "_mmap", None) is not None


def row_blocks(values: Array, block_bytes: int | None = None) -> Iterator[slice]:
    """Yield slices that together cover all rows.

    Parameters
    ----------
    values : ndarray, shape (n_rows, …)
    block_bytes : int, optional
        Upper limit of a block, by default 32 MB; a block has at least one row.

    Yields
    ------
    slice
        The memory of its rows is given back before the next slice.
    """
    row_bytes = max(1, values.nbytes // max(1, len(values)))
    n_per_block = max(1, (block_bytes or BLOCK_BYTES) // row_bytes)
    for first in range(0, len(values), n_per_block):
        rows = slice(first, min(first + n_per_block, len(values)))
        yield rows
        give_back(values[rows])


def give_back(values: Array) -> None:
    """Free the memory of a part of a spooled array; the values stay in its file.

    Nothing happens to an array in memory, or to one whose changes are not written to its file.

    Parameters
    ----------
    values : array
        Usually a slice of rows.
    """
    is_in_file = is_spooled(values) and getattr(values, "mode", "c") != "c"
    if not is_in_file or not hasattr(mmap, "MADV_DONTNEED"):
        return
    mapping: mmap.mmap = values._mmap  # type: ignore[attr-defined]
    # whole pages: neighbouring rows on them are read again if needed
    start, stop = np.lib.array_utils.byte_bounds(values)
    origin = np.frombuffer(mapping, np.uint8, count=1).__array_interface__["data"][0]
    first = (start - origin) // mmap.PAGESIZE * mmap.PAGESIZE
    mapping.madvise(mmap.MADV_DONTNEED, first, stop - origin - first)


def spool(n_rows: int, n_cols: int, dtype: DTypeLike) -> np.memmap[Any, np.dtype[Any]]:
    """Return a new array in a temporary file without a name, which is deleted with the array.

    Parameters
    ----------
    n_rows, n_cols : int
        At least 1.
    dtype : dtype

    Returns
    -------
    memmap, shape (n_rows, n_cols)

    Raises
    ------
    OutputError
        If the temporary folder has too little space.
    """
    n_bytes = n_rows * n_cols * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(prefix="umlpsd-") as file:
            _reserve(file.fileno(), n_bytes)
            return np.memmap(file, dtype, mode="r+", shape=(n_rows, n_cols))
    except OSError as error:
        raise OutputError(
            f"{n_rows} traces of {n_cols} frames take {n_bytes / 1e9:.3g} GB in the temporary "
            f"folder {tempfile.gettempdir()}: {error.strerror}; set TMPDIR to a folder with more "
            "space, or raise traces.memory_mb"
        ) from error


def empty_like(values: Array, n_cols: int, dtype: DTypeLike) -> Array:
    """Return a new array with as many rows as another.

    Parameters
    ----------
    values : array, shape (n_rows, …)
    n_cols : int
    dtype : dtype

    Returns
    -------
    array, shape (n_rows, n_cols)
        Spooled if ``values`` is spooled and not larger.
    """
    n_bytes = len(values) * n_cols * np.dtype(dtype).itemsize
    if is_spooled(values) and n_bytes >= values.nbytes:
        return spool(len(values), n_cols, dtype)
    return np.empty((len(values), n_cols), dtype)


def take_rows(values: Array, index: Array) -> Array:
    """Return ``values[index]``.

    Parameters
    ----------
    values : array, shape (n_rows, n_cols)
    index : ndarray of int

    Returns
    -------
    array, shape (n_taken, n_cols)
        Spooled if ``values`` is spooled and the result is larger than a block.
    """
    n_bytes = index.size * values[:1].nbytes
    if not is_spooled(values) or n_bytes <= BLOCK_BYTES:
        taken_in_memory: Array = values[index]
        return taken_in_memory
    taken = spool(index.size, values.shape[1], values.dtype)
    for rows in row_blocks(taken):
        taken[rows] = values[index[rows]]
        give_back(values)
    return taken


def stacked(parts: Sequence[Array]) -> Array:
    """Concatenate the rows of several arrays.

    Parameters
    ----------
    parts : sequence of array, shape (n_rows, n_cols)

    Returns
    -------
    array
        Spooled if any of the parts is spooled.
    """
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
    """Reserve the space now: a disk that fills up later would kill the process."""
    if not hasattr(os, "posix_fallocate"):
        os.truncate(descriptor, n_bytes)
        return
    try:
        os.posix_fallocate(descriptor, 0, n_bytes)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        os.truncate(descriptor, n_bytes)  # a file system that can't reserve space
