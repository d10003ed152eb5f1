"""What came out of a run."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.movie_state import MovieState

EXIT_FAILED, EXIT_SIGNAL = 1, 128


@dataclass
class RunReport:
    """How the movies of a run ended.

    Attributes
    ----------
    n_movies : int
        In the runner's shard.
    n_made : int
        Studies that this runner has made.
    done, failed, set_aside : dict of str to MovieState
        By the movie's name, whoever worked on it.
    n_left : int
        Not settled when the runner stopped.
    stopped_by : int
        Signal; 0 for none.
    trouble : str
        Why the disk stopped the runner; empty where it did not.
    """

    n_movies: int
    n_made: int = 0
    done: dict[str, MovieState] = field(default_factory=dict)
    failed: dict[str, MovieState] = field(default_factory=dict)
    set_aside: dict[str, MovieState] = field(default_factory=dict)
    n_left: int = 0
    stopped_by: int = 0
    trouble: str = ""

    def settle(self, entry: Entry, standing: MovieState) -> None:
        """Note how a movie ended."""
        by_state = {"done": self.done, "failed": self.failed, "set aside": self.set_aside}
        by_state[standing.state][entry.name] = standing

    @property
    def n_settled(self) -> int:
        """Return how many movies need no more work in this run."""
        return len(self.done) + len(self.failed) + len(self.set_aside)

    @property
    def exit_code(self) -> int:
        """Return 0 if all is done, 1 if something failed, 128 + signal if it was stopped."""
        if self.trouble or (not self.stopped_by and (self.failed or self.set_aside)):
            return EXIT_FAILED
        return EXIT_SIGNAL + self.stopped_by if self.stopped_by else 0


def disk_message(folder: BatchFolder, reason: str) -> str:
    """Say that the disk is full or failing, where, and how much is free."""
    free = ""
    with suppress(OSError):
        free = f"; {shutil.disk_usage(folder.root).free:,} bytes are free in {folder.root}"
    return f"{reason}{free}; nothing unfinished was kept, so free some space and run again"
