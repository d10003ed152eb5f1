"""One page of a TIFF file: where it is stored, and what it contains.

tifffile needs about 60 µs to parse a page in full. Here it parses the first page and every page
built differently from those before; pages that differ only in the place of their data cost 10 to
30 µs.
"""

from __future__ import annotations

import struct
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tifffile import TiffFile, TiffPage

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.kind import Build, Kind, find_build
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.stamps import (
    NO_STAMP,
    Stamp,
    counts_frames,
    parse_stamp,
    parse_text_stamp,
)
from umlpsd_gpu.movie.tiff_errors import add_advice, explain_error, raise_movie_error

MAX_TAGS = 4096
NOWHERE = -1

# The tags that decide how a page's bytes become an image (tifffile's TiffPage.hash uses the same).
_STRUCTURE_TAGS: tuple[int, ...] = (
    256,
    257,
    258,
    259,
    262,
    266,
    277,
    278,
    284,
    317,
    322,
    323,
    338,
    339,
)
_STRUCTURE_TAGS += (347, 530, 32997, 32998)
_OFFSET_TAGS, _COUNT_TAGS = (324, 273), (325, 279)
_ROWS_PER_STRIP_TAG = 278
_MICROMANAGER_TAG, _DESCRIPTION_TAG, _SUBFILE_TAG, _OLD_SUBFILE_TAG = 51123, 270, 254, 255
# Bits of tag 254: a page at reduced resolution, a mask; a reduced page by tag 255.
_NO_FRAME_BITS, _OLD_REDUCED = 1 | 4, 2
_NUMBER_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}


class Page(NamedTuple):
    """One page: its IFD, the first byte of its data where they are raw, and the byte after them.

    ``is_extra`` marks a thumbnail or mask, which is no frame.
    """

    ifd: int
    start: int
    stop: int
    kind: Kind
    stamp: Stamp
    is_extra: bool = False


# An entry of an IFD as unpacked: code, type, count, and the value or its offset.
_Entry = tuple[int, int, int, bytes]


