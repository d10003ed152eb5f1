"""What a runner did, a line of JSON each; every runner has a file of its own."""

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
    """Appends lines; for people and tests, nothing rests on them."""

    def __init__(self, folder: BatchFolder) -> None:
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}.jsonl"
        self._path = folder.journal / name

    def note(self, event: str, **facts: Any) -> None:
        """Write a line; a full disk costs no more than the line."""
        line = json.dumps({"time": utc_now(), "event": event, **facts})
        with suppress(OSError), self._path.open("a", encoding="ascii") as file:
            file.write(line + "\n")


def events_of(folder: BatchFolder) -> Iterator[dict[str, Any]]:
    """Yield what all runners have noted; lines cut by a crash are left out."""
    for path in sorted(_journals(folder.journal)):
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            with suppress(ValueError):
                yield json.loads(line)


def _journals(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl")) if folder.is_dir() else []
