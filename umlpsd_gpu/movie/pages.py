"""The pages of one TIFF file: where each is stored, what it contains, how their chain ends.

tifffile needs about 60 µs to parse a page in full. Here it parses the first page and every page
built differently from those before; pages that differ only in the place of their data cost 10 to
30 µs. The chain is followed up to a limit; loops and offsets beyond the file end it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tifffile import COMPRESSION, TiffFile, TiffPage

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.micromanager import NO_STAMP, Stamp, parse_stamp
from umlpsd_gpu.movie.tiff_errors import add_advice, explain_error, raise_movie_error

MAX_PAGES = 2_000_000
MAX_TAGS = 4096
# A packed page can announce any size; a camera frame of 100 megapixels stays below this.
MAX_DECODED_BYTES = 2**28
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
_MICROMANAGER_TAG = 51123
_NUMBER_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}


class Kind(NamedTuple):
    """What all frames of a movie have in common; ``dtype`` keeps the file's byte order."""

    n_rows: int
    n_cols: int
    n_samples: int
    dtype: np.dtype
    compression: str

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one unpacked frame."""
        return self.n_rows * self.n_cols * self.n_samples * self.dtype.itemsize

    def __str__(self) -> str:
        """Return the kind in words, for messages."""
        samples = f" × {self.n_samples} samples" if self.n_samples > 1 else ""
        packing = "" if self.compression == "none" else f", {self.compression}"
        return f"{self.n_rows} × {self.n_cols}{samples} {self.dtype.name}{packing}"


class Page(NamedTuple):
    """One page: its IFD, the first byte of its data where they are raw, and the byte after them."""

    ifd: int
    start: int
    stop: int
    kind: Kind
    stamp: Stamp


class _Build(NamedTuple):
    """How a page is built: its kind, and whether its bytes are its pixels (raw)."""

    kind: Kind
    raw: bool


# An entry of an IFD as unpacked: code, type, count, and the value or its offset.
_Entry = tuple[int, int, int, bytes]


@dataclass
class FilePages:
    """The pages of one file, and how the chain that links them ends.

    Attributes
    ----------
    path : Path
    pages : list of Page
    size : int
        Bytes on disk.
    break_reason : str
        Why the chain stops early; empty where it doesn't.
    next_ifd : int
        Offset of the next page according to the last one; 0: there is none.
    """

    path: Path
    pages: list[Page]
    size: int
    break_reason: str = ""
    next_ifd: int = 0


def read_pages(tif: TiffFile, path: Path) -> FilePages:
    """Follow the chain of pages of an open file.

    Parameters
    ----------
    tif : TiffFile
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If the first page can't be read; later ones only end the chain, with the reason kept.
    """
    reader = _PageReader(tif, path)
    found = FilePages(path, [], tif.filehandle.size)
    offset, seen = tif.pages.first.offset, set[int]()
    while offset:
        found.break_reason = _find_break(offset, found, seen)
        if found.break_reason:
            break
        seen.add(offset)
        try:
            page, next_ifd = reader.read(offset, len(found.pages))
        except MovieError as error:
            if not found.pages:
                raise
            found.break_reason = error.reason
            break
        found.pages.append(page)
        found.next_ifd = offset = next_ifd
    return found


def require_first_description(tif: TiffFile, path: Path) -> None:
    """Raise MovieError if a file ends before the tags of its first page do.

    tifffile and others write OME-XML after the pixels: a truncated file has lost it.

    Parameters
    ----------
    tif : TiffFile
    path : Path
        For messages.
    """
    end = _PageReader(tif, path).end_of_tags(tif.pages.first.offset)
    if end > tif.filehandle.size:
        raise MovieError(
            path,
            add_advice(
                f"the movie is truncated: the file ends at byte {tif.filehandle.size}, but the "
                f"description of its frames ends at byte {end}, and without it nothing can be "
                "recovered"
            ),
        )


def _find_break(offset: int, found: FilePages, seen: set[int]) -> str:
    n_pages = len(found.pages)
    if offset in seen:
        return f"the chain of pages loops after page {n_pages}"
    if offset >= found.size:
        return f"the file ends before page {n_pages + 1} (counted from 1)"
    if n_pages >= MAX_PAGES:
        return f"the file contains more than {MAX_PAGES} pages"
    return ""


class _PageReader:
    """Reads pages at given offsets, and remembers how those before were built."""

    def __init__(self, tif: TiffFile, path: Path) -> None:
        self._tif, self._path, self._file = tif, path, tif.filehandle
        order = tif.byteorder
        is_big = tif.tiff.offsetsize == 8
        self._n_entries = struct.Struct(order + ("Q" if is_big else "H"))
        self._entry = struct.Struct(order + ("HHQ8s" if is_big else "HHI4s"))
        self._offset = struct.Struct(order + ("Q" if is_big else "I"))
        self._numbers = {
            code: (struct.Struct(order + letter), np.dtype(order + letter))
            for code, letter in _NUMBER_LETTERS.items()
        }
        self._builds: dict[tuple[_Entry, ...], _Build] = {}

    def read(self, offset: int, index: int) -> tuple[Page, int]:
        """Return the page at an offset and the offset of the next one.

        Raises
        ------
        MovieError
            If the page is broken.
        """
        try:
            entries, next_ifd = self._read_entries(offset)
            build = self._find_build(entries, offset, index)
            start, stop = self._find_extent(entries, build)
            note = entries.get(_MICROMANAGER_TAG)
            stamp = NO_STAMP if note is None else parse_stamp(self._read_bytes(note))
        except (struct.error, KeyError, ValueError, OSError) as error:
            reason = f"page {index + 1} is broken: {explain_error(error)}"
            raise MovieError(self._path, add_advice(reason), index) from error
        return Page(offset, start, stop, build.kind, stamp), next_ifd

    def end_of_tags(self, offset: int) -> int:
        """Return where the values of a page's tags end in the file."""
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

    def _find_build(self, entries: dict[int, _Entry], offset: int, index: int) -> _Build:
        structure = tuple([entries[code] for code in _STRUCTURE_TAGS if code in entries])
        known = self._builds.get(structure)
        if known is not None:
            return known
        with raise_movie_error(self._path, index):
            self._file.seek(offset)
            build = find_build(TiffPage(self._tif, index=index), self._path)
        # A value stored elsewhere in the file may differ although its entry looks the same.
        if all(count * _TYPE_BYTES[type_] <= len(value) for _, type_, count, value in structure):
            self._builds[structure] = build
        return build

    def _find_extent(self, entries: dict[int, _Entry], build: _Build) -> tuple[int, int]:
        offsets = self._read_numbers(entries, _OFFSET_TAGS)
        counts = self._read_numbers(entries, _COUNT_TAGS)
        if len(offsets) != len(counts) or not (all(offsets) and all(counts)):
            raise ValueError("it does not say where its data are")
        ends = [offset + count for offset, count in zip(offsets, counts, strict=True)]
        if build.raw and ends[:-1] == offsets[1:]:
            return offsets[0], offsets[0] + build.kind.frame_bytes
        return NOWHERE, max(ends)

    def _read_numbers(self, entries: dict[int, _Entry], codes: tuple[int, int]) -> list[int]:
        entry = entries.get(codes[0]) or entries[codes[1]]
        one, many = self._numbers[entry[1]]
        data = self._read_bytes(entry)
        numbers = list(one.unpack(data)) if entry[2] == 1 else np.frombuffer(data, many).tolist()
        if max(numbers) >= 2**62:
            raise ValueError("it points beyond any file")
        return numbers

    def _read_bytes(self, entry: _Entry) -> bytes:
        code, type_, count, value = entry
        n_bytes = count * _TYPE_BYTES[type_]
        if n_bytes <= len(value):
            return value[:n_bytes]
        (offset,) = self._offset.unpack(value)
        if offset + n_bytes > self._file.size:
            raise ValueError(f"its tag {code} points beyond the end of the file")
        self._file.seek(offset)
        return self._file.read(n_bytes)


