"""One thread for what takes seconds, so that frames never wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class GivenUp(Exception):
    """A job was told to end early; raised inside it."""


class Background:
    """Runs one job at a time in one thread.

    Attributes
    ----------
    cpu_s : float
        Processor time that the thread has taken, in seconds.
    """

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self._is_ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._result: Any = None
        self._error: BaseException | None = None

    @property
    def is_free(self) -> bool:
        """Return whether no job runs and no result waits."""
        return self._thread is None

    def start(self, job: Callable[[], Any]) -> None:
        """Start a job.

        Parameters
        ----------
        job : callable
            Should call `check` from time to time.

        Raises
        ------
        RuntimeError
            If another job has not been taken.
        """
        if self._thread is not None:
            raise RuntimeError("one job at a time")
        self._result = self._error = None
        # a daemon: the program can end at once
        self._thread = threading.Thread(target=self._run, args=(job,), daemon=True)
        self._thread.start()

    def _run(self, job: Callable[[], Any]) -> None:
        begin = time.thread_time()
        try:
            self._result = job()
        except BaseException as error:
            self._error = error
        self.cpu_s += time.thread_time() - begin

    def check(self, *progress: object) -> None:
        """End the job early if it was told so; called inside it.

        Parameters
        ----------
        *progress : object
            Ignored.

        Raises
        ------
        GivenUp
        """
        if self._is_ending.is_set():
            raise GivenUp

    def take(self) -> Any:
        """Return the result of the job that ended; None if none has.

        Raises
        ------
        BaseException
            What the job raised.
        """
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread.join()
        self._thread = None
        result, error = self._result, self._error
        self._result = self._error = None
        if error is not None and not isinstance(error, GivenUp):
            raise error
        return result

    def close(self) -> None:
        """Tell the job to end early, and wait for it; its result is dropped."""
        self._is_ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
