"""What went wrong with a movie, attempt by attempt."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from umlpsd_gpu.storage.json_files import read_json, write_json

FORMAT = "umlpsd batch attempt"
MOST_CRASHES = 3
# Attempts whose runner vanished with them. The movie may have brought the machine down, but just as
# well somebody may have killed many jobs one after the other [I]
MOST_LOST = 10
_PREFIX = "attempt."


@dataclass(frozen=True)
class Attempt:
    """An attempt that gave no study.

    Attributes
    ----------
    number : int
        Of its lease.
    kind : {"failed", "crashed", "overdue", "lost"}
        The analysis gave an error; its process was killed; it took longer than the limit; its
        runner vanished.
    reason : str
        One sentence.
    traceback : str
        Empty where there is none.
    study_key : str
        What was to be made; see `umlpsd_gpu.batch.keys`.
    host : str
    ended : str
        UTC, ISO 8601.
    """

    number: int
    kind: Literal["failed", "crashed", "overdue", "lost"]
    reason: str
    traceback: str
    study_key: str
    host: str
    ended: str


def record(state: Path, attempt: Attempt) -> None:
    """Keep an attempt; only the holder of the movie's lease does."""
    values = {"format": FORMAT, **asdict(attempt)}
    write_json(state / f"{_PREFIX}{attempt.number}.json", values)


def attempts_on(state: Path, study_keys: set[str]) -> list[Attempt]:
    """Return the attempts to make one of these studies, oldest first; [] where nothing is wrong."""
    try:
        names = [name for name in os.listdir(state) if name.startswith(_PREFIX)]
    except FileNotFoundError:
        return []
    found = [read_json(state / name, FORMAT) for name in names]
    attempts = [
        Attempt(**{name: values[name] for name in Attempt.__dataclass_fields__})
        for values in found
        if values is not None and values.get("study_key") in study_keys
    ]
    return sorted(attempts, key=lambda attempt: attempt.number)


def is_set_aside(attempts: list[Attempt]) -> bool:
    """Say whether a movie has brought down so many processes that it is not tried again."""
    kinds = [attempt.kind for attempt in attempts]
    n_crashes = kinds.count("crashed") + kinds.count("overdue")
    return n_crashes >= MOST_CRASHES or kinds.count("lost") >= MOST_LOST


def utc_now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
