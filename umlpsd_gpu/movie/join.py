"""Several multi-page files that are the parts of one movie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.arrangement import Contents
from umlpsd_gpu.movie.axes import name_time_axis
from umlpsd_gpu.movie.contents import read_contents
from umlpsd_gpu.movie.file_names import find_counter, number_frames, require_one_series
from umlpsd_gpu.movie.layout import Layout
from umlpsd_gpu.movie.page_table import PageTable

PARTS = "the parts together"
_FEWEST_FRAMES = 10

if TYPE_CHECKING:
    from umlpsd_gpu.movie.settings import MovieSettings


def join_contents(
    files: Sequence[Path], path: Path, settings: MovieSettings, is_list: bool
) -> Contents:
    """Read the files of a movie that was saved in parts, in the order of their numbers.

    Parameters
    ----------
    files : sequence of Path
        In order.
    path : Path
        What the user gave, for messages.
    settings : MovieSettings
    is_list : bool
        Whether the user named each file.

    Returns
    -------
    Contents
        Time is the first axis.

    Raises
    ------
    MovieError
        If the names don't count, a number is missing, or the parts have different axes.
    """
    if not is_list:
        files = _put_unnumbered_first(files)
        numbered = files[1:] if _is_unnumbered(files) else files
        require_one_series(numbered, path)
        _require_all_numbers(numbered, path)
    parts = [read_contents([file], file, settings) for file in files]
    layouts = [_put_time_first(part.layout, settings, part) for part in parts]
    first = layouts[0]
    for file, layout in zip(files, layouts, strict=True):
        if (layout.axes[1:], layout.sizes[1:]) != (first.axes[1:], first.sizes[1:]):
            raise MovieError(
                file,
                f"it has {_name_axes(layout)} where {files[0].name} has {_name_axes(first)}; only "
                "parts with the same axes can be joined",
            )
    n_before = np.cumsum([0, *(layout.sizes[0] for layout in layouts)])
    stride = math.prod(first.sizes[1:])
    planes = [
        np.where(layout.plane_of_page >= 0, layout.plane_of_page + int(before) * stride, -1)
        for layout, before in zip(layouts, n_before[:-1], strict=True)
    ]
    layout = replace(
        first,
        source=PARTS,
        sizes=(int(n_before[-1]), *first.sizes[1:]),
        plane_of_page=np.concatenate(planes),
        by_pages=False,
    )
    return Contents(
        join_tables([_stamp_times(part) for part in parts]),
        layout,
        parts[0].notes,
        parts[0].image and replace(parts[0].image, delta_t_s={}),
        next((part.absence for part in parts if part.table.break_reason), "a part is incomplete"),
        sum(part.n_surplus for part in parts),
    )


def _is_unnumbered(files: Sequence[Path]) -> bool:
    """Return whether the first of several files has the name of the others without a number."""
    stem = files[0].name.partition(".")[0].casefold()
    others = [file.name.casefold() for file in files[1:]]
    return len(others) > 0 and all(
        name.startswith(stem) and not name[len(stem) : len(stem) + 1].isdigit() for name in others
    )


def _put_unnumbered_first(files: Sequence[Path]) -> Sequence[Path]:
    """Return the files with ``movie.tif`` before ``movie_1.tif``, as cameras name the parts."""
    shortest = min(files, key=lambda file: len(file.name.partition(".")[0]))
    ordered = [shortest, *(file for file in files if file != shortest)]
    return ordered if _is_unnumbered(ordered) else files


def _stamp_times(part: Contents) -> PageTable:
    """Return the pages of a part with the times that OME-XML gives them."""
    if part.image is None or not part.image.delta_t_s:
        return part.table
    times_s = part.image.times_s(np.maximum(part.layout.plane_of_page, 0))
    stamps = [
        stamp._replace(elapsed_s=float(time_s) if np.isfinite(time_s) else None)
        for stamp, time_s in zip(part.table.stamps, times_s, strict=True)
    ]
    return replace(part.table, stamps=tuple(stamps))


def _require_all_numbers(files: Sequence[Path], path: Path) -> None:
    number_frames(files, path)  # refuses names that count in several places
    numbers = find_counter(files)
    steps = np.diff(numbers) if numbers is not None else np.ones(1, int)
    # Numbers in larger steps count frames, of which parts have different numbers.
    gaps = np.flatnonzero(steps != 1) if steps.min() < _FEWEST_FRAMES else steps[:0]
    if len(gaps):
        raise MovieError(
            path,
            f"between {files[gaps[0]].name} and {files[gaps[0] + 1].name} a part of the movie is "
            "missing; add it, or give the parts on one side of the gap by a pattern",
        )


def _put_time_first(layout: Layout, settings: MovieSettings, part: Contents) -> Layout:
    """Return a layout with time as first axis; as long as the pages, where they alone count."""
    axes = name_time_axis(layout, settings, part.table.paths[0])
    places = np.array(np.unravel_index(np.maximum(layout.plane_of_page, 0), layout.sizes))
    if "time" not in axes:
        axes, places = ("time", *axes), np.vstack([places[:1] * 0, places])
        sizes = [1, *layout.sizes]
    else:
        order = sorted(range(len(axes)), key=lambda i: axes[i] != "time")
        axes, places = tuple(axes[i] for i in order), places[order]
        sizes = [layout.sizes[i] for i in order]
    if layout.by_pages:
        sizes[0] = int(places[0].max()) + 1
    planes: Array = np.ravel_multi_index(tuple(places), tuple(sizes)).astype(np.int64)
    planes[layout.plane_of_page < 0] = -1
    return replace(layout, axes=axes, sizes=tuple(sizes), plane_of_page=planes)


def _name_axes(layout: Layout) -> str:
    named = [f"{axis} {size}" for axis, size in zip(layout.axes[1:], layout.sizes[1:], strict=True)]
    return " × ".join(named) or "time alone"


def join_tables(tables: Sequence[PageTable]) -> PageTable:
    """Join the pages of several movies' tables.

    Parameters
    ----------
    tables : sequence of PageTable
    """
    kinds = tuple(dict.fromkeys(kind for table in tables for kind in table.kinds))
    n_files = np.cumsum([0, *(len(table.paths) for table in tables)])
    n_pages = np.cumsum([0, *(table.n_pages for table in tables)])
    numbers = [np.array([kinds.index(kind) for kind in table.kinds], np.int32) for table in tables]

    def join(name: str) -> Array:
        return np.concatenate([getattr(table, name) for table in tables])

    return PageTable(
        paths=tuple(path for table in tables for path in table.paths),
        file_sizes=join("file_sizes"),
        first_page=np.concatenate(
            [t.first_page + n for t, n in zip(tables, n_pages[:-1], strict=True)]
        ).astype(np.int64),
        file=np.concatenate([t.file + n for t, n in zip(tables, n_files[:-1], strict=True)]).astype(
            np.int32
        ),
        ifd=join("ifd"),
        start=join("start"),
        stop=join("stop"),
        kind=np.concatenate([n[t.kind] for t, n in zip(tables, numbers, strict=True)]),
        kinds=kinds,
        stamps=tuple(stamp for table in tables for stamp in table.stamps),
        break_reason=next((table.break_reason for table in tables if table.break_reason), ""),
    )
