"""The processes of a runner, one a movie, forked off a server that has imported everything."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.batch.folder import LOG
from umlpsd_gpu.batch.leases.lease import Lease
from umlpsd_gpu.batch.worker import MOST_TRACEBACK, Job, Perform, make_study, run_task

PRELOAD = "umlpsd_gpu.batch.preload"
# [I] for a process to write down where it hangs, before it is killed
LAST_WORDS_S = 1.0
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Worker:
    """A process at work on a movie.

    Attributes
    ----------
    entry : Entry
    lease : Lease
    seat : int
        Which of the crew's places it has, from 0; its card, where there are any.
    process : BaseProcess
    answer : Connection
    began : float
        By the monotonic clock.
    warned : float or None
        When it was told to end because it took too long.
    """

    entry: Entry
    lease: Lease
    seat: int
    process: BaseProcess
    answer: connection.Connection
    began: float = field(default_factory=time.monotonic)
    warned: float | None = None

    def outcome(self) -> dict[str, Any] | None:
        """Return what the process answered and wait for its end; None where it was killed."""
        try:
            text = self.answer.recv_bytes()
        except (EOFError, OSError):
            text = b""
        self.answer.close()
        self.process.join()
        return json.loads(text) if text else None

    def end_in_words(self) -> str:
        """Say how the process ended."""
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"its process was killed by signal {-code}"
        return f"its process ended with exit code {code}"

    def last_words(self) -> str:
        """Return the end of what the process printed."""
        try:
            text = (self.lease.work / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return text[-MOST_TRACEBACK:]

    def stop_overdue(self) -> None:
        """End the process, which took too long; who waits for it hears of that.

        At first by a signal that lets it write down where it hangs.
        """
        if self.warned is not None:
            if time.monotonic() - self.warned > LAST_WORDS_S:
                self.process.kill()
        elif self.process.pid is not None:
            self.warned = time.monotonic()
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGABRT)

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.join()
        self.answer.close()


@dataclass
class WorkerPool:
    """As many processes at a time as there are seats.

    Attributes
    ----------
    n_seats : int
    gpus : sequence of str
        Cards, as CUDA_VISIBLE_DEVICES names them; dealt to the seats in turn.
    start_method : {"forkserver", "fork", "spawn"}
    also_import : sequence of str
        Modules beside those of `umlpsd_gpu.batch.preload` that processes would have to import.
    perform : callable
    """

    n_seats: int
    gpus: Sequence[str] = ()
    start_method: str = "forkserver"
    also_import: Sequence[str] = ()
    perform: Perform = make_study
    at_work: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._context: Any = multiprocessing.get_context(self.start_method)
        if self.start_method == "forkserver":
            self._context.set_forkserver_preload([PRELOAD, *self.also_import])

    @property
    def has_room(self) -> bool:
        """Say whether another movie can be begun."""
        return len(self.at_work) < self.n_seats

    def start(self, entry: Entry, lease: Lease, job: Job) -> None:
        """Begin with a movie."""
        taken = {worker.seat for worker in self.at_work}
        seat = next(seat for seat in range(self.n_seats) if seat not in taken)
        if self.gpus:
            job = replace(job, gpu=self.gpus[seat % len(self.gpus)])
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=run_task, args=(job, theirs, self.perform), daemon=True
        )
        try:
            with _blas_of_one_thread():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.at_work.append(Worker(entry, lease, seat, process, ours))

    def wait(self, timeout_s: float, also: Sequence[Any] = ()) -> list[Worker]:
        """Wait until processes have answered or ended; return and let go of those.

        Parameters
        ----------
        timeout_s : float
        also : sequence
            What else ends the waiting: anything with a file descriptor.
        """
        ready = connection.wait([*(w.answer for w in self.at_work), *also], timeout_s)
        finished = [worker for worker in self.at_work if worker.answer in ready]
        self.at_work = [worker for worker in self.at_work if worker not in finished]
        return finished

    def stop_overdue(self, limit_s: float) -> None:
        """End processes that have been at work for longer."""
        for worker in self.at_work:
            if time.monotonic() - worker.began > limit_s:
                worker.stop_overdue()

    def dismiss(self, worker: Worker) -> None:
        """End one process at once."""
        worker.kill()
        self.at_work.remove(worker)


@contextmanager
def _blas_of_one_thread() -> Iterator[None]:
    """Let processes that start, the server they are forked off too, load BLAS with one thread.

    Studies of a batch limit it to one anyway; but told so after a fork, OpenBLAS first starts its
    threads, which then spin for a tenth of a second.
    """
    before = {name: os.environ.get(name) for name in BLAS_THREADS}
    os.environ.update(dict.fromkeys(BLAS_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def visible_gpus() -> list[str]:
    """Return the cards of this machine by the names that CUDA_VISIBLE_DEVICES takes."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    from importlib import import_module

    return [str(i) for i in range(import_module("cupy").cuda.runtime.getDeviceCount())]
