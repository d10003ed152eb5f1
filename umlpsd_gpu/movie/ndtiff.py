"""The index of an NDTiff data set, which places every image of its files."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.stamps import read_axes

INDEX_NAME = "NDTiff.index"
_LONGEST_TEXT = 1_000_000
_PLACE_BYTES = 32


class Entry(NamedTuple):
    """One image: its axes, its file and the first byte of its pixels."""

    axes: tuple[tuple[str, int | str], ...]
    file_name: str
    start: int


def read_index(file: Path, limits: Limits) -> tuple[Entry, ...]:
    """Return the entries of the index beside a file; none where no index lists that file.

    Parameters
    ----------
    file : Path
        A TIFF file of the data set.
    limits : Limits

    Raises
    ------
    MovieError
        If the index is larger than metadata may be.
    """
    path = file.parent / INDEX_NAME
    try:
        if not path.is_file():
            return ()
        n_bytes = path.stat().st_size
        if n_bytes > limits.max_metadata_mb * 1e6:
            raise MovieError(
                path, f"it has {n_bytes / 1e6:.0f} MB; raise movie.max_metadata_mb to read it"
            )
        entries = tuple(_parse(path.read_bytes()))
    except OSError:
        return ()
    return entries if any(entry.file_name == file.name for entry in entries) else ()


def _parse(blob: bytes) -> Iterator[Entry]:
    return (entry for entry, _ in parse_entries(blob))


def parse_entries(blob: bytes) -> Iterator[tuple[Entry, int]]:
    """Yield the entries up to the first one that is broken, each with the byte after it.

    Parameters
    ----------
    blob : bytes
        Of an index, from the beginning of an entry.
    """
    at = 0
    try:
        while at < len(blob):
            axes, at = _read_text(blob, at)
            name, at = _read_text(blob, at)
            (start,) = struct.unpack_from("<I", blob, at)
            at += _PLACE_BYTES
            # Only files in the same folder are followed, never a path.
            yield Entry(read_axes(json.loads(axes)), Path(name).name, start), at
    except (struct.error, ValueError, RecursionError):
        return


def _read_text(blob: bytes, at: int) -> tuple[str, int]:
    (n_bytes,) = struct.unpack_from("<I", blob, at)
    end = at + 4 + n_bytes
    if n_bytes > _LONGEST_TEXT or end > len(blob):
        raise ValueError("text beyond the end")
    return blob[at + 4 : end].decode("utf-8", "replace"), end


def place_by_index(found: FilePages, entries: tuple[Entry, ...]) -> None:
    """Give the pages of a file the axes of its index.

    Parameters
    ----------
    found : FilePages
        Changed in place.
    entries : tuple of Entry
    """
    axes = {e.start: e.axes for e in entries if e.file_name == found.path.name and e.axes}
    for number, page in enumerate(found.pages):
        # The index keeps 32 bits of the place, as the files of a data set stay below 4 GB.
        named = axes.get(page.start)
        if named is not None:
            stamp = page.stamp._replace(axes=named, digest=hash((page.stamp.digest, named)) or 1)
            found.pages[number] = page._replace(stamp=stamp)
