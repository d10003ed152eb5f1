"""Small JSON files that are whole or not there, also after a crash and on network file systems."""

from __future__ import annotations

import errno
import json
import os
import secrets
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import OutputError
from umlpsd_gpu.storage.result_folder import sync

# What a disk answers that has no room or is failing; no movie is to blame for it
DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EOPNOTSUPP}


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write or replace a file in one step, on disk when this returns.

    Text that is no Unicode (file names of other days) survives: it is written in ASCII.
    """
    partial = _partial(path, values)
    try:
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def create_json(path: Path, values: dict[str, Any]) -> bool:
    """Write a file that nobody else has written; False where there is one already.

    Of several processes exactly one gets True, and nobody ever reads a part of the file.
    """
    partial = _partial(path, values)
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
    """Return a file's content; None where there is no file, or not a whole one of that format.

    Raises
    ------
    OSError
        If it can't be read: what is not known to be missing must not be made again.
    """
    try:
        values = json.loads(path.read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    is_ours = isinstance(values, dict) and values.get("format", "") == file_format
    return values if is_ours else None


def text_of(values: dict[str, Any]) -> str:
    """Return JSON, the same for the same values."""
    return json.dumps(values, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def refuse_links(root: Path, path: Path) -> Path:
    """Return the path; refuse one that a symbolic link leads out of the batch folder.

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
                f"{part} is a symbolic link, and a batch writes nowhere but into its own folder "
                f"{root}; delete the link"
            )
    return path


def _partial(path: Path, values: dict[str, Any]) -> Path:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("x", encoding="ascii") as file:
            file.write(text_of(values))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial


def _create_in_place(path: Path, values: dict[str, Any]) -> bool:
    """Do without hard links: readers may meet an empty file for a moment."""
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(text_of(values))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    sync(path.parent)
    return True
