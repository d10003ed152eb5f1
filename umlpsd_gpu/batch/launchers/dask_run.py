"""Run a batch on Dask: a task is one input, analysed by the same runner as everywhere.

Only the files of the batch count: Dask decides where the next input is analysed.
"""

from __future__ import annotations

import secrets
import select
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers.dask_cluster import (
    POLL_S,
    DaskOptions,
    Patience,
    dask_client,
    explain_task_error,
)
from umlpsd_gpu.batch.launchers.slurm import QueueError
from umlpsd_gpu.batch.machine import choose_n_workers
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import MovieState, find_required_result, read_movie_state
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.run_report import RunReport, Tell, tell_nobody
from umlpsd_gpu.batch.runner import GRACE_S, run_batch
from umlpsd_gpu.batch.stop import StopRequest
from umlpsd_gpu.compute.backend import choose_device, n_cores
from umlpsd_gpu.errors import SettingsError, UmlpsdError

# Attempts are counted in an input's files; if Dask gives up its task, it is submitted again [I]
MOST_SUBMITS = 5


def run_on_dask(
    out: str | Path,
    cluster: DaskOptions | None = None,
    options: RunOptions | None = None,
    tell: Tell = tell_nobody,
) -> RunReport:
    """Make the results of a batch that are missing or out of date, on a Dask cluster.

    Parameters
    ----------
    out : path
        Folder of the batch; the same path for all workers.
    cluster : DaskOptions, optional
    options : RunOptions, optional
        ``n_workers``: inputs at a time, if the cluster is on this machine.
    tell : callable, optional
        Called with ``(event, entry, text)``; events are done, failed, set aside and waiting.

    Returns
    -------
    RunReport

    Raises
    ------
    QueueError
        If Dask is not installed, no scheduler answers, or its workers die again and again.
    UmlpsdError
        As `umlpsd_gpu.batch.runner.run_batch`, here or on a worker.
    """
    cluster = cluster or DaskOptions()
    is_queued = cluster.slurm is not None
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    work = DaskWork(folder, manifest, options or RunOptions(), tell, is_queued)
    n_workers = work.choose_workers() if cluster.is_local else 1
    if work.waiting:
        with StopRequest() as stop, dask_client(folder, n_workers, cluster) as client:
            work.run(client, stop)
            work.report.stopped_by = stop.number
    work.count()
    return work.report


