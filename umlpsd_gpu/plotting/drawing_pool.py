"""Processes that draw figures in parallel with the caller.

They import matplotlib while the caller computes. `ProcessPoolExecutor` is not used because it
imports the caller's main module again, leaves processes behind if the caller is killed, and can be
interrupted by Ctrl-C while starting.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import local
from typing import Any

# python -c would look for modules in the working directory first
START = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from umlpsd_gpu.plotting.drawing_process import main; main()"
)
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
# [I] there are seven figures, one of which takes a third of the time
MOST_DRAWERS = 4
END_S = 2.0  # [I] an idle process ends within a tenth of a second


@contextmanager
def drawing_pool(n_processes: int) -> Iterator[Executor | None]:
    """Start processes that draw, and end them on leaving; yield None if there are none.

    Parameters
    ----------
    n_processes : int
        In addition to the calling process; 0 for none. Fewer are started if the system allows no
        more.

    Yields
    ------
    Executor or None
        Tasks must be importable functions. A task that no process has started can be cancelled; one
        whose process was killed raises `BrokenProcessPool`.
    """
    processes: list[_Process] = []
    pool = None
    try:
        with suppress(OSError):  # no memory, or too many processes: the caller draws
            for _ in range(n_processes):
                processes.append(_Process())
        pool = _Pool(processes) if processes else None
        yield pool
    finally:
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.end()


class _Process:
    """A process connected by two pipes; it ends by itself when this one ends."""

    def __init__(self) -> None:
        # in its own group, so that Ctrl-C reaches only the caller, which then ends this process
        self._popen = subprocess.Popen(
            [sys.executable, "-c", START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            process_group=0 if os.name == "posix" else None,
        )
        self._is_idle = False

    def warmed_up(self) -> None:
        """Wait until the process can draw, or has ended."""
        with suppress(BrokenProcessPool):
            self._answer()

    def call(self, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Return, or raise, the result of a task in the process."""
        sent = pickle.dumps((task, arguments))
        self._is_idle = False
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(sent)
            self._popen.stdin.flush()
        except OSError as error:
            raise BrokenProcessPool("a drawing process has ended") from error
        return self._answer()

    def end(self) -> None:
        """End the process: by closing its input if it is idle, otherwise at once."""
        if self._is_idle and self._popen.stdin is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._popen.stdin.close()
                self._popen.wait(END_S)
        self._popen.kill()
        with suppress(BrokenPipeError), self._popen:
            pass  # waits for the process and closes its pipes

    def _answer(self) -> Any:
        assert self._popen.stdout is not None
        try:
            is_well, answer = pickle.load(self._popen.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            raise BrokenProcessPool("a drawing process has ended") from error
        self._is_idle = True
        if not is_well:
            raise answer
        return answer


class _Pool(Executor):
    """One thread per process, which sends tasks and waits for the results."""

    def __init__(self, processes: list[_Process]) -> None:
        self._unclaimed: SimpleQueue[_Process] = SimpleQueue()
        for process in processes:
            self._unclaimed.put(process)
        self._mine = local()
        self._threads = ThreadPoolExecutor(len(processes), initializer=self._claim)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if kwargs:
            raise TypeError("a drawing pool takes tasks without keywords")
        return self._threads.submit(self._elsewhere, fn, args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _claim(self) -> None:
        self._mine.process = self._unclaimed.get_nowait()
        # until the process can draw, tasks can be cancelled
        self._mine.process.warmed_up()

    def _elsewhere(self, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        return self._mine.process.call(task, arguments)
