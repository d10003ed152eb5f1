"""The status of a batch, read from its files; no runner is asked."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.leases.lease import read_last_token
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import MovieState, find_required_result, read_movie_state

STATES = ("done", "running", "waiting", "failed", "set aside")


@dataclass(frozen=True)
class MovieStatus:
    """The status of an input.

    Attributes
    ----------
    id, name : str
    state : {"done", "running", "waiting", "failed", "set aside"}
    n_attempts : int
        Attempts that have ended, including the one that made the result.
    reason : str
        Of the last attempt that gave no result; empty if the input is done.
    host : str
        Where the input is worked on, or its result was made.
    out_of_date : bool
        There is a result, but of other settings, another version or an earlier state of the input.
    seconds : float or None
        Duration of its analysis.
    """

    id: str
    name: str
    state: str
    n_attempts: int
    reason: str
    host: str
    out_of_date: bool
    seconds: float | None


@dataclass(frozen=True)
class BatchStatus:
    """The status of all inputs of a batch.

    Attributes
    ----------
    folder : Path
    movies : tuple of MovieStatus
        In the order of the manifest.
    """

    folder: Path
    movies: tuple[MovieStatus, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of inputs in each state."""
        return {state: sum(m.state == state for m in self.movies) for state in STATES}

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        return not self.counts["running"] and not self.counts["waiting"]

    @property
    def seconds_left(self) -> float | None:
        """Time for the rest at the speed so far; None if nothing is known."""
        counts = self.counts
        known = [m.seconds for m in self.movies if m.state == "done" and m.seconds is not None]
        if not known or not counts["running"]:
            return None
        n_left = counts["running"] + counts["waiting"]
        return sum(known) / len(known) * n_left / counts["running"]

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for programs.

        Returns
        -------
        dict
        """
        return {
            "folder": str(self.folder),
            "counts": self.counts,
            "seconds_left": self.seconds_left,
            "movies": [asdict(movie) for movie in self.movies],
        }


def read_status(out: str | Path) -> BatchStatus:
    """Read the status of a batch from its files.

    Parameters
    ----------
    out : path
        Folder of the batch.

    Returns
    -------
    BatchStatus

    Raises
    ------
    SettingsError
        If there is no batch.
    """
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    device = manifest.settings.device
    movies = (
        _make_status(
            folder,
            entry,
            read_movie_state(folder, entry, find_required_result(manifest, entry, device)),
        )
        for entry in manifest.movies
    )
    return BatchStatus(folder.root, tuple(movies))


def _make_status(folder: BatchFolder, entry: Entry, movie_state: MovieState) -> MovieStatus:
    state: str = movie_state.state
    result = movie_state.result or {}
    host = str(result.get("host", ""))
    if state != "done":
        token = read_last_token(folder.claims(entry.id))
        # on a network file system our clock may differ from the one that dates files
        if token is not None and token.is_held(time.time()):
            state, host = "running", str(token.owner.get("host", ""))
    attempts = movie_state.attempts
    return MovieStatus(
        entry.id,
        entry.name,
        state,
        result.get("n_attempts", 1) if state == "done" else len(attempts),
        attempts[-1].reason if attempts else "",
        host,
        out_of_date=bool(result) and movie_state.state != "done",
        seconds=result.get("seconds"),
    )
