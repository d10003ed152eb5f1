"""A file that another program writes: whether it grows, and whether it is still the same file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

# Bytes of pixels by which a file is recognised
_N_COMPARED = 4096
# Of packed pixels only the end is known; before it may be a link that is still to be written
_N_COMPARED_PACKED = 16
SETTLE_S = 0.5
# Changes within a file's coarse time of change can't be told from each other.
_COARSE_S = 0.05


class WatchedFile:
    """Watches size, identity and first pixels of a file.

    Attributes
    ----------
    size : int or None
        Bytes at the last look; None while there is no file.
    has_changed : bool
        Whether the file had changed, or may have, at the last look.
    fault : str
        Why the file is lost, one sentence; else empty.
    trouble : str
        Why it can't be looked at for now, one sentence; else empty.

    Parameters
    ----------
    path : Path
    settle_s : float
        After this time without a change the file counts as settled, in seconds.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(
        self, path: Path, settle_s: float = SETTLE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.size: int | None = None
        self.trouble = ""
        self.has_changed, self.fault = False, ""
        self._path, self._settle_s, self._clock = path, settle_s, clock
        self._since_s = clock()
        self._state: tuple[int, int] | None = None
        self._identity: tuple[int, int] | None = None
        self._kept: list[tuple[int, bytes]] = []
        self._n_needed = 0

    @property
    def is_settled(self) -> bool:
        """Return whether the file has not changed for a moment."""
        return self.size is not None and self._clock() - self._since_s >= self._settle_s

    def look(self) -> None:
        """Look at the file once."""
        self.trouble = ""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            self.has_changed = False
            self.size = None
            if self._n_needed:
                self.fault = f"{self._path} vanished: it was deleted or renamed"
            return
        except OSError as error:
            # A network drive may be away for a while.
            self.has_changed = False
            self.trouble = f"{self._path} can't be reached at present ({error.strerror})"
            return
        identity, state = (found.st_dev, found.st_ino), (found.st_size, found.st_mtime_ns)
        self.fault = self._find_fault(identity, found.st_size)
        if not self._n_needed:
            self._identity = identity
        self.size = found.st_size
        if state != self._state:
            self._state, self._since_s = state, self._clock()
        self.has_changed = self._clock() - self._since_s <= _COARSE_S

    def _find_fault(self, identity: tuple[int, int], size: int) -> str:
        if self._identity not in (None, identity) and self._n_needed:
            return f"{self._path} was replaced by another file of this name"
        if size < self._n_needed:
            return (
                f"{self._path} was truncated or started anew: it has {size} bytes, but frames up "
                f"to byte {self._n_needed} had been there"
            )
        return ""

    def keep(self, start: int, stop: int) -> None:
        """Remember pixels by which the file is recognised.

        Parameters
        ----------
        start, stop : int
            First byte, and one past the last; a negative start where only the end is known.
        """
        start = max(start, stop - _N_COMPARED) if start >= 0 else stop - _N_COMPARED_PACKED
        try:
            with open(self._path, "rb", buffering=0) as file:
                file.seek(start)
                content = file.read(stop - start)
        except OSError:
            return  # the next look says why
        self._kept = [*self._kept[:1], (start, content)]

    def need(self, stop: int) -> None:
        """Note how long the file must stay.

        Parameters
        ----------
        stop : int
            One past the last byte of the frames so far.
        """
        self._n_needed = max(self._n_needed, stop)

    def is_overwritten(self) -> bool:
        """Return whether pixels that were remembered have changed."""
        with open(self._path, "rb", buffering=0) as file:
            for start, content in self._kept:
                file.seek(start)
                if file.read(len(content)) != content:
                    return True
        return False