def run_one(out: str, movie_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Analyse one input; this is a task on a worker.

    Parameters
    ----------
    out : str
        Folder of the batch.
    movie_id : str
    options : dict
        Of `umlpsd_gpu.batch.options.RunOptions`.

    Returns
    -------
    dict
        ``n_made`` and ``trouble``; the state of the input is in its files.

    Raises
    ------
    QueueError
        If this worker may not start processes.
    """
    import multiprocessing

    if multiprocessing.current_process().daemon:
        raise QueueError(
            "this Dask worker may not start processes, but each input needs its own process; "
            "start workers with DASK_DISTRIBUTED__WORKER__DAEMON=False"
        )
    report = run_batch(out, RunOptions(movie_ids=(movie_id,), n_workers=1, **options))
    return {"n_made": report.n_made, "trouble": report.trouble}


@dataclass
class DaskWork:
    """Inputs left to analyse on a cluster, and how the others ended; see `run_on_dask`.

    Attributes
    ----------
    folder : BatchFolder
    manifest : Manifest
    options : RunOptions
    tell : callable
    is_queued : bool
        Whether workers may start much later.
    n_submits : Counter of str
        How often each input was submitted, by its id.
    """

    folder: BatchFolder
    manifest: Manifest
    options: RunOptions
    tell: Tell
    is_queued: bool = False
    n_submits: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Read which inputs need work."""
        i, n = self.options.shard
        self.movies = [e for e in self.manifest.movies[i - 1 :: n] if self.options.takes(e.id)]
        self.report = RunReport(len(self.movies))
        self.waiting = [e for e in self.movies if self._read_state(e).state != "done"]
        self.n_threads = self.options.n_threads
        self.open: dict[Any, Entry] = {}

    def choose_workers(self) -> int:
        """Choose the number of processes of a cluster on this machine; they share its cores.

        Returns
        -------
        int

        Raises
        ------
        SettingsError
            If several processes would share a GPU.
        """
        backend = choose_device(self.options.device or self.manifest.settings.device)
        if backend == "gpu" and (self.options.n_workers or 1) > 1:
            raise SettingsError(
                "Dask's workers on one machine would share one GPU; without --dask each worker "
                "gets its own"
            )
        one = 1 if backend == "gpu" else choose_n_workers(self.waiting, 0)
        n_workers = self.options.n_workers or one
        self.n_threads = self.n_threads or max(1, n_cores() // n_workers)
        return n_workers

    def run(self, client: Any, stop: StopRequest) -> None:
        """Submit every input, and again those that Dask gives up.

        Parameters
        ----------
        client : distributed.Client
        stop : StopRequest
        """
        for entry in self.waiting:
            self._submit(client, entry)
        patience = Patience(self.is_queued)
        finished: Any = import_module("distributed").as_completed(self.open, loop=client.loop)
        deadline = None
        while self.open:
            for future in finished.next_batch(block=False):
                again = self._take(client, future)
                if again is not None and deadline is None:
                    finished.add(again)
            if deadline is None and (stop.number or self.report.trouble):
                self._cancel_waiting(client)
                deadline = time.monotonic() + GRACE_S
            if deadline is not None and (time.monotonic() > deadline or stop.count > 1):
                return
            select.select([stop], [], [], POLL_S)
            stop.clear()
            patience.count_workers(client)

    def count(self) -> None:
        """Add the inputs to the report as they are at the end."""
        for entry in self.movies:
            movie_state = self._read_state(entry)
            if movie_state.state != "waiting":
                self.report.add(entry, movie_state)
        self.report.count_left()

    def _submit(self, client: Any, entry: Entry) -> Any:
        self.n_submits[entry.id] += 1
        names = ("device", "memory_mb", "term_s", "limit_s", "retry", "perform", "also_import")
        choices = {name: getattr(self.options, name) for name in names}
        future = client.submit(
            run_one,
            str(self.folder.root),
            entry.id,
            {**choices, "n_threads": self.n_threads},
            key=f"{entry.id}-{secrets.token_hex(4)}",
            pure=False,
        )
        self.open[future] = entry
        return future

    def _take(self, client: Any, future: Any) -> Any:
        """Note how a task ended; if its workers died, submit it again and return it."""
        from distributed import KilledWorker

        entry = self.open.pop(future, None)
        if entry is None or future.cancelled():
            return None
        error = future.exception()
        if isinstance(error, KilledWorker):
            if self.n_submits[entry.id] < MOST_SUBMITS:
                return self._submit(client, entry)
            raise QueueError(
                f"Dask's workers die again and again with {entry.name}; see their logs, or run "
                "without Dask"
            )
        if error is not None:
            raise error if isinstance(error, UmlpsdError) else explain_task_error(error)
        answer = future.result()
        self.report.n_made += answer["n_made"]
        self.report.trouble = self.report.trouble or answer["trouble"]
        movie_state = self._read_state(entry)
        self.tell(movie_state.state, entry, _describe(movie_state))
        return None

    def _cancel_waiting(self, client: Any) -> None:
        """Cancel all tasks except the running ones."""
        keys = {key for keys in client.run(list_running_keys).values() for key in keys}
        running = {f: entry for f, entry in self.open.items() if f.key in keys}
        client.cancel([f for f in self.open if f not in running])
        self.open = running

    def _read_state(self, entry: Entry) -> MovieState:
        device = self.options.device or self.manifest.settings.device
        return read_movie_state(
            self.folder, entry, find_required_result(self.manifest, entry, device)
        )


def list_running_keys(dask_worker: Any) -> list[str]:
    """Return the tasks that a worker has started.

    Parameters
    ----------
    dask_worker : distributed.Worker

    Returns
    -------
    list of str
        Their keys.
    """
    return [str(task.key) for task in dask_worker.state.executing]


def _describe(movie_state: MovieState) -> str:
    if movie_state.attempts:
        return movie_state.attempts[-1].reason
    seconds = (movie_state.result or {}).get("seconds")
    return "" if seconds is None else f"{seconds:.1f} s"
