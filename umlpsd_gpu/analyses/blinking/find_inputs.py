"""Find the inputs of an archive: its movies, or its tables of traces where it has no movie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from umlpsd_gpu.analyses.blinking.find_movies import find_movies
from umlpsd_gpu.analyses.blinking.open import open_sources
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.findings import (
    Findings,
    Found,
    find_by_suffix,
    ignore_count,
    places_of,
)
from umlpsd_gpu.traces.suffixes import FREE_TEXT_SUFFIXES, TABLE_SUFFIXES


def find_inputs(
    archive: str,
    settings: Settings,
    is_skipped: Callable[[Path], bool],
    report: Callable[[int], None] = ignore_count,
) -> Findings:
    """Find the movies of an archive, or its tables of traces where it has no movie.

    Parameters
    ----------
    archive : str
        A folder, which is searched with its subfolders; a pattern; or a file.
    settings : Settings
    is_skipped : callable
        Takes a folder (Path); returns whether it is left out of the search.
    report : callable, optional
        Called with the number of inputs found so far.

    Returns
    -------
    Findings

    Raises
    ------
    SettingsError
        If there is no such file or folder.
    """
    _, places = places_of(archive)
    if any(not place.is_dir() and is_table(place) for place in places):
        return find_by_suffix(archive, TABLE_SUFFIXES, _opener(settings), is_skipped, report)
    movies = find_movies(archive, settings.movie, is_skipped, report)
    if movies.found or not any(place.is_dir() for place in places):
        return movies
    tables = find_by_suffix(archive, TABLE_SUFFIXES, _opener(settings), is_skipped, report)
    left_out = [(found.path, found.reason) for found in tables.found if _is_free_text(found)]
    found = [found for found in tables.found if not _is_free_text(found)]
    return replace(movies, found=found, left_out=[*movies.left_out, *left_out])


def is_table(path: Path) -> bool:
    """Return whether a file is a table of traces by its suffix.

    Parameters
    ----------
    path : Path
    """
    return path.suffix.lower() in TABLE_SUFFIXES


def _is_free_text(found: Found) -> bool:
    return found.source is None and found.path.suffix.lower() in FREE_TEXT_SUFFIXES


def _opener(settings: Settings) -> Callable[[str], object]:
    return lambda name: open_sources([name], settings)
