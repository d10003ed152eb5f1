"""Single files that a user asked for by name, written atomically."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from umlpsd_gpu.errors import OutputError, OutputInUseError


def write_file(path: str | Path, content: bytes, overwrite: bool = False) -> Path:
    """Write a file that is either complete or absent.

    Parameters
    ----------
    path : path
        Its folder must exist.
    content : bytes
    overwrite : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        The file, absolute.

    Raises
    ------
    OutputInUseError
        If the file exists and may not be replaced, or is a folder.
    OutputError
        If it can't be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_file(f"{folder}/a.txt", b"text").read_text()
    'text'
    """
    target = Path(path).absolute()
    if target.is_dir():
        raise OutputInUseError(f"{path} is a folder; give the name of a file")
    if target.exists() and not overwrite:
        raise OutputInUseError(f"{path} exists; give another name, or add --overwrite")
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path} can't be written ({error})") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return target
