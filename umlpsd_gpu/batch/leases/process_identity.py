"""Who holds a lease, and whether that process can still be there."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Return what tells this process from every other, on this machine and elsewhere."""
    return {**_machine(), "pid": os.getpid(), "started": _started(os.getpid())}


def is_gone(owner: dict[str, Any]) -> bool:
    """Say whether a process has surely ended; False where that can't be known from here."""
    here = _machine()
    if not here["boot"] or any(owner.get(name) != here[name] for name in here):
        return False
    started = _started(int(owner.get("pid", 0)))
    return started is None or started != owner.get("started")


@cache
def _machine() -> dict[str, str]:
    """Return host, boot and namespace of process numbers: numbers compare only within them."""
    return {"host": socket.gethostname(), "boot": _boot(), "processes": _namespace()}


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process began, in clock ticks since boot; None where it is no more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the name of the program, in brackets, may hold anything
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
