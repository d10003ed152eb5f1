"""What runners did, one line of JSON for each event; every runner has its own file."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.attempts import utc_now
from umlpsd_gpu.batch.folder import BatchFolder


class Journal:
    """Appends lines to a file; people and tests read it, no program depends on it.

    Parameters
    ----------
    folder : BatchFolder
    """

    def __init__(self, folder: BatchFolder) -> None:
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}.jsonl"
        self._path = folder.journal / name

    def note(self, event: str, **facts: Any) -> None:
        """Write a line; if the disk is full, the line is dropped without an error.

        Parameters
        ----------
        event : str
        **facts
            Plain values.
        """
        line = json.dumps({"time": utc_now(), "event": event, **facts})
        with suppress(OSError), self._path.open("a", encoding="ascii") as file:
            file.write(line + "\n")


def read_events(folder: BatchFolder) -> Iterator[dict[str, Any]]:
    """Yield what all runners have written, file by file.

    Parameters
    ----------
    folder : BatchFolder

    Yields
    ------
    dict
        Lines that a crash has cut are left out.
    """
    for path in sorted(_list_journals(folder.journal)):
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            with suppress(ValueError):
                yield json.loads(line)


def _list_journals(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl")) if folder.is_dir() else []
