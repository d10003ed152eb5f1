"""Find maps of curves in an archive: files of microscopes and arrays, or else text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.curves.reading.read import (
    ARRAY_SUFFIXES,
    CURVE_SUFFIXES,
    TEXT_SUFFIXES,
)
from umlpsd_gpu.analyses.findings import Findings, find_by_suffix

MAP_SUFFIXES = (*CURVE_SUFFIXES, *ARRAY_SUFFIXES)


def find_maps(
    archive: str,
    open_one: Callable[[str], Any],
    is_skipped: Callable[[Path], bool],
    report: Callable[[int], None],
) -> Findings:
    """Find the maps of an archive; every file is a map.

    Parameters
    ----------
    archive : str
        A folder, a pattern or a file.
    open_one : callable
        Opens a file, given by its name.
    is_skipped : callable
        Takes a folder; returns whether it is left out of the search.
    report : callable
        Called with the number of maps found so far.

    Returns
    -------
    Findings
        Text files only where there is no other map.

    Raises
    ------
    SettingsError
        If there is no such file or folder.
    """
    findings = find_by_suffix(archive, MAP_SUFFIXES, open_one, is_skipped, report)
    if findings.found:
        return findings
    return find_by_suffix(archive, TEXT_SUFFIXES, open_one, is_skipped, report)