class PageReader:
    """Reads pages at given offsets, and remembers how those before were built.

    Parameters
    ----------
    tif : TiffFile
    path : Path
        For messages.
    limits : Limits
    """

    def __init__(self, tif: TiffFile, path: Path, limits: Limits) -> None:
        self._tif, self._path, self._file, self._limits = tif, path, tif.filehandle, limits
        first = tif.pages.first
        self._counts_in_text = not first.is_micromanager and counts_frames(first.description)
        order = tif.byteorder
        is_big = tif.tiff.offsetsize == 8
        self._header_bytes = 16 if is_big else 8
        self._n_entries = struct.Struct(order + ("Q" if is_big else "H"))
        self._entry = struct.Struct(order + ("HHQ8s" if is_big else "HHI4s"))
        self._offset = struct.Struct(order + ("Q" if is_big else "I"))
        self._numbers = {
            code: (struct.Struct(order + letter), np.dtype(order + letter))
            for code, letter in _NUMBER_LETTERS.items()
        }
        self._builds: dict[tuple[_Entry, ...], Build] = {}

    def attach(self, tif: TiffFile) -> None:
        """Go on with the same file, which has been opened again after it grew.

        Parameters
        ----------
        tif : TiffFile
        """
        self._tif, self._file = tif, tif.filehandle

    def next_ifd(self, offset: int) -> int:
        """Return the offset of the page after the one at an offset; 0 if there is none.

        Parameters
        ----------
        offset : int
        """
        return self._read_entries(offset)[1]

    def read(self, offset: int, index: int) -> tuple[Page, int]:
        """Return the page at an offset and the offset of the next one.

        Parameters
        ----------
        offset : int
        index : int
            Number of the page, for messages.

        Raises
        ------
        MovieError
            If the page is broken.
        """
        start_s = time.monotonic()
        try:
            entries, next_ifd = self._read_entries(offset)
            build = self._find_build(entries, offset, index)
            start, stop = self._find_extent(entries, build)
            stamp = self._read_stamp(entries)
        except (struct.error, KeyError, ValueError, OSError) as error:
            reason = f"page {index + 1} is broken: {explain_error(error)}"
            raise MovieError(self._path, add_advice(reason), index) from error
        if time.monotonic() - start_s > self._limits.max_page_s:
            limit = f"{self._limits.max_page_s:g} s are allowed (movie.max_page_s)"
            raise MovieError(
                self._path, f"reading the tags of page {index + 1} took too long; {limit}", index
            )
        return Page(offset, start, stop, build.kind, stamp, _is_extra(entries)), next_ifd

    def _read_stamp(self, entries: dict[int, _Entry]) -> Stamp:
        note = entries.get(_MICROMANAGER_TAG)
        if note is not None:
            return parse_stamp(self._read_bytes(note))
        text = entries.get(_DESCRIPTION_TAG) if self._counts_in_text else None
        return NO_STAMP if text is None else parse_text_stamp(self._read_bytes(text))

    def end_of_tags(self, offset: int) -> int:
        """Return where the values of a page's tags end in the file.

        Parameters
        ----------
        offset : int
            Of the page.
        """
        ends = [offset]
        for _, type_, count, value in self._read_entries(offset)[0].values():
            n_bytes = count * _TYPE_BYTES.get(type_, 1)
            if n_bytes > len(value):
                ends.append(self._offset.unpack(value)[0] + n_bytes)
        return max(ends)

    def _read_entries(self, offset: int) -> tuple[dict[int, _Entry], int]:
        self._file.seek(offset)
        (n_entries,) = self._n_entries.unpack(self._file.read(self._n_entries.size))
        if not 0 < n_entries <= MAX_TAGS:
            raise ValueError(f"it has {n_entries} tags")
        n_bytes = n_entries * self._entry.size
        block = self._file.read(n_bytes + self._offset.size)
        (next_ifd,) = self._offset.unpack(block[n_bytes:])
        return {entry[0]: entry for entry in self._entry.iter_unpack(block[:n_bytes])}, next_ifd

    def _find_build(self, entries: dict[int, _Entry], offset: int, index: int) -> Build:
        structure = tuple([entries[code] for code in _STRUCTURE_TAGS if code in entries])
        known = self._builds.get(structure)
        if known is not None:
            return known
        with raise_movie_error(self._path, index):
            self._file.seek(offset)
            build = find_build(TiffPage(self._tif, index=index), self._path, self._limits)
        # A value stored elsewhere in the file may differ although its entry looks the same.
        if all(count * _TYPE_BYTES[type_] <= len(value) for _, type_, count, value in structure):
            self._builds[structure] = build
        return build

    def _find_extent(self, entries: dict[int, _Entry], build: Build) -> tuple[int, int]:
        offsets = self._read_numbers(entries, _OFFSET_TAGS)
        counts = self._read_numbers(entries, _COUNT_TAGS)
        if not any(counts) and build.raw:
            counts = self._guess_counts(entries, build.kind, len(offsets))
        if len(offsets) != len(counts) or not (all(offsets) and all(counts)):
            raise ValueError("it does not say where its data are")
        ends = [offset + count for offset, count in zip(offsets, counts, strict=True)]
        if min(offsets) < self._header_bytes:
            raise ValueError("its data are said to be inside the header of the file")
        if build.raw and ends[:-1] == offsets[1:]:
            return offsets[0], offsets[0] + build.kind.frame_bytes
        if _overlap_partly(offsets, ends):
            raise ValueError("its strips overlap")
        return NOWHERE, max(ends)

    def _guess_counts(self, entries: dict[int, _Entry], kind: Kind, n_strips: int) -> list[int]:
        """Return the lengths of unpacked strips, which follow from their rows."""
        rows = entries.get(_ROWS_PER_STRIP_TAG)
        height = self._one_number(rows) if rows else kind.n_rows
        row_bytes = kind.n_cols * kind.dtype.itemsize
        n_rows = [min(height, kind.n_rows - height * strip) for strip in range(n_strips)]
        return [n * row_bytes for n in n_rows] if min(n_rows, default=0) > 0 else []

    def _one_number(self, entry: _Entry) -> int:
        one, _ = self._numbers[entry[1]]
        return int(one.unpack(self._read_bytes(entry)[: one.size])[0])

    def _read_numbers(self, entries: dict[int, _Entry], codes: tuple[int, int]) -> list[int]:
        entry = entries.get(codes[0]) or entries.get(codes[1])
        if entry is None:
            return []
        one, many = self._numbers[entry[1]]
        data = self._read_bytes(entry)
        numbers = list(one.unpack(data)) if entry[2] == 1 else np.frombuffer(data, many).tolist()
        if max(numbers, default=0) >= 2**62:
            raise ValueError("it points beyond any file")
        return numbers

    def _read_bytes(self, entry: _Entry) -> bytes:
        code, type_, count, value = entry
        n_bytes = count * _TYPE_BYTES[type_]
        if n_bytes <= len(value):
            return value[:n_bytes]
        (offset,) = self._offset.unpack(value)
        if n_bytes > self._limits.max_metadata_mb * 1e6:
            raise ValueError(f"its tag {code} has {n_bytes / 1e6:.0f} MB (movie.max_metadata_mb)")
        if offset + n_bytes > self._file.size:
            raise ValueError(f"its tag {code} points beyond the end of the file")
        self._file.seek(offset)
        return self._file.read(n_bytes)


def _overlap_partly(offsets: list[int], ends: list[int]) -> bool:
    """Return whether two strips share bytes; equal ones may, as blank tiles do."""
    ordered = sorted(set(zip(offsets, ends, strict=True)))
    return any(end > start for (_, end), (start, _) in pairwise(ordered))


def _is_extra(entries: dict[int, _Entry]) -> bool:
    """Return whether the tags say that a page is a thumbnail or a mask."""
    bits = entries.get(_SUBFILE_TAG)
    if bits is not None:
        return any(bit & _NO_FRAME_BITS for bit in bits[3][:4])
    old = entries.get(_OLD_SUBFILE_TAG)
    return old is not None and _OLD_REDUCED in old[3][:4]
