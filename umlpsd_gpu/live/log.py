"""live.jsonl: one line of JSON for each update of a live run."""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import OutputError
from umlpsd_gpu.live.snapshot import Snapshot

FILE = "live.jsonl"
_READ_BYTES = 65_536


class LiveLog:
    """Appends lines to live.jsonl; each is written whole or not at all.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OutputError
        If the file can't be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            _remove_torn_line(self._descriptor)
        except OSError as error:
            raise OutputError(
                f"{self.path} can't be written ({error.strerror or error}); give another folder "
                "with --out"
            ) from error

    def write(self, snapshot: Snapshot) -> None:
        """Append the line of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot

        Raises
        ------
        OutputError
            If it can't be written; the file is as before.
        """
        line = (json.dumps(line_of(snapshot), allow_nan=False) + "\n").encode("ascii")
        try:
            before = os.fstat(self._descriptor).st_size
            # one call: a reader sees half a line for an instant at most
            if os.write(self._descriptor, line) < len(line):
                os.ftruncate(self._descriptor, before)
                raise OSError(0, "no space for a whole line")
        except OSError as error:
            raise OutputError(
                f"{self.path} can't be written ({error.strerror or error}): the analysis goes on, "
                "and the line of this update is missing; free some space"
            ) from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def line_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return the plain values of a line; None where something is not known.

    Parameters
    ----------
    snapshot : Snapshot
    """
    decided = snapshot.history[-1] if snapshot.history else None
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "update": snapshot.number,
        "state": snapshot.state,
        "movie": snapshot.name,
        "n_frames": snapshot.n_frames,
        "n_arrived": snapshot.n_arrived,
        "dt_s": snapshot.dt_s,
        "lag_s": round(snapshot.lag_s, 3),
        "n_emitters": 0 if snapshot.traces is None else snapshot.traces.n_traces,
        "decided_at": None if decided is None else decided.n_frames,
        "k": None if decided is None else decided.k,
        "probability": None if decided is None else _finite(decided.confidence),
        "cluster_sizes": [] if decided is None else list(decided.sizes),
        "beta": [] if decided is None else [_finite(beta) for beta in decided.betas],
        "beta_stderr": [] if decided is None else [_finite(e) for e in decided.beta_errors],
        "alarms": [
            {"kind": alarm.kind, "since_frame": alarm.since_frame, "text": alarm.text}
            for alarm in snapshot.alarms
        ],
        "hint": snapshot.hint,
        "message": snapshot.message,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _remove_torn_line(descriptor: int) -> None:
    """Cut what follows the last end of a line, as a crash of the machine may leave it."""
    size = os.fstat(descriptor).st_size
    end = size
    while end > 0:
        begin = max(0, end - _READ_BYTES)
        os.lseek(descriptor, begin, os.SEEK_SET)
        newline = os.read(descriptor, end - begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    if end < size:
        os.ftruncate(descriptor, end)
