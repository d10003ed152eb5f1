"""Pages that have been read, arranged as the planes of a movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.file_names import number_frames
from umlpsd_gpu.movie.layout import (
    Layout,
    imagej_layout,
    lettered_layout,
    plain_layout,
    shaped_layout,
)
from umlpsd_gpu.movie.notes import Notes
from umlpsd_gpu.movie.ome import OmeImage
from umlpsd_gpu.movie.page_table import (
    PageTable,
    add_undescribed_frames,
    count_frames_before_next_description,
    join_pages,
)
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.stamped_layout import stamped_layout
from umlpsd_gpu.movie.varying_notes import rhythmic_layout

if TYPE_CHECKING:
    from umlpsd_gpu.movie.settings import MovieSettings


@dataclass(frozen=True)
class Contents:
    """Pages of all files, the planes that they contain, and the metadata of the first file.

    Attributes
    ----------
    table : PageTable
    layout : Layout
    notes : Notes
    image : OmeImage or None
        The image of an OME file or set that the layout describes.
    absence : str
        Why a plane may be missing, for messages.
    n_surplus : int
        Pages in excess of those that the metadata announce.
    """

    table: PageTable
    layout: Layout
    notes: Notes
    image: OmeImage | None
    absence: str
    n_surplus: int = 0


def arrange_all_pages(files: Sequence[FilePages], notes: Notes) -> Contents:
    """Return contents in which every page is a frame.

    Parameters
    ----------
    files : sequence of FilePages
    notes : Notes
    """
    table = join_pages(files)
    return Contents(table, plain_layout(table, 0), notes, None, table.break_reason)


def arrange_pages(files: Sequence[FilePages], notes: Notes, path: Path) -> Contents:
    """Return the contents of a file without OME-XML: its pages in order, or by their notes.

    Parameters
    ----------
    files : sequence of FilePages
        One file, or those between which a program split one.
    notes : Notes
        Of the first.
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If the notes of the pages contradict each other.
    """
    first, table = files[0], join_pages(files)
    by_pages = _read_page_notes(table, notes, path)
    by_file = imagej_layout(notes.imagej, table)
    if by_file is not None and by_pages is not None and by_pages.n_series > by_file.n_series:
        by_file = None
    layout = (
        by_file
        or by_pages
        or lettered_layout(notes.axes, notes.shape, table)
        or shaped_layout(notes.shaped, table)
        or plain_layout(table, count_frames_before_next_description(first))
    )
    n_surplus = max(0, table.n_pages - layout.n_planes)
    if layout.is_announced:
        by_one_page = layout.source == "ImageJ" or bool(notes.shaped.get("truncated"))
        table = add_undescribed_frames(table, first, layout.n_planes, by_one_page=by_one_page)
        layout = replace(layout, plane_of_page=np.arange(table.n_pages, dtype=np.int64))
    absence = table.break_reason or f"the file contains only {table.n_pages} pages"
    return Contents(table, layout, notes, None, absence, n_surplus)


def _read_page_notes(table: PageTable, notes: Notes, path: Path) -> Layout | None:
    """Return the layout by the notes of the pages; a rhythm in them counts as channels."""
    placed = stamped_layout(table, notes.summary, path)
    if placed is not None and placed.n_series > 1:
        return placed
    return rhythmic_layout(table) or placed


def arrange_data_set(
    pages: Sequence[FilePages], notes: Notes, n_entries: int, path: Path, missing: str = ""
) -> Contents:
    """Return the contents of an NDTiff data set.

    Parameters
    ----------
    pages : sequence of FilePages
        Of its files, with the axes of the index.
    notes : Notes
    n_entries : int
        Images in the index.
    path : Path
        For messages.
    missing : str
        Why a file can't be used; empty if all can.

    Raises
    ------
    MovieError
        If some pages have no place, or two have the same.
    """
    table = join_pages(pages)
    layout = stamped_layout(table, notes.summary, path) or plain_layout(table, 0)
    if n_entries > table.n_pages:
        n_times = max(layout.sizes[0], -(-n_entries // layout.n_series))
        layout = replace(layout, sizes=(n_times, *layout.sizes[1:]))
    absence = missing or table.break_reason or f"the files contain only {table.n_pages} pages"
    return Contents(table, layout, notes, None, absence)


def arrange_frame_files(
    readable: Sequence[FilePages],
    notes: Notes,
    files: Sequence[Path],
    path: Path,
    settings: MovieSettings,
    is_list: bool,
    absence: str,
) -> Contents:
    """Return the contents of files of one frame each: in the order of their notes or numbers.

    Parameters
    ----------
    readable : sequence of FilePages
        Those of the first files that can be read.
    notes : Notes
        Of the first.
    files : sequence of Path
        All of them, in order.
    path : Path
        For messages.
    settings : MovieSettings
    is_list : bool
        Whether the user named each file.
    absence : str
        Why a frame may be missing.

    Raises
    ------
    MovieError
        If the names count along two axes.
    """
    in_order = np.arange(len(files), dtype=np.int64)
    table = join_pages(readable)
    by_notes = None
    if settings.time_axis != "page":
        by_notes = _read_page_notes(table, notes, path)
    if by_notes is not None:
        return Contents(table, by_notes, notes, None, absence)
    try:
        numbers = number_frames(files, path)
    except MovieError:
        if not is_list:
            raise
        numbers = in_order
    layout = Layout("", ("time",), (int(numbers[-1]) + 1,), numbers[: len(readable)])
    return Contents(table, layout, notes, None, absence)


def require_one_frame(found: FilePages, notes: Notes, n_files: int, path: Path) -> None:
    """Raise MovieError if one of several files has more than one frame.

    Parameters
    ----------
    found : FilePages
    notes : Notes
        Of the same file.
    n_files : int
    path : Path
        For messages.
    """
    table = join_pages([found])
    announced = imagej_layout(notes.imagej, table) or shaped_layout(notes.shaped, table)
    n_frames = max(table.n_pages, announced.n_planes if announced else 1)
    if n_frames > 1:
        raise MovieError(
            path,
            f"there are {n_files} TIFF files, and {found.path.name} alone contains {n_frames} "
            "frames; name one movie, or files of one frame each; if the files are the parts of "
            "one movie, add --join (join=True in Python)",
        )
