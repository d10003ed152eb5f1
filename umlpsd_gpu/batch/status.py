"""How a batch stands, read from its files; no runner is asked."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.leases.lease import last_token
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import MovieState, state_of, wanted_of

STATES = ("done", "running", "waiting", "failed", "set aside")


@dataclass(frozen=True)
class MovieStatus:
    """How a movie stands.

    Attributes
    ----------
    id, name : str
    state : {"done", "running", "waiting", "failed", "set aside"}
    n_attempts : int
        That have ended, the one that made the study among them.
    reason : str
        Of the last that gave no study; empty for a movie that is done.
    host : str
        Where it runs, or its study was made.
    out_of_date : bool
        A study is there, but of other settings, another version or an earlier state of the movie.
    seconds : float or None
        Its study took.
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
    """How all movies stand.

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
        """Return the number of movies in each state."""
        return {state: sum(m.state == state for m in self.movies) for state in STATES}

    @property
    def is_settled(self) -> bool:
        """Say whether nothing is left to be done."""
        return not self.counts["running"] and not self.counts["waiting"]

    @property
    def seconds_left(self) -> float | None:
        """Return how long the rest takes if it goes on as so far; None where nothing is known."""
        counts = self.counts
        known = [m.seconds for m in self.movies if m.state == "done" and m.seconds is not None]
        if not known or not counts["running"]:
            return None
        n_left = counts["running"] + counts["waiting"]
        return sum(known) / len(known) * n_left / counts["running"]

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for programs."""
        return {
            "folder": str(self.folder),
            "counts": self.counts,
            "seconds_left": self.seconds_left,
            "movies": [asdict(movie) for movie in self.movies],
        }


def read_status(out: str | Path) -> BatchStatus:
    """Look at the files of a batch.

    Raises
    ------
    SettingsError
        If there is no batch.
    """
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    device = manifest.settings.device
    movies = (
        _status_of(folder, entry, state_of(folder, entry, wanted_of(manifest, entry, device)))
        for entry in manifest.movies
    )
    return BatchStatus(folder.root, tuple(movies))


def _status_of(folder: BatchFolder, entry: Entry, standing: MovieState) -> MovieStatus:
    state: str = standing.state
    result = standing.result or {}
    host = str(result.get("host", ""))
    if state != "done":
        token = last_token(folder.state(entry.id))
        # on a network file system our clock may differ from the one that dates files
        if token is not None and token.is_held(time.time()):
            state, host = "running", str(token.owner.get("host", ""))
    last = standing.attempts[-1].reason if standing.attempts else ""
    return MovieStatus(
        entry.id,
        entry.name,
        state,
        result.get("n_attempts", 1) if state == "done" else len(standing.attempts),
        last,
        host,
        out_of_date=bool(result) and standing.state != "done",
        seconds=result.get("seconds"),
    )
