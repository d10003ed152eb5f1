"""One live run for each output folder: a lock that a killed run can't keep."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from umlpsd_gpu.batch.leases.process_identity import identify_this_process
from umlpsd_gpu.errors import OutputError, OutputInUseError

FILE = "live.lock"


class FolderLock:
    """Keeps other live runs out of a folder inside ``with``.

    The system frees the lock when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
        Is created if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._descriptor = -1

    def __enter__(self) -> FolderLock:
        """Take the lock.

        Raises
        ------
        OutputInUseError
            If another run has it.
        OutputError
            If the folder can't be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(
                f"{self._path.parent} can't be written ({error.strerror or error}); give another "
                "folder with --out"
            ) from error
        if not _try_lock(self._descriptor):
            owner = _read_owner(self._descriptor)
            os.close(self._descriptor)
            raise OutputInUseError(
                f"another live run ({owner}) writes to {self._path.parent}; wait until it has "
                "ended, or give another folder with --out"
            )
        self._write_owner()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free the lock; the file stays, since another run may have opened it already."""
        os.close(self._descriptor)

    def _write_owner(self) -> None:
        text = json.dumps(identify_this_process()).encode("ascii")
        try:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, text)
        except OSError:
            # on a full disk the lock holds all the same; only its name is missing
            return


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _try_lock_byte(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_byte(descriptor: int) -> bool:
    from importlib import import_module

    msvcrt: Any = import_module("msvcrt")
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _read_owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.read(descriptor, 4096))
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, LookupError):
        return "of an unknown process"
