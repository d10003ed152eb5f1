"""The processes of a runner, forked from a server that has imported everything.

On the CPU there is one for each input. On a GPU a process stays for the next input, with its
context of the GPU, until it fails or is stopped.
"""

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
from umlpsd_gpu.batch.worker import MOST_TRACEBACK, Job, Perform, make_study, run_jobs

PRELOAD = "umlpsd_gpu.batch.preload"
# For a process to write its traceback before it is killed [I]
LAST_WORDS_S = 1.0
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Worker:
    """A process that analyses an input.

    Attributes
    ----------
    entry : Entry
    lease : Lease
    seat : int
        Its place in the pool, from 0; selects its GPU, if there are any.
    process : BaseProcess
    answer : Connection
    more : Connection or None
        Gets the next job of a process that stays; None for one that does not.
    outcome : dict or None
        See `umlpsd_gpu.batch.worker.run_jobs`; None while it works, and if it was killed.
    began : float
        By the monotonic clock.
    warned : float or None
        When it got a signal because it took too long.
    """

    entry: Entry
    lease: Lease
    seat: int
    process: BaseProcess
    answer: connection.Connection
    more: connection.Connection | None = None
    outcome: dict[str, Any] | None = None
    began: float = field(default_factory=time.monotonic)
    warned: float | None = None

    def take(self, entry: Entry, lease: Lease, job: Job) -> Worker:
        """Give the process, which has stayed, another input.

        Parameters
        ----------
        entry : Entry
        lease : Lease
        job : Job

        Returns
        -------
        Worker
            At work on it.
        """
        assert self.more is not None
        self.more.send(job)
        return Worker(entry, lease, self.seat, self.process, self.answer, self.more)

    def receive_outcome(self) -> bool:
        """Take the answer of the process, and wait for its end if it does not stay.

        Returns
        -------
        bool
            Whether the process takes another job.
        """
        try:
            answer = json.loads(self.answer.recv_bytes())
        except (EOFError, OSError):
            answer = {"outcome": None, "stays": False}
        self.outcome = answer["outcome"]
        if answer["stays"]:
            return True
        self.close()
        self.process.join()
        return False

    def describe_end(self) -> str:
        """Say how the process ended.

        Returns
        -------
        str
            For a message.
        """
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"its process was killed by signal {-code}"
        return f"its process ended with exit code {code}"

    def read_log_end(self) -> str:
        """Return the end of what the process printed.

        Returns
        -------
        str
            Empty if it printed nothing.
        """
        try:
            text = (self.lease.work / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return text[-MOST_TRACEBACK:]

    def stop_overdue(self) -> None:
        """End the process, which took too long; its end is reported to whoever waits for it.

        First it gets a signal that makes it write its traceback; later it is killed.
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
        self.close()

    def close(self) -> None:
        """Close the connections to the process."""
        self.answer.close()
        if self.more is not None:
            self.more.close()


@dataclass
class WorkerPool:
    """Processes of a runner, at most one per seat.

    Attributes
    ----------
    n_seats : int
    gpus : sequence of str
        As CUDA_VISIBLE_DEVICES names them; seat i uses GPU i modulo their number.
    start_method : {"forkserver", "fork", "spawn"}
    also_import : sequence of str
        Modules that processes need in addition to `umlpsd_gpu.batch.preload`.
    perform : callable
        See `umlpsd_gpu.batch.worker.run_jobs`.
    at_work : list of Worker
    at_rest : dict of int to Worker
        By seat: processes on a GPU that wait for the next input; each as it did its last one.
    """

    n_seats: int
    gpus: Sequence[str] = ()
    start_method: str = "forkserver"
    also_import: Sequence[str] = ()
    perform: Perform = make_study
    at_work: list[Worker] = field(default_factory=list)
    at_rest: dict[int, Worker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Choose what processes import before they are forked."""
        self._context: Any = multiprocessing.get_context(self.start_method)
        if self.start_method == "forkserver":
            self._context.set_forkserver_preload([PRELOAD, *self.also_import])

    @property
    def has_room(self) -> bool:
        """Whether another input can be started."""
        return len(self.at_work) < self.n_seats

    def start(self, entry: Entry, lease: Lease, job: Job) -> None:
        """Give an input to a process: on a GPU to the one at its seat, if there is one.

        Parameters
        ----------
        entry : Entry
        lease : Lease
        job : Job
            Its GPU is set here.
        """
        taken = {worker.seat for worker in self.at_work}
        seat = next(seat for seat in range(self.n_seats) if seat not in taken)
        if self.gpus:
            job = replace(job, gpu=self.gpus[seat % len(self.gpus)])
        before = self.at_rest.pop(seat, None)
        if before is not None and before.process.is_alive():
            self.at_work.append(before.take(entry, lease, job))
        else:
            self.at_work.append(self._begin(entry, lease, seat, job))

    def _begin(self, entry: Entry, lease: Lease, seat: int, job: Job) -> Worker:
        """Start a process."""
        answer, their_answer = self._context.Pipe(duplex=False)
        their_more, more = self._context.Pipe(duplex=False) if job.device == "gpu" else (None, None)
        process = self._context.Process(
            target=run_jobs, args=(job, their_more, their_answer, self.perform), daemon=True
        )
        worker = Worker(entry, lease, seat, process, answer, more)
        try:
            with _limit_blas_threads():
                process.start()
        except BaseException:
            worker.close()
            raise
        finally:
            their_answer.close()
            if their_more is not None:
                their_more.close()
        return worker

    def wait(self, timeout_s: float, also: Sequence[Any] = ()) -> list[Worker]:
        """Wait until a process has answered or ended, and free the seats of all that have.

        Parameters
        ----------
        timeout_s : float
        also : sequence
            Objects with a file descriptor that also end the wait.

        Returns
        -------
        list of Worker
            Those that have answered or ended, with their outcomes.
        """
        ready = connection.wait([*(w.answer for w in self.at_work), *also], timeout_s)
        finished = [worker for worker in self.at_work if worker.answer in ready]
        self.at_work = [worker for worker in self.at_work if worker not in finished]
        for worker in finished:
            if worker.receive_outcome():
                self.at_rest[worker.seat] = worker
        return finished

    def stop_overdue(self, limit_s: float) -> None:
        """End processes that have worked for longer than a limit.

        Parameters
        ----------
        limit_s : float
        """
        for worker in self.at_work:
            if time.monotonic() - worker.began > limit_s:
                worker.stop_overdue()

    def dismiss(self, worker: Worker) -> None:
        """End one process at once.

        Parameters
        ----------
        worker : Worker
        """
        worker.kill()
        self.at_work.remove(worker)

    def close(self) -> None:
        """End the processes that wait for another input."""
        while self.at_rest:
            self.at_rest.popitem()[1].kill()


@contextmanager
def _limit_blas_threads() -> Iterator[None]:
    """Make processes that start now, and their fork server, load BLAS with one thread.

    Analyses in a batch limit it to one thread anyway. But if the limit is set after a fork,
    OpenBLAS first starts its threads, which then spin for a tenth of a second.
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


def list_gpus() -> list[str]:
    """Return the GPUs of this machine.

    Returns
    -------
    list of str
        Names that CUDA_VISIBLE_DEVICES accepts.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    from importlib import import_module

    return [str(i) for i in range(import_module("cupy").cuda.runtime.getDeviceCount())]
