"""Search an archive for inputs: those found, with their headers read, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.movie.sources import expand_pattern


@dataclass(frozen=True)
class Found:
    """An input: a file, or a folder of files that belong together.

    Attributes
    ----------
    path : Path
    files : tuple of Path
        All files of the input.
    source : object or None
        The opened input; None where it can't be opened.
    reason : str
        Why it can't be opened; empty for an opened input.
    """

    path: Path
    files: tuple[Path, ...]
    source: Any
    reason: str = ""


@dataclass
class Findings:
    """The result of a search.

    Attributes
    ----------
    root : Path
        Folder to which the names of inputs are relative.
    found : list of Found
    left_out : list of (Path, str)
        Files and folders that are no inputs, with the reason.
    """

    root: Path
    found: list[Found] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


def ignore_count(n_found: int) -> None:
    """Take the number of inputs found so far and do nothing.

    Parameters
    ----------
    n_found : int
    """


def places_of(archive: str) -> tuple[Path, list[Path]]:
    """Resolve the name of an archive.

    Parameters
    ----------
    archive : str
        A folder, a file, or a pattern.

    Returns
    -------
    root : Path
        Folder to which the names of inputs are relative.
    places : list of Path
        The files and folders that the name stands for.

    Raises
    ------
    SettingsError
        If there is no such file or folder.
    """
    path = Path(archive).resolve()
    if path.is_dir():
        return path, [path]
    if path.exists():
        return path.parent, [path]
    places = [Path(name).resolve() for name in expand_pattern(archive)]
    if not places:
        raise SettingsError(
            f"there is no file or folder {archive}; give a folder, a file or a quoted pattern"
        )
    parents = [str(place.parent) for place in places]
    return Path(os.path.commonpath(parents)), sorted(set(places))


def find_by_suffix(
    archive: str,
    suffixes: Iterable[str],
    open_one: Callable[[str], Any],
    is_skipped: Callable[[Path], bool],
    report: Callable[[int], None] = ignore_count,
) -> Findings:
    """Find inputs that are one file each, by their suffix.

    Hidden files and folders are skipped; links to folders are not followed.

    Parameters
    ----------
    archive : str
        A folder, which is searched with its subfolders; a pattern; or a file.
    suffixes : iterable of str
        In lower case, with the dot.
    open_one : callable
        Opens a file, given by its name; raises `UmlpsdError` if it is no valid input.
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
    root, places = places_of(archive)
    findings, known = Findings(root), tuple(suffixes)
    for place in places:
        for path in _walk_files(place, findings, is_skipped) if place.is_dir() else [place]:
            if path.suffix.lower() in known:
                findings.found.append(_try_to_open(path, open_one))
                report(len(findings.found))
    return findings


def _walk_files(
    top: Path, findings: Findings, is_skipped: Callable[[Path], bool]
) -> Iterable[Path]:
    def note_unreadable(error: OSError) -> None:
        reason = f"it can't be listed: {error.strerror}"
        findings.left_out.append((Path(error.filename), reason))

    for name, below, files in os.walk(top, onerror=note_unreadable):
        if is_skipped(Path(name)):
            below.clear()
            continue
        below[:] = sorted(folder for folder in below if not folder.startswith("."))
        yield from (Path(name) / file for file in sorted(files) if not file.startswith("."))


def _try_to_open(path: Path, open_one: Callable[[str], Any]) -> Found:
    try:
        return Found(path, (path,), open_one(str(path)))
    except UmlpsdError as error:
        return Found(path, (path,), None, getattr(error, "reason", str(error)))