def find_build(page: TiffPage, path: Path) -> _Build:
    """Return what a page contains and whether its bytes are its pixels.

    Parameters
    ----------
    page : TiffPage
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If the page is not a plane of real numbers.
    """
    if not all(isinstance(length, int) for length in page.shaped):
        raise MovieError(path, add_advice(f"a page says that its shape is {page.shaped}"))
    n_planar, depth, n_rows, n_cols, n_interleaved = page.shaped
    if depth != 1:
        raise MovieError(path, f"a page contains a volume of {depth} planes; save planes as pages")
    if page.dtype is None or page.dtype.kind not in "uifb":
        held = f"{page.bitspersample}-bit samples of format {page.sampleformat}"
        allowed = "integers and real numbers can be read: export it as 16-bit"
        raise MovieError(path, f"the pages contain {held}; {allowed}")
    if 0 in page.shaped:
        raise MovieError(path, add_advice(f"a page of {n_rows} × {n_cols} pixels is empty"))
    n_samples = n_planar * n_interleaved
    dtype = np.dtype("u1" if page.dtype.kind == "b" else page.dtype)
    compression = COMPRESSION(page.compression).name.lower()
    kind = Kind(n_rows, n_cols, n_samples, dtype.newbyteorder(page.parent.byteorder), compression)
    raw = bool(page.is_final) and n_samples == 1 and page.dtype.kind != "b"
    segment_bytes = math.prod(page.chunks) * dtype.itemsize
    if not raw and max(kind.frame_bytes, segment_bytes) > MAX_DECODED_BYTES:
        raise MovieError(
            path,
            f"a packed page unpacks to {max(kind.frame_bytes, segment_bytes) / 1e6:.0f} MB; "
            f"at most {MAX_DECODED_BYTES / 1e6:.0f} MB are allowed: save the movie uncompressed",
        )
    return _Build(kind, raw)
