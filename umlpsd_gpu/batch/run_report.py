"""How a run ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.movie_state import MovieState

EXIT_FAILED, EXIT_SIGNAL = 1, 128

# Called with (event, entry, text) as the work proceeds
Tell = Callable[[str, Entry, str], None]


def tell_nobody(event: str, entry: Entry, text: str) -> None:
    """Take a message on an input and drop it.

    Parameters
    ----------
    event : str
    entry : Entry
    text : str
    """


@dataclass
class RunReport:
    """How the inputs of a run ended.

    Attributes
    ----------
    n_movies : int
        Inputs in the runner's shard.
    n_made : int
        Results that this runner has made.
    done, failed, set_aside : dict of str to MovieState
        By the name of the input, whichever runner worked on it.
    n_left : int
        Inputs without an end state when the runner stopped.
    stopped_by : int
        Signal; 0 for none.
    trouble : str
        Why the disk stopped the runner; empty if it did not.
    """

    n_movies: int
    n_made: int = 0
    done: dict[str, MovieState] = field(default_factory=dict)
    failed: dict[str, MovieState] = field(default_factory=dict)
    set_aside: dict[str, MovieState] = field(default_factory=dict)
    n_left: int = 0
    stopped_by: int = 0
    trouble: str = ""

    def add(self, entry: Entry, movie_state: MovieState) -> None:
        """Add an input that needs no more work in this run.

        Parameters
        ----------
        entry : Entry
        movie_state : MovieState
            Done, failed or set aside.
        """
        by_state = {"done": self.done, "failed": self.failed, "set aside": self.set_aside}
        by_state[movie_state.state][entry.name] = movie_state

    def count_left(self) -> None:
        """Set ``n_left`` to the number of inputs that were not added."""
        n_added = len(self.done) + len(self.failed) + len(self.set_aside)
        self.n_left = self.n_movies - n_added

    @property
    def exit_code(self) -> int:
        """0 if all is done, 1 if something failed, 128 + signal if a signal stopped the run."""
        if self.trouble or (not self.stopped_by and (self.failed or self.set_aside)):
            return EXIT_FAILED
        return EXIT_SIGNAL + self.stopped_by if self.stopped_by else 0


def explain_disk_trouble(folder: BatchFolder, reason: str) -> str:
    """Return a message on a disk that is full or failing.

    Parameters
    ----------
    folder : BatchFolder
    reason : str
        The error.

    Returns
    -------
    str
        With the free space of the batch folder.
    """
    free = ""
    with suppress(OSError):
        free = f"; {shutil.disk_usage(folder.root).free:,} bytes are free in {folder.root}"
    return f"{reason}{free}; nothing unfinished was kept: free some space and run again"
