"""Signals that ask a runner to stop."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType
from typing import Any

# Ctrl-C; kill and a system that shuts down; a closed terminal; SLURM's warning before the end
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class StopRequest:
    """Remembers the first signal, counts all, and wakes up whoever waits for one.

    Works inside ``with`` in the main thread; in other threads signals are handled as before.

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
        """Return the file descriptor that becomes readable when a signal comes.

        Returns
        -------
        int
        """
        return self._reader.fileno()

    def clear(self) -> None:
        """Empty the file descriptor, so that one can wait for the next signal."""
        try:
            while self._reader.recv(64):
                pass
        except BlockingIOError:
            return

    def __enter__(self) -> StopRequest:
        """Handle the signals from now on."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # nohup ignores this signal on purpose
                if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._note)
            self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno())
        return self

    def __exit__(self, *problem: object) -> None:
        """Handle the signals as before."""
        if self._before:
            signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        self.count += 1
