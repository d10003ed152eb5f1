"""The layout by the stamps of the pages: Micro-Manager, NDTiff, ScanImage, MetaMorph."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.axes import READ_PAGES
from umlpsd_gpu.movie.layout import Layout
from umlpsd_gpu.movie.micromanager import number
from umlpsd_gpu.movie.page_table import PageTable

AXES = ("time", "z", "channel", "position")
# NDTiff lets the user name axes; all others are read like channels.
_AXIS_OF_NAME = {
    **dict.fromkeys(("time", "t", "frame", "timepoint"), "time"),
    **dict.fromkeys(("z", "slice", "plane"), "z"),
    **dict.fromkeys(("position", "p", "row", "column", "tile", "site", "well"), "position"),
}
_N_NAMED = 4


def is_time_axis(name: str) -> bool:
    """Return whether an axis that a user named is time.

    Parameters
    ----------
    name : str
    """
    return _AXIS_OF_NAME.get(name.casefold()) == "time"


def stamped_layout(table: PageTable, summary: dict[str, Any], path: Path) -> Layout | None:
    """Return the layout by the notes of every page; None where these place no page.

    Notes that are all the same were copied by another program, and place no page either.

    Parameters
    ----------
    table : PageTable
    summary : dict
        Of the whole acquisition, by Micro-Manager.
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If some pages have no place, or two have the same.
    """
    stamps = table.stamps
    noted = [stamp for stamp in stamps if stamp.digest]
    if not noted or (len(stamps) > 1 and len({stamp.digest for stamp in noted}) == 1):
        return None
    if any(stamp.axes for stamp in stamps):
        _require_all([bool(stamp.axes) for stamp in stamps], table, path, "axes")
        return _layout_by_axes(table, path)
    if any(stamp.indices[0] >= 0 for stamp in stamps):
        _require_all([stamp.indices[0] >= 0 for stamp in stamps], table, path, "frame index")
        return _layout_by_indices(table, summary, path)
    if len(noted) < len(stamps) and len(noted) > 1:
        _require_all([bool(stamp.digest) for stamp in stamps], table, path, "notes")
    return _layout_by_labels(table) or _layout_by_repeated_times(table)


def _require_all(present: Sequence[bool], table: PageTable, path: Path, what: str) -> None:
    if all(present):
        return
    lacking = [table.name_page(page) for page, is_there in enumerate(present) if not is_there]
    raise MovieError(
        path,
        f"{_list_some(lacking)} of {len(present)} pages {'has' if len(lacking) == 1 else 'have'} "
        f"no {what} in the notes that the other pages have, so that the order of frames and "
        f"channels is uncertain; export the movie again, or, {READ_PAGES}",
    )


def _layout_by_axes(table: PageTable, path: Path) -> Layout | None:
    """Return the layout by named axes: those of one kind are combined."""
    keys: dict[str, list[Any]] = {axis: [] for axis in AXES}
    for stamp in table.stamps:
        parts: dict[str, list[tuple[str, int | str]]] = {axis: [] for axis in AXES}
        for name, value in stamp.axes:
            parts[_AXIS_OF_NAME.get(name.casefold(), "channel")].append((name, value))
        for axis in AXES:
            keys[axis].append(tuple(parts[axis]))
    columns, names, first = [], {}, 0
    for axis in AXES:
        order = _order_keys(keys[axis])
        numbers = {key: place for place, key in enumerate(order)}
        column = np.array([numbers[key] for key in keys[axis]], np.int64)
        times = _read_times(keys[axis]) if axis == "time" else None
        if times is not None:
            first = int(times.min())
            column = times - first
        columns.append(column)
        names[axis] = tuple(map(_name_key, order))
    _require_distinct(columns, names, table, path)
    announced = (1, 1, 1, 1)
    return _make_layout(columns, announced, "the axes in the notes of the pages", names, first)


def _order_keys(keys: Sequence[Any]) -> list[Any]:
    """Return the distinct keys: numbers in order, names as they come."""
    distinct = list(dict.fromkeys(keys))
    if all(isinstance(value, int) for key in distinct for _, value in key):
        return sorted(distinct)
    return distinct


def _read_times(keys: Sequence[Any]) -> Array | None:
    """Return the time indices, if there is one number for each page."""
    if not all(len(key) == 1 and isinstance(key[0][1], int) for key in keys):
        return None
    return np.array([key[0][1] for key in keys], np.int64)


def _name_key(key: Any) -> str:
    if len(key) == 1:
        return str(key[0][1])
    return " ".join(f"{name} {value}" for name, value in key)


def _layout_by_indices(table: PageTable, summary: dict[str, Any], path: Path) -> Layout | None:
    indices = np.array([stamp.indices for stamp in table.stamps], np.int64)
    indices = np.maximum(indices, 0)
    # A folder contains one position of many, and keeps that position's number.
    indices[:, 3] = np.unique(indices[:, 3], return_inverse=True)[1]
    if len(np.unique(indices, axis=0)) < len(indices):
        by_labels = _layout_by_labels(table)
        if len(np.unique(indices, axis=0)) == 1:
            return by_labels or _layout_by_repeated_times(table)
        places = np.unique(indices, axis=0, return_inverse=True)[1].ravel()
        if by_labels is not None and _are_told_apart(places, table):
            return by_labels
    columns = list(indices.T)
    names: dict[str, tuple[str, ...]] = {}
    _require_distinct(columns, names, table, path)
    first = int(columns[0].min())
    columns[0] = columns[0] - first
    counts = [_read_announced(summary, name) for name in ("Frames", "Slices", "Channels")]
    counts[0] = max(counts[0] - first, 1)
    return _make_layout(columns, (*counts, 1), "Micro-Manager", names, first)


def _are_told_apart(places: Array, table: PageTable) -> bool:
    """Return whether pages with the same indices have different names."""
    named = Counter(
        (place, stamp.labels) for place, stamp in zip(places.tolist(), table.stamps, strict=True)
    )
    return max(named.values()) == 1


def _layout_by_labels(table: PageTable) -> Layout | None:
    """Return the layout by names of channels, planes and positions; time by counting."""
    keys = {
        axis: [tuple(part for part in stamp.labels if part[0] == axis) for stamp in table.stamps]
        for axis in AXES[1:]
    }
    # A name that is different in every page is a number in words, not a channel.
    keys = {axis: found for axis, found in keys.items() if 1 < len(set(found)) < len(found)}
    if not keys:
        return None
    columns, names = [], {}
    for axis in AXES[1:]:
        found = keys.get(axis, [()] * table.n_pages)
        order = list(dict.fromkeys(found))
        columns.append(np.array([order.index(key) for key in found], np.int64))
        names[axis] = tuple(" ".join(dict.fromkeys(text for _, text in key)) for key in order)
    seen: Counter[tuple[int, ...]] = Counter()
    times = []
    for place in zip(*(column.tolist() for column in columns), strict=True):
        times.append(seen[place])
        seen[place] += 1
    columns.insert(0, np.array(times, np.int64))
    return _make_layout(columns, (1, 1, 1, 1), "the names in the notes of the pages", names, 0)


def _layout_by_repeated_times(table: PageTable) -> Layout | None:
    """Return a layout of channels where every time is repeated in neighbouring pages."""
    times = table.elapsed_s
    if len(times) < 4 or not np.isfinite(times).all() or times[0] == times[-1]:
        return None
    starts = np.flatnonzero(np.diff(times, prepend=times[0] - 1) != 0)
    lengths = np.unique(np.diff(np.append(starts, len(times))))
    if len(lengths) != 1 or lengths[0] == 1:
        return None
    n_repeats = int(lengths[0])
    pages = np.arange(len(times), dtype=np.int64)
    doubt = f"each time stamp stands in {n_repeats} neighbouring pages, as if these were channels"
    columns = [pages // n_repeats, pages * 0, pages % n_repeats, pages * 0]
    return _make_layout(columns, (1, 1, 1, 1), "repeated time stamps", {}, 0, doubt)


def _make_layout(
    columns: Sequence[Array],
    announced: Sequence[int],
    source: str,
    names: dict[str, tuple[str, ...]],
    first_time: int,
    doubt: str = "",
) -> Layout | None:
    sizes = [
        max(int(column.max()) + 1, size) for column, size in zip(columns, announced, strict=True)
    ]
    if math.prod(sizes) >= 2**62:
        return None
    strides = [math.prod(sizes[axis + 1 :]) for axis in range(len(AXES))]
    planes = np.stack(columns, axis=1) @ np.array(strides, np.int64)
    return Layout(
        source, AXES, tuple(sizes), planes, names, by_pages=True, first_time=first_time, doubt=doubt
    )


def _require_distinct(
    columns: Sequence[Array], names: dict[str, tuple[str, ...]], table: PageTable, path: Path
) -> None:
    places = list(zip(*(column.tolist() for column in columns), strict=True))
    first_page: dict[tuple[int, ...], int] = {}
    for page, place in enumerate(places):
        if place in first_page:
            where = ", ".join(_name_place(columns, names, place))
            pages = f"{table.name_page(first_page[place])} and {table.name_page(page)}"
            n_more = len(places) - len(set(places)) - 1
            more = f", and {n_more} more are doubled" if n_more else ""
            raise MovieError(
                path,
                f"by the notes of its pages, {where} is there twice ({pages}){more}; export the "
                f"movie again without it, or, {READ_PAGES}",
            )
        first_page[place] = page


def _name_place(
    columns: Sequence[Array], names: dict[str, tuple[str, ...]], place: tuple[int, ...]
) -> list[str]:
    words = []
    for axis, column, value in zip(AXES, columns, place, strict=True):
        if axis == "time":
            words.append(f"frame {value}")
        elif column.max() > column.min():
            named = names.get(axis)
            words.append(f"{axis} {value}" + (f" ({named[value]})" if named else ""))
    return words


def _list_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(names[:_N_NAMED]) + more


def _read_announced(summary: dict[str, Any], name: str) -> int:
    value = number(summary, name)
    return int(value) if value is not None and 1 <= value < 2**31 else 1
