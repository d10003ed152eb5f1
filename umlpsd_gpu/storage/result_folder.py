"""Result folders are written atomically: into a temporary folder, synced, then renamed."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import OutputError, OutputInUseError

SUMMARY = "summary.json"
FORMAT = "umlpsd study"

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@dataclass(frozen=True)
class FolderKind:
    """A type of result folder, and how it is recognised.

    Attributes
    ----------
    noun : str
        For messages.
    summary : str
        The JSON file that lists all others under ``files``.
    format : str
        Value of ``format`` in that file.
    """

    noun: str
    summary: str
    format: str


STUDY = FolderKind("study", SUMMARY, FORMAT)


def check_output(folder: str | Path, overwrite: bool = False, kind: FolderKind = STUDY) -> Path:
    """Refuse a folder that a result can't be written to, before a long computation.

    Parameters
    ----------
    folder : path
        Missing, empty, or (with ``overwrite``) with one result and nothing else.
    overwrite : bool
        Whether an existing result may be replaced.
    kind : FolderKind
        What is to be written, if not a study.

    Returns
    -------
    Path
        The folder, absolute and without symbolic links.

    Raises
    ------
    OutputInUseError
        If the folder is a file, in use, or contains anything else.
    OutputError
        If its parent folder can't be written.
    """
    try:
        target = Path(folder).resolve()
        _refuse_foreign(target, folder, overwrite, kind)
        _refuse_unmovable(target, folder, kind)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"output folder {folder} can't be used: {error}") from error
    return target


def write_whole(
    folder: str | Path,
    fill: Callable[[Path], None],
    overwrite: bool = False,
    kind: FolderKind = STUDY,
) -> Path:
    """Let ``fill`` write into a temporary folder, then move this to its place atomically.

    Parameters
    ----------
    folder : path
        See `check_output`.
    fill : callable
        Takes a folder and writes files into it, including the summary of the kind. If it raises an
        error, nothing is left, and an older result stays as it was.
    overwrite : bool
        Whether an existing result may be replaced.
    kind : FolderKind

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        As `check_output`; or if the disk is full or can't be written.
    """
    target = check_output(folder, overwrite, kind)
    try:
        replaced = _fill_and_move(target, fill, overwrite, kind)
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"the {kind.noun} can't be written to {folder}: {reason}; nothing was left there; "
            "free some space or give another folder"
        ) from error
    if replaced is not None:
        _delete(replaced, target, kind)
    return target


def read_summary(folder: Path, kind: FolderKind = STUDY) -> dict[str, Any] | None:
    """Read the summary of a result folder.

    Parameters
    ----------
    folder : Path
    kind : FolderKind

    Returns
    -------
    dict or None
        None if the folder has no summary of that kind.
    """
    try:
        summary = json.loads((folder / kind.summary).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(summary, dict) and summary.get("format") == kind.format
    return summary if is_ours else None


def files_in(folder: Path, kind: FolderKind = STUDY) -> list[str]:
    """List the files below a folder, except the summary.

    Parameters
    ----------
    folder : Path
    kind : FolderKind

    Returns
    -------
    list of str
        Sorted relative paths, with slashes.
    """
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if _is_leaf(path))
    return sorted(path for path in paths if path != kind.summary)


def _fill_and_move(
    target: Path, fill: Callable[[Path], None], overwrite: bool, kind: FolderKind
) -> Path | None:
    """Return where the replaced result is now; if anything fails, all stays as it was."""
    partial = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.mkdir()
    try:
        fill(partial)
        _sync_tree(partial)
        check_output(target, overwrite, kind)
        replaced = move_into_place(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync(target.parent)
    return replaced


def _is_leaf(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir()


def _refuse_foreign(target: Path, folder: str | Path, overwrite: bool, kind: FolderKind) -> None:
    """Refuse to replace anything but an empty folder or (overwrite) a result alone."""
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputInUseError(f"output folder {folder} is a file; give the name of a folder")
    if not any(target.iterdir()):
        return
    summary = read_summary(target, kind)
    if summary is None:
        raise OutputInUseError(
            f"output folder {folder} holds files but no {kind.noun}; give a new or an empty "
            f"folder (--overwrite only replaces a {kind.noun})"
        )
    if not overwrite:
        raise OutputInUseError(
            f"output folder {folder} already holds a {kind.noun}; give another folder, "
            "or --overwrite to replace it"
        )
    foreign = sorted(set(files_in(target, kind)) - set(summary.get("files", [])))
    if foreign:
        raise OutputInUseError(
            f"output folder {folder} holds a {kind.noun} and also {foreign[0]} "
            f"({len(foreign)} such), which --overwrite would delete; move it elsewhere or give "
            "another folder"
        )


def _refuse_unmovable(target: Path, folder: str | Path, kind: FolderKind) -> None:
    if target.exists() and (target.is_mount() or Path.cwd().is_relative_to(target)):
        raise OutputInUseError(
            f"output folder {folder} is a mount point or the folder you are in, which can't be "
            f"replaced atomically; give a folder inside it, as {Path(folder) / kind.noun}"
        )
    nearest = next(parent for parent in target.parents if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(
            f"output folder {folder} can't be written: {nearest} is no folder you may write to; "
            "give another folder"
        )


def move_into_place(partial: Path, target: Path) -> Path | None:
    """Rename a finished folder to its place.

    Parameters
    ----------
    partial, target : Path
        On the same file system.

    Returns
    -------
    Path or None
        Where the replaced folder is now; None if there was none.

    Raises
    ------
    OSError
        If ``partial`` is missing or can't be moved; ``target`` stays as it was.
    """
    if not target.exists():
        partial.rename(target)
        return None
    if not any(target.iterdir()):
        target.rmdir()
        partial.rename(target)
        return None
    if _exchange(partial, target):
        return partial
    aside = target.with_name(f".{target.name}.replaced-{secrets.token_hex(4)}")
    target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        aside.rename(target)
        raise
    return aside


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names atomically; False if the system or file system can't."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(second))


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk.

    Parameters
    ----------
    path : Path
    """
    if not path.is_dir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    elif os.name == "posix":  # Windows can't open a folder, and journals its renames
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _delete(replaced: Path, target: Path, kind: FolderKind) -> None:
    try:
        shutil.rmtree(replaced)
    except OSError as error:
        raise OutputError(
            f"the new {kind.noun} is in {target}, but the old one, moved to {replaced}, can't be "
            f"deleted: {error.strerror}; delete it yourself"
        ) from error
