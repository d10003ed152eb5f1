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
from umlpsd_gpu.movie.axes import name_time_axis
from umlpsd_gpu.movie.contents import Contents, read_contents
from umlpsd_gpu.movie.file_names import number_frames, require_one_series
from umlpsd_gpu.movie.layout import Layout
from umlpsd_gpu.movie.page_table import PageTable

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
        require_one_series(files, path)
        _require_all_numbers(files, path)
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
        source="the parts together",
        sizes=(int(n_before[-1]), *first.sizes[1:]),
        plane_of_page=np.concatenate(planes),
        by_pages=False,
    )
    return Contents(
        join_tables([part.table for part in parts]),
        layout,
        parts[0].notes,
        None,
        next((part.absence for part in parts if part.table.break_reason), "a part is incomplete"),
        sum(part.n_surplus for part in parts),
    )


def _require_all_numbers(files: Sequence[Path], path: Path) -> None:
    numbers = number_frames(files, path)
    gaps = np.flatnonzero(np.diff(numbers) != 1)
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
