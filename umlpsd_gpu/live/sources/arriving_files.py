"""The TIFF files in a folder: which are new, and which are complete."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from umlpsd_gpu.movie.sources import expand_pattern, is_pattern, looks_like_tiff

# A folder's time of change may be as coarse as this.
_COARSE_S = 2.0


class _Seen(NamedTuple):
    """Size and time of change of a file, and since when they have been the same."""

    state: tuple[int, int]
    since_s: float


class ArrivingFiles:
    """Watches the TIFF files of a folder or pattern.

    Attributes
    ----------
    pending : dict of Path to tuple
        Files that were seen and not yet taken.
    vanished : set of Path
        Files that were taken and are no longer there.

    Parameters
    ----------
    place : Path
        Folder or pattern.
    settle_s : float
        A file is complete once it has not changed for this time, in seconds.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(
        self, place: Path, settle_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pending: dict[Path, _Seen] = {}
        self.vanished = set[Path]()
        self._place, self._settle_s, self._clock = place, settle_s, clock
        self._taken = set[Path]()
        self._folder_state, self._folder_since_s = -1, clock()

    def look(self) -> None:
        """Look for new and vanished files, and for changes of those that are pending."""
        if self._may_have_changed():
            names = self._list()
            self.vanished = self._taken - names
            self.pending = {path: seen for path, seen in self.pending.items() if path in names}
            for path in names - self._taken - self.pending.keys():
                self.pending[path] = _Seen((-1, -1), self._clock())
        for path, seen in list(self.pending.items()):
            try:
                found = os.stat(path)
            except OSError:
                del self.pending[path]
                continue
            state = (found.st_size, found.st_mtime_ns)
            if state != seen.state:
                self.pending[path] = _Seen(state, self._clock())

    def list_settled(self) -> list[Path]:
        """Return the pending files that have not changed for a moment."""
        now_s = self._clock()
        return [
            path
            for path, seen in self.pending.items()
            if seen.state[0] > 0 and now_s - seen.since_s >= self._settle_s
        ]

    def take(self, paths: Iterable[Path]) -> None:
        """Mark files as taken: they are no longer pending.

        Parameters
        ----------
        paths : iterable of Path
        """
        for path in paths:
            self._taken.add(path)
            self.pending.pop(path, None)

    def _may_have_changed(self) -> bool:
        if not self._place.is_dir():
            return True
        state = os.stat(self._place).st_mtime_ns
        if state != self._folder_state:
            self._folder_state, self._folder_since_s = state, self._clock()
        return self._clock() - self._folder_since_s <= _COARSE_S

    def _list(self) -> set[Path]:
        if is_pattern(self._place):
            return {Path(name) for name in expand_pattern(str(self._place))}
        try:
            with os.scandir(self._place) as entries:
                return {
                    path for entry in entries if looks_like_tiff(path := self._place / entry.name)
                }
        except OSError:
            return set()
