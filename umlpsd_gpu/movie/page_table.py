"""The pages of all files of a movie in one table of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.kind import Kind
from umlpsd_gpu.movie.page_reader import NOWHERE
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.stamps import NO_STAMP, Stamp

# Writers place a description at the next even, or at most 16-byte, boundary.
_ALIGNMENT_BYTES = 16


@dataclass(frozen=True)
class PageTable:
    """Where every page is stored, by file, then in the order of the chain of pages.

    Attributes
    ----------
    paths : tuple of Path
    file_sizes : ndarray, shape (n_files,), int64, bytes on disk
    first_page : ndarray, shape (n_files,), int64
        Index in this table of each file's first page.
    file : ndarray, shape (n_pages,), int32
    ifd : ndarray, shape (n_pages,), int64
        Offset of the page's description; -1 for a frame found after the last described page.
    start : ndarray, shape (n_pages,), int64
        Offset of raw pixels; -1 where the page must be unpacked.
    stop : ndarray, shape (n_pages,), int64
        One past the page's last byte, which a truncated file may lack.
    kind : ndarray, shape (n_pages,), int32
        Index into ``kinds``.
    kinds : tuple of Kind
    stamps : tuple of Stamp
        Time and place of every page by its own notes.
    break_reason : str
        Why a file's chain of pages stops early; empty where it doesn't.
    """

    paths: tuple[Path, ...]
    file_sizes: Array
    first_page: Array
    file: Array
    ifd: Array
    start: Array
    stop: Array
    kind: Array
    kinds: tuple[Kind, ...]
    stamps: tuple[Stamp, ...]
    break_reason: str

    @property
    def n_pages(self) -> int:
        """Return the number of pages of all files."""
        return len(self.ifd)

    @property
    def elapsed_s(self) -> Array:
        """Return the time of every page by its own notes, in seconds; NaN where unknown."""
        return np.array(
            [np.nan if stamp.elapsed_s is None else stamp.elapsed_s for stamp in self.stamps]
        )

    def name_page(self, page: int) -> str:
        """Return the name of a page for messages: its number, or its file if that is one of many.

        Parameters
        ----------
        page : int
        """
        if len(self.paths) == 1:
            return f"page {page + 1}"
        file = int(self.file[page])
        name = self.paths[file].name
        in_file = page - int(self.first_page[file])
        return name if self.n_pages_of(file) == 1 else f"page {in_file + 1} of {name}"

    def kind_of(self, page: int) -> Kind:
        """Return the kind of one page.

        Parameters
        ----------
        page : int
        """
        kind: Kind = self.kinds[self.kind[page]]
        return kind

    def n_pages_of(self, file: int) -> int:
        """Return the number of pages of one file.

        Parameters
        ----------
        file : int
        """
        return int(np.count_nonzero(self.file == file))


def join_pages(files: Sequence[FilePages]) -> PageTable:
    """Join the pages of several files.

    Parameters
    ----------
    files : sequence of FilePages
    """
    pages = [page for found in files for page in found.pages]
    n_in_file = [len(found.pages) for found in files]
    numbers: dict[Kind, int] = {}
    kind = [numbers.setdefault(page.kind, len(numbers)) for page in pages]
    return PageTable(
        paths=tuple(found.path for found in files),
        file_sizes=np.array([found.size for found in files], np.int64),
        first_page=np.cumsum([0, *n_in_file[:-1]]).astype(np.int64),
        file=np.repeat(np.arange(len(files), dtype=np.int32), n_in_file),
        ifd=np.array([page.ifd for page in pages], np.int64),
        start=np.array([page.start for page in pages], np.int64),
        stop=np.array([page.stop for page in pages], np.int64),
        kind=np.array(kind, np.int32),
        kinds=tuple(numbers),
        stamps=tuple(page.stamp for page in pages),
        break_reason=next((found.break_reason for found in files if found.break_reason), ""),
    )


def add_undescribed_frames(
    table: PageTable, found: FilePages, n_announced: int, *, by_one_page: bool
) -> PageTable:
    """Add the frames that follow the described pages of one file without a description.

    ImageJ describes a stack over 4 GB by one page. Where truncation removed the descriptions that
    ImageJ and tifffile write after the pixels, the leading frames are found in the same way.

    Parameters
    ----------
    table : PageTable
    found : FilePages
        Of that file.
    n_announced : int
        Frames that the metadata announce.
    by_one_page : bool
        Whether one page may describe all frames of a complete file.
    """
    if not (table.break_reason or (by_one_page and table.n_pages == 1)):
        return table
    n_pages, kind = table.n_pages, table.kinds[0]
    frame_bytes, base = kind.frame_bytes, int(table.start[0])
    n_whole = min((found.size - base) // frame_bytes, n_announced)
    if n_whole <= n_pages or len(table.paths) > 1 or len(table.kinds) > 1:
        return table
    if not _pixels_come_first(table, found, n_announced):
        return table
    starts = base + frame_bytes * np.arange(n_pages, n_whole, dtype=np.int64)
    n_new = len(starts)
    return replace(
        table,
        file=np.concatenate([table.file, np.zeros(n_new, np.int32)]),
        ifd=np.concatenate([table.ifd, np.full(n_new, NOWHERE, np.int64)]),
        start=np.concatenate([table.start, starts]),
        stop=np.concatenate([table.stop, starts + frame_bytes]),
        kind=np.concatenate([table.kind, np.zeros(n_new, np.int32)]),
        stamps=(*table.stamps, *[NO_STAMP] * n_new),
    )


def count_frames_before_next_description(found: FilePages) -> int:
    """Return how many frames fit exactly between a file's only page and the lost second one.

    0 where there is no such room, or it is not a whole number of frames.

    Parameters
    ----------
    found : FilePages
    """
    first = found.pages[0]
    if len(found.pages) > 1 or first.start < 0 or found.next_ifd < found.size:
        return 0
    n_frames, rest = divmod(found.next_ifd - first.start, first.kind.frame_bytes)
    return n_frames if rest < _ALIGNMENT_BYTES else 0


def _pixels_come_first(table: PageTable, found: FilePages, n_announced: int) -> bool:
    """Return whether all announced frames are contiguous, before the next description."""
    frame_bytes, base = table.kinds[0].frame_bytes, int(table.start[0])
    side_by_side = base + frame_bytes * np.arange(table.n_pages, dtype=np.int64)
    if base < 0 or not np.array_equal(table.start, side_by_side):
        return False
    return found.next_ifd == 0 or found.next_ifd >= base + n_announced * frame_bytes
