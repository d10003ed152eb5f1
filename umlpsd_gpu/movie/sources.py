"""From what the user gives (file, folder, pattern, list) to TIFF files in order."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.file_names import sort_paths
from umlpsd_gpu.movie.other_formats import name_format

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".stk", ".lsm")
_N_NAMED = 3
Source = str | Path | Sequence[str | Path]


def name_movie(source: Source) -> Path:
    """Return the path that a movie is called by: its file, folder or pattern.

    Parameters
    ----------
    source : str, Path, or sequence of them
    """
    if isinstance(source, str | Path):
        return Path(source)
    if not source:
        raise MovieError("(nothing)", "an empty list of files was given; name at least one file")
    return Path(source[0]) if len(source) == 1 else Path(source[0]).parent


def find_files(source: Source) -> list[Path]:
    """Return the TIFF files of a movie, in order.

    A folder or pattern gives its files in natural order (frame_2 before frame_10); a list keeps
    the order given.

    Parameters
    ----------
    source : str, Path, or sequence of them

    Raises
    ------
    MovieError
        If there is no file, or none that could be TIFF.
    """
    if not isinstance(source, str | Path):
        return [_require_file(Path(path)) for path in source]
    path = Path(source)
    try:
        if is_pattern(path):
            return _sort_files([Path(name) for name in expand_pattern(str(path))], path)
        if path.is_dir():
            return _sort_files([p for p in path.iterdir() if looks_like_tiff(p)], path)
    except OSError as error:
        raise MovieError(
            path, f"the folder can't be listed: {error.strerror}; check its permissions"
        ) from error
    return [_require_file(path)]


def is_pattern(path: Path) -> bool:
    """Return whether what a user gave is a pattern of names.

    Parameters
    ----------
    path : Path
    """
    return glob.has_magic(str(path)) and not path.exists()


def expand_pattern(pattern: str) -> list[str]:
    """Return what a pattern matches; brackets in the name of a folder that exists are no pattern.

    Parameters
    ----------
    pattern : str
    """
    parts = Path(pattern).parts
    n_plain = 0
    while n_plain < len(parts) - 1 and os.path.isdir(os.path.join(*parts[: n_plain + 1])):
        n_plain += 1
    if not n_plain:
        return glob.glob(pattern, recursive=True)
    plain = glob.escape(os.path.join(*parts[:n_plain]))
    return glob.glob(os.path.join(plain, *parts[n_plain:]), recursive=True)


def _sort_files(files: list[Path], path: Path) -> list[Path]:
    if not files:
        raise MovieError(path, _explain_absence(path))
    return sort_paths([_require_file(file) for file in files])


def _explain_absence(path: Path) -> str:
    others: list[str] = []
    for file in sorted(path.iterdir()) if path.is_dir() else []:
        if len(others) < _N_NAMED and file.is_file() and not file.name.startswith("."):
            try:
                name = name_format(file)
            except OSError:
                continue
            if name:
                others.append(f"{file.name} is {name}")
    known = f"there is no movie; files ending in {', '.join(TIFF_SUFFIXES)} are read"
    return f"{known}: {', '.join(others)}, to be exported as TIFF" if others else known


def looks_like_tiff(path: Path) -> bool:
    """Return whether a file in a folder is a TIFF file by its name.

    Parameters
    ----------
    path : Path
    """
    # On foreign disks macOS adds a ._name file, which is no image, to each file.
    return path.suffix.lower() in TIFF_SUFFIXES and not path.name.startswith(".")


def _require_file(path: Path) -> Path:
    try:
        path.stat()
    except OSError as error:
        reason = f"the file can't be opened: {error.strerror}; check its name and permissions"
        raise MovieError(path, reason) from error
    if not path.is_file():
        raise MovieError(path, "this is not a file; name a TIFF file, or a folder of them")
    return path
