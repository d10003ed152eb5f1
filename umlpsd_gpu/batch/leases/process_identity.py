"""Which process holds a lease, and whether it can still be running."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any


def identify_this_process() -> dict[str, Any]:
    """Return values that no other process has, on this machine or another.

    Returns
    -------
    dict
        Host, boot, namespace of process numbers, process number and start time.
    """
    return {**_identify_machine(), "pid": os.getpid(), "started": _read_start(os.getpid())}


def is_gone(owner: dict[str, Any]) -> bool:
    """Return whether a process has certainly ended.

    Parameters
    ----------
    owner : dict
        From `identify_this_process`, called in that process.

    Returns
    -------
    bool
        False if that can't be known from here.
    """
    here = _identify_machine()
    if not here["boot"] or any(owner.get(name) != here[name] for name in here):
        return False
    started = _read_start(int(owner.get("pid", 0)))
    return started is None or started != owner.get("started")


@cache
def _identify_machine() -> dict[str, str]:
    """Return host, boot and namespace: process numbers are comparable only within them."""
    return {"host": socket.gethostname(), "boot": _read_boot(), "processes": _read_namespace()}


def _read_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _read_start(pid: int) -> str | None:
    """Return when a process began, in clock ticks since boot; None if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the name of the program, in brackets, may contain anything
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
