"""Dask as launcher: a task is one movie with its lease, made by the same runner as anywhere.

What counts is in the files: Dask only says where the next movie is worked on.
"""

from __future__ import annotations

import secrets
import select
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions, Patience, dask_client
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

POLL_S = 0.2
# Attempts are counted in a movie's files; where Dask gives it up, it is asked again so often [I]
MOST_SUBMITS = 5
# Without any worker; in a queue workers may well come hours later [I]
PATIENCE_S = 120.0


def run_on_dask(
    out: str | Path,
    cluster: DaskOptions | None = None,
    options: RunOptions | None = None,
    tell: Tell = tell_nobody,
) -> RunReport:
    """Make the studies of a batch that are missing or out of date, on a Dask cluster.

    Parameters
    ----------
    out : path
        The same folder for all workers.
    cluster : DaskOptions, optional
    options : RunOptions, optional
        ``n_workers``: movies at a time, where the cluster is on this machine.
    tell : callable, optional
        Told ``(event, movie, text)``: done, failed, set aside, waiting.

    Returns
    -------
    RunReport

    Raises
    ------
    QueueError
        If Dask is not installed, no scheduler answers, or its workers keep dying.
    UmlpsdError
        What `umlpsd_gpu.batch.runner.run_batch` raises, here or on a worker.
    """
    cluster = cluster or DaskOptions()
    is_queued = cluster.slurm is not None
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    work = DaskWork(folder, manifest, options or RunOptions(), tell, is_queued)
    is_local = cluster.address is None and not is_queued
    n_workers = work.choose_workers() if is_local else 1
    if work.waiting:
        with (
            StopRequest() as stop,
            dask_client(folder, manifest, n_workers, cluster) as client,
        ):
            work.do(client, stop)
            work.report.stopped_by = stop.number
    work.count()
    return work.report


def run_one(out: str, movie_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Make the study of one movie: the body of a task, on a worker.

    Returns
    -------
    dict
        ``n_made`` and ``trouble``; how the movie stands is told by its files.
    """
    import multiprocessing

    if multiprocessing.current_process().daemon:
        raise QueueError(
            "this Dask worker may have no children, and each movie needs a process of its own; "
            "start workers with DASK_DISTRIBUTED__WORKER__DAEMON=False"
        )
    report = run_batch(out, RunOptions(movie_ids=(movie_id,), n_workers=1, **options))
    return {"n_made": report.n_made, "trouble": report.trouble}


@dataclass
class DaskWork:
    """What is left to do, and how it went so far; see `run_on_dask`."""

    folder: BatchFolder
    manifest: Manifest
    options: RunOptions
    tell: Tell
    is_queued: bool = False
    n_submits: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        i, n = self.options.shard
        self.movies = [e for e in self.manifest.movies[i - 1 :: n] if self.options.takes(e.id)]
        self.report = RunReport(len(self.movies))
        self.waiting = [e for e in self.movies if self._read_state(e).state != "done"]
        self.n_threads = self.options.n_threads
        self.open: dict[Any, Entry] = {}

    def choose_workers(self) -> int:
        """Return the processes of a cluster on this machine, which share its cores."""
        backend = choose_device(self.options.device or self.manifest.settings.device)
        if backend == "gpu" and (self.options.n_workers or 1) > 1:
            raise SettingsError(
                "Dask's workers on one machine would share one GPU; run without --dask, which "
                "gives each worker its own"
            )
        one = 1 if backend == "gpu" else choose_n_workers(self.waiting, 0)
        n_workers = self.options.n_workers or one
        self.n_threads = self.n_threads or max(1, n_cores() // n_workers)
        return n_workers

    def do(self, client: Any, stop: StopRequest) -> None:
        """Submit every movie, and again those that Dask gives up."""
        from distributed import as_completed

        for entry in self.waiting:
            self._submit(client, entry)
        patience = Patience(self.is_queued, PATIENCE_S)
        finished, deadline = as_completed(self.open, loop=client.loop), None
        while self.open:
            for future in finished.next_batch(block=False):
                again = self._take(client, future)
                if again is not None and deadline is None:
                    finished.add(again)
            if deadline is None and (stop.number or self.report.trouble):
                self._withdraw(client)
                deadline = time.monotonic() + GRACE_S
            if deadline is not None and (time.monotonic() > deadline or stop.count > 1):
                return
            select.select([stop], [], [], POLL_S)
            stop.clear()
            patience.n_workers(client)

    def count(self) -> None:
        """Look how the movies stand at the end."""
        for entry in self.movies:
            standing = self._read_state(entry)
            if standing.state != "waiting":
                self.report.add(entry, standing)
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
        """Note how a task ended; return it submitted anew where its workers died."""
        from distributed import KilledWorker

        entry = self.open.pop(future, None)
        if entry is None or future.cancelled():
            return None
        error = future.exception()
        if isinstance(error, KilledWorker):
            if self.n_submits[entry.id] < MOST_SUBMITS:
                return self._submit(client, entry)
            raise QueueError(
                f"Dask's workers keep dying with {entry.name}; see their logs, or run without Dask"
            )
        if error is not None:
            raise (
                error
                if isinstance(error, UmlpsdError)
                else QueueError(
                    f"a Dask worker could not do its task: {type(error).__name__}: {error}"
                )
            )
        answer = future.result()
        self.report.n_made += answer["n_made"]
        self.report.trouble = self.report.trouble or answer["trouble"]
        standing = self._read_state(entry)
        self.tell(standing.state, entry, _words(standing))
        return None

    def _withdraw(self, client: Any) -> None:
        """Take back all tasks but those that are being worked on."""
        at_work = {key for keys in client.run(list_running_keys).values() for key in keys}
        begun = {f: entry for f, entry in self.open.items() if f.key in at_work}
        client.cancel([f for f in self.open if f not in begun])
        self.open = begun

    def _read_state(self, entry: Entry) -> MovieState:
        device = self.options.device or self.manifest.settings.device
        return read_movie_state(
            self.folder, entry, find_required_result(self.manifest, entry, device)
        )


def list_running_keys(dask_worker: Any) -> list[str]:
    """Return the tasks that a worker has begun."""
    return [str(task.key) for task in dask_worker.state.executing]


def _words(standing: MovieState) -> str:
    if standing.attempts:
        return standing.attempts[-1].reason
    seconds = (standing.result or {}).get("seconds")
    return "" if seconds is None else f"{seconds:.1f} s"
