"""The contents of a movie's files together: pages, planes, metadata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.arrangement import (
    Contents,
    arrange_all_pages,
    arrange_data_set,
    arrange_frame_files,
    arrange_pages,
    require_one_frame,
)
from umlpsd_gpu.movie.axes import READ_PAGES
from umlpsd_gpu.movie.file_names import require_one_series
from umlpsd_gpu.movie.layout import (
    ome_layout,
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
    add_undescribed_frames,
    join_pages,
)
from umlpsd_gpu.movie.pages import FilePages

if TYPE_CHECKING:
    from umlpsd_gpu.movie.settings import MovieSettings


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
        return arrange_all_pages([first], notes)
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
        return arrange_pages([first], notes, path)
    require_one_frame(first, notes, len(files), path)
    if not is_list:
        require_one_series(files, path)
    return _read_frame_files(first, notes, files, path, settings, is_list)


def arrange_file(first: FilePages, notes: Notes, settings: MovieSettings) -> Contents:
    """Return the contents of one file whose pages and metadata have been read.

    Parameters
    ----------
    first : FilePages
    notes : Notes
    settings : MovieSettings

    Raises
    ------
    MovieError
        If its metadata contradict each other.
    """
    if settings.time_axis == "page":
        return arrange_all_pages([first], notes)
    if not notes.ome_xml:
        return arrange_pages([first], notes, first.path)
    images = parse_ome(notes.ome_xml, first.path)
    return _read_ome(first, notes, images, settings.position or 0, settings.limits)


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
    return arrange_data_set(pages, notes, len(entries), path, missing)


def _read_frame_files(
    first: FilePages,
    notes: Notes,
    files: Sequence[Path],
    path: Path,
    settings: MovieSettings,
    is_list: bool,
) -> Contents:
    readable, absence = [first], "a number is missing from the file names"
    for file in files[1:]:
        try:
            found, own_notes = read_file(file, settings.limits)
        except MovieError as error:
            absence = f"{file.name}: {error.reason}"
            break
        require_one_frame(found, own_notes, len(files), path)
        readable.append(found)
    return arrange_frame_files(readable, notes, files, path, settings, is_list, absence)
