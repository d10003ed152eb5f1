"""The contents of a movie's files together: pages, planes, metadata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.axes import READ_PAGES
from umlpsd_gpu.movie.file_names import number_frames, require_one_series
from umlpsd_gpu.movie.layout import (
    Layout,
    imagej_layout,
    lettered_layout,
    ome_layout,
    plain_layout,
    shaped_layout,
)
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.ndtiff import Entry, place_by_index, read_index
from umlpsd_gpu.movie.notes import Notes, read_file
from umlpsd_gpu.movie.ome import OmeImage, parse_ome
from umlpsd_gpu.movie.ome_set import (
    covers,
    find_description,
    find_first_member,
    is_companion,
    read_companion,
    read_members,
)
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


def read_contents(
    files: Sequence[Path], path: Path, settings: MovieSettings, is_list: bool = False
) -> Contents:
    """Read the pages and metadata of a movie's files, but no pixels.

    Parameters
    ----------
    files : sequence of Path
        One file of a movie (or of a set), or many of one frame each, in order.
    path : Path
        What the user gave, for messages.
    settings : MovieSettings
    is_list : bool
        Whether the user named each file: their order is then certain, whatever their names.

    Raises
    ------
    MovieError
        If the first file can't be read, or several files contain a movie each.
    """
    limits, position = settings.limits, settings.position or 0
    if len(files) == 1 and is_companion(files[0]):
        return _read_companion_set(files[0], position, limits)
    first, notes = read_file(files[0], limits)
    if settings.time_axis == "page" and len(files) == 1:
        table = join_pages([first])
        return Contents(table, plain_layout(table, 0), notes, None, table.break_reason)
    if notes.ome_xml and settings.time_axis != "page":
        description = find_description(notes, files[0])
        if is_companion(description):
            return _read_companion_set(description, position, limits)
        if description != files[0]:
            first, notes = read_file(description, limits)
        images = parse_ome(notes.ome_xml, description)
        if len(files) == 1 or covers(images, files, limits):
            return _read_ome(first, notes, images, position, limits)
    if entries := read_index(files[0], limits):
        names = dict.fromkeys(entry.file_name for entry in entries)
        return _read_data_set(first, notes, entries, list(names), files, path, limits)
    if len(files) == 1:
        return _read_one_file(first, notes, path)
    _require_one_frame(first, notes, len(files), path)
    if not is_list:
        require_one_series(files, path)
    return _read_frame_files(first, notes, files, path, settings, is_list)


def _read_one_file(first: FilePages, notes: Notes, path: Path) -> Contents:
    table = join_pages([first])
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


def _read_companion_set(companion: Path, position: int, limits: Limits) -> Contents:
    images = parse_ome(read_companion(companion, limits), companion)
    member = find_first_member(images, position, companion, limits)
    return _read_ome(*read_file(member, limits), images, position, limits)


def _read_ome(
    first: FilePages, notes: Notes, images: Sequence[OmeImage], position: int, limits: Limits
) -> Contents:
    position = min(position, len(images) - 1)
    image = images[position]
    files, file_of_name, missing = read_members(image, first, first.path.parent, limits)
    table = join_pages(files)
    n_surplus = 0
    if len(files) == len(images) == 1 and not missing:
        n_planes = math.prod(image.sizes)
        n_surplus = max(0, table.n_pages - n_planes)
        table = add_undescribed_frames(table, first, n_planes, by_one_page=False)
    if n_surplus and math.prod(image.sizes) == 1:
        raise MovieError(
            first.path,
            f"OME-XML announces 1 frame, but the file contains {table.n_pages} pages; {READ_PAGES}",
        )
    layout = ome_layout(images, position, table, file_of_name)
    absence = missing or table.break_reason or f"the files contain only {table.n_pages} pages"
    return Contents(table, layout, notes, image, absence, n_surplus)


def _read_data_set(
    first: FilePages,
    notes: Notes,
    entries: tuple[Entry, ...],
    names: Sequence[str],
    files: Sequence[Path],
    path: Path,
    limits: Limits,
) -> Contents:
    """Read the files of an NDTiff data set, which its index lists."""
    missing = ""
    pages = []
    for name in names:
        file = first.path.parent / name
        try:
            found = first if file == first.path else read_file(file, limits)[0]
        except MovieError as error:
            missing = missing or f"file {name} of the NDTiff set is missing or broken"
            missing += f" ({error.reason})" if len(missing) < 200 else ""
            continue
        place_by_index(found, entries)
        pages.append(found)
    strangers = {file.name for file in files} - set(names)
    if strangers:
        raise MovieError(
            path,
            f"{', '.join(sorted(strangers)[:3])} is not part of the NDTiff data set of the other "
            "files; name one file of the set, or that file alone",
        )
    table = join_pages(pages)
    layout = stamped_layout(table, notes.summary, path) or plain_layout(table, 0)
    if len(entries) > table.n_pages:
        n_times = max(layout.sizes[0], -(-len(entries) // layout.n_series))
        layout = replace(layout, sizes=(n_times, *layout.sizes[1:]))
    absence = missing or table.break_reason or f"the files contain only {table.n_pages} pages"
    return Contents(table, layout, notes, None, absence)


def _read_frame_files(
    first: FilePages,
    notes: Notes,
    files: Sequence[Path],
    path: Path,
    settings: MovieSettings,
    is_list: bool,
) -> Contents:
    in_order = np.arange(len(files), dtype=np.int64)
    readable, absence = [first], "a number is missing from the file names"
    for file in files[1:]:
        try:
            found, own_notes = read_file(file, settings.limits)
        except MovieError as error:
            absence = f"{file.name}: {error.reason}"
            break
        _require_one_frame(found, own_notes, len(files), path)
        readable.append(found)
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


def _require_one_frame(found: FilePages, notes: Notes, n_files: int, path: Path) -> None:
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
