"""Ctrl-C during a live run: once to end it cleanly, twice to end it at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class CleanStop:
    """Remembers Ctrl-C inside ``with`` in the main thread; a second one raises KeyboardInterrupt.

    Attributes
    ----------
    is_asked : bool
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._before: Any = None
        self._handles = False

    def __enter__(self) -> CleanStop:
        """Handle Ctrl-C from now on."""
        self._handles = threading.current_thread() is threading.main_thread()
        if self._handles:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Handle Ctrl-C as before."""
        if self._handles:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
