"""Notes of pages that repeat in a rhythm: perhaps channels, though nothing says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from tifffile import TiffFile, TiffPage

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.layout import Layout
from umlpsd_gpu.movie.micromanager import parse_json
from umlpsd_gpu.movie.page_table import PageTable
from umlpsd_gpu.movie.tiff_errors import raise_movie_error

_N_PAGES_READ = 64
_LONGEST_PERIOD = 8
_FEWEST_PERIODS = 3
_LONGEST_TEXT = 100_000
_LINE = re.compile(r"^\s*([\w .\[\]-]{1,60}?)\s*[=:]\s*(\S.{0,80}?)\s*$", re.MULTILINE)


def rhythmic_layout(table: PageTable) -> Layout | None:
    """Return a layout of channels where a field of the notes repeats regularly; else None.

    A filter that alternates from page to page is such a field. The first 64 pages are looked at.

    Parameters
    ----------
    table : PageTable
    """
    if table.n_pages < 2 * _FEWEST_PERIODS:
        return None
    try:
        fields = _read_fields(table)
    except MovieError:
        return None
    found = _find_rhythm(fields)
    if found is None:
        return None
    name, values = found
    period = len(values)
    pages = np.arange(table.n_pages, dtype=np.int64)
    distinct = ", ".join(dict.fromkeys(values))
    n_times = -(-table.n_pages // period)
    return Layout(
        "the notes of the pages",
        ("time", "channel"),
        (n_times, period),
        pages,
        {"channel": tuple(values)},
        by_pages=True,
        doubt=f"the notes of the pages differ regularly in '{name}' ({distinct}), as if these "
        "were channels",
    )


def _read_fields(table: PageTable) -> list[dict[str, str]]:
    """Return the plain fields in the notes of the first pages."""
    fields: list[dict[str, str]] = []
    n_pages = min(table.n_pages, _N_PAGES_READ)
    tif: TiffFile | None = None
    at = -1
    try:
        for page in range(n_pages):
            file = int(table.file[page])
            with raise_movie_error(table.paths[file]):
                if file != at:
                    if tif is not None:
                        tif.close()
                    tif, at = TiffFile(table.paths[file]), file
                assert tif is not None
                fields.append(_fields_of(tif, int(table.ifd[page])))
            if not fields[-1]:
                return []
    finally:
        if tif is not None:
            tif.close()
    return fields


def _fields_of(tif: TiffFile, ifd: int) -> dict[str, str]:
    if ifd < 0:
        return {}
    tif.filehandle.seek(ifd)
    page = TiffPage(tif, index=0)
    note: Any = page.tags.valueof(51123)
    if isinstance(note, str):
        note = parse_json(note)
    if isinstance(note, dict):
        return {
            str(name): str(value)
            for name, value in note.items()
            if isinstance(value, str | int | float)
        }
    text = page.description[:_LONGEST_TEXT]
    # ImageJ describes the file, not the page, and how bright it was shown.
    if text.startswith("ImageJ="):
        return {}
    return {found[1]: found[2] for found in _LINE.finditer(text)}


def _find_rhythm(fields: Sequence[dict[str, str]]) -> tuple[str, list[str]] | None:
    """Return the field with the shortest rhythm, and its values in one period."""
    if len(fields) < 2 * _FEWEST_PERIODS:
        return None
    best: tuple[str, list[str]] | None = None
    for name in fields[0]:
        values = [field.get(name, "") for field in fields]
        period = _find_period(values)
        if period and (best is None or period < len(best[1])):
            best = (name, values[:period])
    return best


def _find_period(values: Sequence[str]) -> int:
    """Return the period of values, 0 where they are all equal or don't repeat."""
    if len(set(values)) == 1:
        return 0
    for period in range(2, min(_LONGEST_PERIOD, len(values) // _FEWEST_PERIODS) + 1):
        if all(a == b for a, b in zip(values, values[period:], strict=False)):
            return period
    return 0
