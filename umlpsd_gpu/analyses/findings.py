"""What a search for inputs finds, opened by their headers, and what it leaves out."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import SettingsError, UmlpsdError


@dataclass(frozen=True)
class Found:
    """A file, or a folder of files that belong together, that is an input or should be one.

    Attributes
    ----------
    path : Path
    files : tuple of Path
        All that the input is made of.
    source : object or None
        What the analysis opened; None where it can't be opened.
    reason : str
        Why not.
    """

    path: Path
    files: tuple[Path, ...]
    source: Any
    reason: str = ""


@dataclass
class Findings:
    """What a search has found so far.

    Attributes
    ----------
    root : Path
        Names of inputs are relative to it.
    found : list of Found
    left_out : list of (Path, str)
        What was not taken for an input, and why.
    """

    root: Path
    found: list[Found] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


def places_of(archive: str) -> tuple[Path, list[Path]]:
    """Return the folder that names are relative to, and the files and folders that a name means.

    Parameters
    ----------
    archive : str
        A folder, a file, or a pattern.

    Raises
    ------
    SettingsError
        If nothing has that name.
    """
    path = Path(archive).resolve()
    if path.is_dir():
        return path, [path]
    if path.exists():
        return path.parent, [path]
    places = [Path(name).resolve() for name in glob.glob(archive, recursive=True)]
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
    tell: Callable[[int], None] = lambda n_found: None,
) -> Findings:
    """Find inputs that are one file each, known by their suffix.

    Parameters
    ----------
    archive : str
        A folder, searched with all folders below it; a pattern; or a file.
    suffixes : iterable of str
        In lower case, with the dot.
    open_one : callable
        Opens the file of that name by its header.
    is_skipped : callable
        Says of a folder that it is not to be searched.
    tell : callable, optional
        Called with the number of inputs found so far.

    Raises
    ------
    SettingsError
        If nothing of that name is there.
    """
    root, places = places_of(archive)
    findings, wanted = Findings(root), tuple(suffixes)
    for place in places:
        for path in _files_below(place, findings, is_skipped) if place.is_dir() else [place]:
            if path.suffix.lower() in wanted:
                findings.found.append(_opened(path, open_one))
                tell(len(findings.found))
    return findings


def _files_below(
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


def _opened(path: Path, open_one: Callable[[str], Any]) -> Found:
    try:
        return Found(path, (path,), open_one(str(path)))
    except UmlpsdError as error:
        return Found(path, (path,), None, getattr(error, "reason", str(error)))
