"""Attempts that gave no result: one JSON file for each, in the input's folder of claims."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from umlpsd_gpu.storage.json_files import read_json, write_json

FORMAT = "umlpsd batch attempt"
MOST_CRASHES = 3
# Attempts whose runner vanished. The input may have brought the machine down, but somebody may
# also have killed many jobs one after the other [I]
MOST_LOST = 10
_PREFIX = "attempt."

AttemptKind = Literal["failed", "crashed", "overdue", "lost"]


@dataclass(frozen=True)
class Attempt:
    """An attempt that gave no result.

    Attributes
    ----------
    number : int
        Number of its lease.
    kind : {"failed", "crashed", "overdue", "lost"}
        ``failed``: the analysis raised an error. ``crashed``: its process was killed. ``overdue``:
        it took longer than the time limit. ``lost``: its runner vanished.
    reason : str
        One sentence.
    traceback : str
        Empty if there is none.
    study_key : str
        Key of the result that was to be made; see `umlpsd_gpu.batch.keys`.
    host : str
    ended : str
        UTC, ISO 8601.
    """

    number: int
    kind: AttemptKind
    reason: str
    traceback: str
    study_key: str
    host: str
    ended: str


def record_attempt(claims: Path, attempt: Attempt) -> None:
    """Write an attempt to its file; only the holder of the input's lease may do this.

    Parameters
    ----------
    claims : Path
        The input's folder of claims.
    attempt : Attempt
    """
    values = {"format": FORMAT, **asdict(attempt)}
    write_json(claims / f"{_PREFIX}{attempt.number}.json", values)


def read_attempts(claims: Path, keys: set[str]) -> list[Attempt]:
    """Read the failed attempts to make one of several equivalent results.

    Parameters
    ----------
    claims : Path
        The input's folder of claims.
    keys : set of str
        Keys of these results.

    Returns
    -------
    list of Attempt
        Oldest first; empty if nothing went wrong.
    """
    try:
        names = [name for name in os.listdir(claims) if name.startswith(_PREFIX)]
    except FileNotFoundError:
        return []
    stored = [read_json(claims / name, FORMAT) for name in names]
    attempts = [
        Attempt(**{name: values[name] for name in Attempt.__dataclass_fields__})
        for values in stored
        if values is not None and values.get("study_key") in keys
    ]
    return sorted(attempts, key=lambda attempt: attempt.number)


def is_set_aside(attempts: list[Attempt]) -> bool:
    """Return whether an input has ended so many processes that it is not tried again.

    Parameters
    ----------
    attempts : list of Attempt
        All of the input.

    Returns
    -------
    bool
    """
    kinds = [attempt.kind for attempt in attempts]
    n_crashes = kinds.count("crashed") + kinds.count("overdue")
    return n_crashes >= MOST_CRASHES or kinds.count("lost") >= MOST_LOST


def utc_now() -> str:
    """Return the time now.

    Returns
    -------
    str
        UTC, ISO 8601, to the second.
    """
    return datetime.now(UTC).isoformat(timespec="seconds")
