"""What the files of a movie hold, taken together: pages, planes, notes."""

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
    n_frames_before_next_description,
    table_of,
    with_undescribed_frames,
)
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.sources import frame_numbers


@dataclass(frozen=True)
class Contents:
    """Pages of all files, the planes that they hold, and the notes of the first file.

    Attributes
    ----------
    table : PageTable
    layout : Layout
    notes : Notes
    image : OmeImage or None
        The image of an OME file or set whose planes the layout holds.
    absence : str
        Why a plane may be missing, in words.
    n_surplus : int
        Pages beyond those that the metadata announce.
    """

    table: PageTable
    layout: Layout
    notes: Notes
    image: OmeImage | None
    absence: str
    n_surplus: int = 0


def read_contents(files: Sequence[Path], path: Path, position: int | None) -> Contents:
    """Read the pages and notes of a movie's files; no pixel is read.

    Parameters
    ----------
    files : sequence of Path
        One file of a movie (or of an OME set), or many of one frame each, in order.
    path : Path
        What the user named, for messages.
    position : int or None
        Stage position whose planes are looked up in an OME file or set.

    Raises
    ------
    MovieError
        If the first file can't be read, or several files hold a movie each.
    """
    first, notes = read_file(files[0])
    images = parse_ome(notes.ome_xml, files[0]) if notes.ome_xml else ()
    if images and (len(files) == 1 or _set_names(images) >= {file.name for file in files[1:]}):
        return _ome_contents(first, notes, images, position or 0)
    if len(files) == 1:
        return _file_contents(first, notes)
    return _frames_contents(first, notes, files, path)


def _file_contents(first: FilePages, notes: Notes) -> Contents:
    table = table_of([first])
    layout = (
        imagej_layout(notes.imagej, table)
        or micromanager_layout(table, notes.summary)
        or shaped_layout(notes.shaped, table)
        or plain_layout(table, n_frames_before_next_description(first))
    )
    n_surplus = max(0, table.n_pages - layout.n_planes)
    if layout.is_announced:
        by_one_page = layout.source == "ImageJ" or bool(notes.shaped.get("truncated"))
        table = with_undescribed_frames(table, first, layout.n_planes, by_one_page=by_one_page)
        layout = replace(layout, plane_of_page=np.arange(table.n_pages, dtype=np.int64))
    absence = table.break_reason or f"the file holds no more than {table.n_pages} pages"
    return Contents(table, layout, notes, None, absence, n_surplus)


def _set_names(images: Sequence[OmeImage]) -> set[str]:
    return {block.file_name for image in images for block in image.blocks}


def _ome_contents(
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
    table = table_of(files)
    n_surplus = 0
    if len(files) == len(images) == 1 and not missing:
        n_planes = math.prod(image.sizes)
        n_surplus = max(0, table.n_pages - n_planes)
        table = with_undescribed_frames(table, first, n_planes, by_one_page=False)
    layout = ome_layout(images, position, table, file_of_name)
    absence = missing or table.break_reason or f"the files hold no more than {table.n_pages} pages"
    return Contents(table, layout, notes, image, absence, n_surplus)


def _frames_contents(first: FilePages, notes: Notes, files: Sequence[Path], path: Path) -> Contents:
    numbers = frame_numbers(files, path)
    _insist_on_one_frame(first, notes, len(files), path)
    readable, absence = [first], "a number is missing from the file names"
    for file in files[1:]:
        try:
            found, own_notes = read_file(file)
        except MovieError as error:
            absence = f"{file.name}: {error.reason}"
            break
        _insist_on_one_frame(found, own_notes, len(files), path)
        readable.append(found)
    table = table_of(readable)
    by_name = Layout("", ("time",), (int(numbers[-1]) + 1,), numbers[: len(readable)])
    layout = micromanager_layout(table, notes.summary) or by_name
    return Contents(table, layout, notes, None, absence)


def _insist_on_one_frame(found: FilePages, notes: Notes, n_files: int, path: Path) -> None:
    table = table_of([found])
    announced = imagej_layout(notes.imagej, table) or shaped_layout(notes.shaped, table)
    n_frames = max(table.n_pages, announced.n_planes if announced else 1)
    if n_frames > 1:
        raise MovieError(
            path,
            f"there are {n_files} TIFF files, and {found.path.name} holds {n_frames} frames by "
            "itself; name one movie, or files of one frame each",
        )
