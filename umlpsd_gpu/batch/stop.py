"""Signals that ask a runner to stop."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType
from typing import Any

# Ctrl-C; what kill and systems going down send; a terminal closed; SLURM's warning before the end
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class StopRequest:
    """Notes the first signal and how many there were; wakes up who waits for it.

    Inside ``with``, in the main thread; in other threads signals go where they went before.

    Attributes
    ----------
    number : int
        The first signal; 0 for none.
    count : int
    """

    def __init__(self) -> None:
        self.number, self.count = 0, 0
        self._before: dict[int, Any] = {}
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)

    def fileno(self) -> int:
        """Return what becomes readable when a signal comes."""
        return self._reader.fileno()

    def clear(self) -> None:
        """Empty what woke the waiting, so that it can wait again."""
        try:
            while self._reader.recv(64):
                pass
        except BlockingIOError:
            return

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # nohup has it ignored, and means so
                if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._note)
            self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno())
        return self

    def __exit__(self, *problem: object) -> None:
        if self._before:
            signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        self.count += 1
