"""The pages of one TIFF file, and how the chain that links them ends.

The chain is followed up to a limit; loops and offsets beyond the file end it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tifffile import TiffFile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.page_reader import Page, PageReader
from umlpsd_gpu.movie.tiff_errors import add_advice


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


def read_pages(tif: TiffFile, path: Path, limits: Limits) -> FilePages:
    """Follow the chain of pages of an open file.

    Parameters
    ----------
    tif : TiffFile
    path : Path
        For messages.
    limits : Limits

    Raises
    ------
    MovieError
        If the first page can't be read; later ones only end the chain, with the reason kept.
    """
    reader = PageReader(tif, path, limits)
    found = FilePages(path, [], tif.filehandle.size)
    offset, seen = tif.pages.first.offset, set[int]()
    while offset:
        found.break_reason = _find_break(offset, found, seen, limits.max_frames)
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


def require_first_description(tif: TiffFile, path: Path, limits: Limits) -> None:
    """Raise MovieError if a file ends before the tags of its first page do.

    tifffile and others write OME-XML after the pixels: a truncated file has lost it.

    Parameters
    ----------
    tif : TiffFile
    path : Path
        For messages.
    limits : Limits
    """
    end = PageReader(tif, path, limits).end_of_tags(tif.pages.first.offset)
    if end > tif.filehandle.size:
        raise MovieError(
            path,
            add_advice(
                f"the movie is truncated: the file ends at byte {tif.filehandle.size}, but the "
                f"description of its frames ends at byte {end}, and without it nothing can be "
                "recovered"
            ),
        )


def _find_break(offset: int, found: FilePages, seen: set[int], max_frames: int) -> str:
    n_pages = len(found.pages)
    if offset in seen:
        return f"the chain of pages loops after page {n_pages}"
    if offset >= found.size:
        return f"the file ends before page {n_pages + 1} (counted from 1)"
    if n_pages >= max_frames:
        return f"the file contains more than {max_frames} pages (movie.max_frames)"
    return ""
