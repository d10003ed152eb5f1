"""The pages of a TIFF file that is still being written: only the new ones are read each time.

A page counts when all its bytes are in the file and a later page exists, or the file has not
changed for a moment: programs write a page's description before or after its pixels, and some
reserve the space of the whole file in advance.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from tifffile import TiffFile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.page_reader import NOWHERE, Page, PageReader
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.stamps import NO_STAMP
from umlpsd_gpu.movie.tiff_errors import COPY_AGAIN

# A program that describes every page links the second before it writes this many.
_FEWEST_UNDESCRIBED = 4
# Writers place a description at the next even, or at most 16-byte, boundary.
_ALIGNMENT_BYTES = 16
# Pages that are read at most at one look: a long file that is there already doesn't hold others up.
MOST_AT_ONCE = 4000


class GrowingPages:
    """The pages of one file so far.

    Attributes
    ----------
    found : FilePages
        Complete pages; they only become more.
    trouble : str
        Why the page after the last one can't be read, though the file has stopped growing; else
        empty.

    is_behind : bool
        Whether more pages can be read at once.

    Parameters
    ----------
    path : Path
    limits : Limits
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.found = FilePages(path, [], 0)
        self.trouble, self.is_behind = "", False
        self._limits = limits
        self._reader: PageReader | None = None
        self._seen = set[int]()
        self._is_contiguous = self._is_closed = False

    def read_on(
        self,
        tif: TiffFile,
        is_settled: bool,
        is_listed: Callable[[Page], bool] = lambda page: True,
    ) -> None:
        """Add the pages that are complete now.

        Parameters
        ----------
        tif : TiffFile
            The file, opened anew.
        is_settled : bool
            Whether the file has stopped growing, so that its last page is complete.
        is_listed : callable
            Whether an index lists a page; pages from the first unlisted one on are not yet there.

        Raises
        ------
        MovieError
            If the file has stopped growing, but its first page can't be read.
        """
        if self._reader is None or not self.found.pages:
            # Until there is a page, the file may be made anew, and differently.
            self._reader = PageReader(tif, self.found.path, self._limits)
        self._reader.attach(tif)
        self.found.size, self.trouble, self.is_behind = tif.filehandle.size, "", False
        if not self._is_contiguous:
            self._follow_chain(self._reader, tif, is_settled, is_listed)
        if self._is_contiguous or self._begins_contiguously(self._reader, tif):
            self._count_contiguous(self._reader, tif, is_settled)

    def _follow_chain(
        self,
        reader: PageReader,
        tif: TiffFile,
        is_settled: bool,
        is_listed: Callable[[Page], bool],
    ) -> None:
        """Add the pages of the chain that are complete.

        First the links are followed, then pages are read whose next one was there: where the space
        of a file was reserved, a page that is read at once may be half written.
        """
        pages, n_before = self.found.pages, len(self.found.pages)
        offsets = self._follow_links(reader, tif)
        for offset in offsets if is_settled else offsets[:-1]:
            try:
                page, _ = reader.read(offset, len(pages))
            except MovieError as error:
                if is_settled and not n_before and not pages:
                    raise
                self.trouble = error.reason.removesuffix(f"; {COPY_AGAIN}")
                break
            if page.stop > self.found.size or not is_listed(page):
                break
            pages.append(page)
            self._seen.add(offset)
        if not is_settled:
            # What is wrong at present may only be half written.
            self.trouble = ""

    def _follow_links(self, reader: PageReader, tif: TiffFile) -> list[int]:
        """Return the offsets of the new pages whose descriptions are in the file."""
        pages, offsets = self.found.pages, list[int]()
        ahead = set[int]()
        try:
            offset = reader.next_ifd(pages[-1].ifd) if pages else tif.pages.first.offset
            while 0 < offset < self.found.size and len(offsets) < MOST_AT_ONCE:
                n_pages = len(pages) + len(offsets)
                if offset in ahead or offset in self._seen:
                    self.trouble = f"the chain of pages loops after page {n_pages}"
                    return offsets
                if n_pages >= self._limits.max_frames:
                    most = f"{self._limits.max_frames} pages (movie.max_frames)"
                    self.trouble = f"the file contains more than {most}"
                    return offsets
                following = reader.next_ifd(offset)
                offsets.append(offset)
                ahead.add(offset)
                offset = following
        except (struct.error, ValueError, OSError):
            self.trouble = f"page {len(pages) + len(offsets) + 1} can't be read yet"
        self.is_behind = len(offsets) == MOST_AT_ONCE
        return offsets

    def _begins_contiguously(self, reader: PageReader, tif: TiffFile) -> bool:
        """Return whether frames follow the only described page without descriptions."""
        if len(self.found.pages) > 1:
            return False
        first = self._read_first(reader, tif)
        if first is None or first[0].start < 0 or first[0].stamp != NO_STAMP:
            return False
        page, following = first
        frame_bytes = page.kind.frame_bytes
        n_whole = (self.found.size - page.start) // frame_bytes
        if n_whole < _FEWEST_UNDESCRIBED or 0 < following < self.found.size:
            return False
        if page.ifd > page.start or reader.end_of_tags(page.ifd) > page.start:
            return False
        places = (page.start + n * frame_bytes for n in range(1, _FEWEST_UNDESCRIBED))
        self._is_contiguous = not any(self._is_description(tif, page, at) for at in places)
        if self._is_contiguous:
            self.found.pages[:] = [page]
        return self._is_contiguous

    def _read_first(self, reader: PageReader, tif: TiffFile) -> tuple[Page, int] | None:
        try:
            return reader.read(tif.pages.first.offset, 0)
        except MovieError:
            return None

    def _count_contiguous(self, reader: PageReader, tif: TiffFile, is_settled: bool) -> None:
        """Add frames without descriptions, up to the descriptions that end the file."""
        first, pages = self.found.pages[0], self.found.pages
        frame_bytes = first.kind.frame_bytes
        n_whole = (self.found.size - first.start - (not is_settled)) // frame_bytes
        following = reader.next_ifd(first.ifd)
        if following >= first.start + frame_bytes:
            n_whole = min(n_whole, (following - first.start) // frame_bytes)
        n_whole = min(n_whole, self._limits.max_frames)
        self.is_behind = n_whole > len(pages) + MOST_AT_ONCE
        for number in range(len(pages), min(n_whole, len(pages) + MOST_AT_ONCE)):
            start = first.start + number * frame_bytes
            if self._is_closed or self._is_description(tif, first, start):
                self._is_closed = True
                return
            pages.append(Page(NOWHERE, start, start + frame_bytes, first.kind, NO_STAMP))

    def _is_description(self, tif: TiffFile, first: Page, at: int) -> bool:
        """Return whether a description of a page, and no frame, begins at or just after a byte."""
        is_big = tif.tiff.offsetsize == 8
        order = "little" if tif.byteorder == "<" else "big"
        head, entry, length = (8, 20, 8) if is_big else (2, 12, 4)
        tif.filehandle.seek(at)
        block = tif.filehandle.read(_ALIGNMENT_BYTES + head + 3 * entry)

        def number(place: int, n_bytes: int) -> int:
            return int.from_bytes(block[place : place + n_bytes], order)  # type: ignore[arg-type]

        for shift in range(0, _ALIGNMENT_BYTES, 2):
            if not 4 <= number(shift, head) <= 100:
                continue
            entries = [shift + head + n * entry for n in range(3)]
            codes = [number(place, 2) for place in entries]
            if 256 not in codes[:2] or sorted(codes) != codes:
                continue
            place = entries[codes.index(256)]
            n_bytes = {3: 2, 4: 4, 16: 8}.get(number(place + 2, 2), 0)
            if n_bytes and number(place + 4 + length, n_bytes) == first.kind.n_cols:
                return True
        return False
