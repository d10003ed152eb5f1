"""The contents of a movie's files together: pages, planes, metadata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.layout import (
    Layout,
    imagej_layout,
    micromanager_layout,
    ome_layout,
    plain_layout,
    shaped_layout,
)
from umlpsd_gpu.movie.notes import Notes, read_file
from umlpsd_gpu.movie.ome import OmeImage, parse_ome
from umlpsd_gpu.movie.page_table import (
    PageTable,
    add_undescribed_frames,
    count_frames_before_next_description,
    join_pages,
)
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.sources import number_frames


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


def read_contents(files: Sequence[Path], path: Path, position: int | None) -> Contents:
    """Read the pages and metadata of a movie's files, but no pixels.

    Parameters
    ----------
    files : sequence of Path
        One file of a movie (or of an OME set), or many of one frame each, in order.
    path : Path
        What the user gave, for messages.
    position : int or None
        Stage position to read from an OME file or set.

    Raises
    ------
    MovieError
        If the first file can't be read, or several files contain a movie each.
    """
    first, notes = read_file(files[0])
    images = parse_ome(notes.ome_xml, files[0]) if notes.ome_xml else ()
    if images and (len(files) == 1 or _list_set_names(images) >= {file.name for file in files[1:]}):
        return _read_ome(first, notes, images, position or 0)
    if len(files) == 1:
        return _read_one_file(first, notes)
    return _read_frame_files(first, notes, files, path)


def _read_one_file(first: FilePages, notes: Notes) -> Contents:
    table = join_pages([first])
    layout = (
        imagej_layout(notes.imagej, table)
        or micromanager_layout(table, notes.summary)
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


def _list_set_names(images: Sequence[OmeImage]) -> set[str]:
    return {block.file_name for image in images for block in image.blocks}


def _read_ome(
    first: FilePages, notes: Notes, images: Sequence[OmeImage], position: int
) -> Contents:
    position = min(position, len(images) - 1)
    image = images[position]
    files, file_of_name, missing = [first], {"": 0}, ""
    for name in dict.fromkeys(block.file_name for block in image.blocks if block.file_name):
        try:
            found, _ = read_file(first.path.parent / name)
        except MovieError as error:
            missing = missing or f"file {name} of the OME set is missing or broken ({error.reason})"
            continue
        file_of_name[name] = len(files)
        files.append(found)
    table = join_pages(files)
    n_surplus = 0
    if len(files) == len(images) == 1 and not missing:
        n_planes = math.prod(image.sizes)
        n_surplus = max(0, table.n_pages - n_planes)
        table = add_undescribed_frames(table, first, n_planes, by_one_page=False)
    layout = ome_layout(images, position, table, file_of_name)
    absence = missing or table.break_reason or f"the files contain only {table.n_pages} pages"
    return Contents(table, layout, notes, image, absence, n_surplus)


def _read_frame_files(
    first: FilePages, notes: Notes, files: Sequence[Path], path: Path
) -> Contents:
    numbers = number_frames(files, path)
    _require_one_frame(first, notes, len(files), path)
    readable, absence = [first], "a number is missing from the file names"
    for file in files[1:]:
        try:
            found, own_notes = read_file(file)
        except MovieError as error:
            absence = f"{file.name}: {error.reason}"
            break
        _require_one_frame(found, own_notes, len(files), path)
        readable.append(found)
    table = join_pages(readable)
    by_name = Layout("", ("time",), (int(numbers[-1]) + 1,), numbers[: len(readable)])
    layout = micromanager_layout(table, notes.summary) or by_name
    return Contents(table, layout, notes, None, absence)


def _require_one_frame(found: FilePages, notes: Notes, n_files: int, path: Path) -> None:
    table = join_pages([found])
    announced = imagej_layout(notes.imagej, table) or shaped_layout(notes.shaped, table)
    n_frames = max(table.n_pages, announced.n_planes if announced else 1)
    if n_frames > 1:
        raise MovieError(
            path,
            f"there are {n_files} TIFF files, and {found.path.name} alone contains {n_frames} "
            "frames; name one movie, or files of one frame each",
        )
