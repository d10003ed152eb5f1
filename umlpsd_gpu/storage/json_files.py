"""Small JSON files, written atomically, also in case of a crash and on network file systems."""

from __future__ import annotations

import errno
import json
import os
import secrets
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import OutputError
from umlpsd_gpu.storage.result_folder import sync

# Errors of a disk that is full or failing; they are not the fault of an input
DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EOPNOTSUPP}


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write or replace a file atomically; it is on disk when this returns.

    Texts that are not valid Unicode (old file names) are kept: everything is written as ASCII.

    Parameters
    ----------
    path : Path
    values : dict
        Plain values.
    """
    partial = _write_partial(path, values)
    try:
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def create_json(path: Path, values: dict[str, Any]) -> bool:
    """Write a file atomically unless it exists.

    Parameters
    ----------
    path : Path
    values : dict
        Plain values.

    Returns
    -------
    bool
        False if the file exists already. Of several processes exactly one gets True.
    """
    partial = _write_partial(path, values)
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _create_in_place(path, values)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)
    return True


def read_json(path: Path, file_format: str = "") -> dict[str, Any] | None:
    """Read a file.

    Parameters
    ----------
    path : Path
    file_format : str
        What the file must say under ``format``.

    Returns
    -------
    dict or None
        None if there is no file, or it is damaged or of another format.

    Raises
    ------
    OSError
        If the file exists but can't be read: it must not be taken for a missing one.
    """
    try:
        values = json.loads(path.read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    is_ours = isinstance(values, dict) and values.get("format", "") == file_format
    return values if is_ours else None


def write_json_text(values: dict[str, Any]) -> str:
    """Write values as JSON; equal values give equal texts.

    Parameters
    ----------
    values : dict
        Plain values.

    Returns
    -------
    str
        ASCII.
    """
    return json.dumps(values, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def refuse_links(root: Path, path: Path) -> Path:
    """Return the path, or refuse it if it contains a symbolic link.

    Parameters
    ----------
    root : Path
        Folder of the batch.
    path : Path
        Below the root.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If any part of the path below the root is a symbolic link.
    """
    part = root
    for name in path.relative_to(root).parts:
        part = part / name
        if part.is_symlink():
            raise OutputError(
                f"{part} is a symbolic link, but a batch writes only to its own folder {root}; "
                "delete the link"
            )
    return path


def _write_partial(path: Path, values: dict[str, Any]) -> Path:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("x", encoding="ascii") as file:
            file.write(write_json_text(values))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial


def _create_in_place(path: Path, values: dict[str, Any]) -> bool:
    """Write without hard links: readers may see an empty file for a moment."""
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(write_json_text(values))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    sync(path.parent)
    return True
