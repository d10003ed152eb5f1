"""A runner analyses inputs until none needs work; it may be killed at any time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from umlpsd_gpu.batch.attempts import read_attempts
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import STUDY, BatchFolder
from umlpsd_gpu.batch.journal import Journal
from umlpsd_gpu.batch.leases.lease import (
    BEATS_PER_TERM,
    Lease,
    claim,
    delete_leftovers,
    read_file_system_time,
)
from umlpsd_gpu.batch.machine import choose_address_space_mb, choose_n_workers
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import MovieState, find_required_result, read_movie_state
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.outcomes import OutcomeWriter
from umlpsd_gpu.batch.run_report import RunReport, Tell, explain_disk_trouble, tell_nobody
from umlpsd_gpu.batch.stop import StopRequest
from umlpsd_gpu.batch.worker import Job
from umlpsd_gpu.batch.worker_pool import Worker, WorkerPool, list_gpus
from umlpsd_gpu.compute.backend import choose_device, n_cores
from umlpsd_gpu.storage.json_files import DISK_TROUBLE

# For running analyses to finish when a runner is to stop; 10 s are allowed
GRACE_S = 5.0
POLL_S = 1.0  # between looks at an input that another runner has claimed [I]
LOOK_S = 0.5  # of looking for inputs that need work, then signals and leases are served [I]


def run_batch(
    out: str | Path, options: RunOptions | None = None, tell: Tell = tell_nobody
) -> RunReport:
    """Make the results of a batch that are missing or out of date.

    Any number of runners may work on one batch, on all machines that share its folder.

    Parameters
    ----------
    out : path
        Folder of the batch.
    options : RunOptions, optional
    tell : callable, optional
        Called with ``(event, entry, text)``; events are started, done, failed, crashed, overdue,
        set aside and late.

    Returns
    -------
    RunReport
        How every input of the shard ended, and why the runner stopped early if it did.

    Raises
    ------
    SettingsError
        If there is no manifest, or an option is not allowed.
    DeviceError
        If the requested device is not available.
    OutputError
        If a part of the batch folder is a symbolic link.
    """
    return Runner(BatchFolder.at(out), read_manifest(out), options or RunOptions(), tell).run()


@dataclass
class Runner:
    """A runner at work; see `run_batch`.

    Attributes
    ----------
    folder : BatchFolder
    manifest : Manifest
    options : RunOptions
    tell : callable
    """

    folder: BatchFolder
    manifest: Manifest
    options: RunOptions
    tell: Tell

    def __post_init__(self) -> None:
        """Choose device, workers and threads."""
        options, settings = self.options, self.manifest.settings
        asked_for = options.device or settings.device
        self.backend = choose_device(asked_for)
        i, n = options.shard
        inputs = [e for e in self.manifest.movies[i - 1 :: n] if options.takes(e.id)]
        gpus = list_gpus() if self.backend == "gpu" else []
        self.n_workers = options.n_workers or choose_n_workers(inputs, len(gpus))
        share = max(1, n_cores() // self.n_workers)
        self.n_threads = options.n_threads or settings.n_threads or share
        self.worker_pool = WorkerPool(
            self.n_workers,
            gpus,
            options.start_method,
            (*self.manifest.analysis.preload, *options.also_import),
            options.perform,
        )
        self.settings = settings.canonical().model_dump(mode="json")
        self.required = {e.id: find_required_result(self.manifest, e, asked_for) for e in inputs}
        self.report = RunReport(len(inputs))
        self.waiting = deque(inputs)
        self.seen: dict[str, int] = {}
        self.not_before: dict[str, float] = {}
        self.next_beat = 0.0
        self.is_interrupted = False
        self.manifest_stamp = _get_stamp(self.folder)
        self.journal = Journal(self.folder)
        self.outcomes = OutcomeWriter(
            self.folder,
            self.manifest,
            self.required,
            self.backend,
            options.limit_s,
            self.journal,
            self.report,
            self.tell,
        )

    def run(self) -> RunReport:
        """Work until no input needs work, or somebody asks to stop.

        Returns
        -------
        RunReport
        """
        with StopRequest() as stop:
            try:
                self._guard(self._prepare)
                self._work(stop)
            finally:
                for worker in list(self.worker_pool.at_work):
                    self._roll_back(worker, "rolled back")
                self.worker_pool.close()
        # after its end: a signal that comes earlier is still counted here
        self.report.stopped_by = stop.number
        self.report.count_left()
        return self.report

    def _prepare(self) -> None:
        self.folder.make()
        self.journal.note("began", manifest=self.manifest.digest)
        delete_leftovers(self.folder, read_file_system_time(self.folder))
        n_ended = {}
        for entry in self.waiting:
            keys = set(self.required[entry.id].keys.values())
            past = read_attempts(self.folder.claims(entry.id), keys)
            self.seen[entry.id] = past[-1].number if past else 0
            n_ended[entry.id] = sum(attempt.kind != "failed" for attempt in past)
        # inputs whose processes were killed wait until the others are done
        self.waiting = deque(sorted(self.waiting, key=lambda entry: n_ended[entry.id]))

    def _work(self, stop: StopRequest) -> None:
        deadline = None
        while True:
            is_stopping = bool(stop.number or self.report.trouble)
            if is_stopping and deadline is None:
                deadline = time.monotonic() + GRACE_S
            if not is_stopping:
                self._guard(self._fill)
            if not self.worker_pool.at_work and (is_stopping or not self.waiting):
                return
            for worker in self.worker_pool.wait(self._choose_wait_s(deadline), [stop]):
                self._guard(partial(self._finish, worker))
            stop.clear()
            self._guard(self._beat)
            if self.options.limit_s is not None:
                self.worker_pool.stop_overdue(self.options.limit_s)
            if deadline is not None and (time.monotonic() > deadline or stop.count > 1):
                return

    def _choose_wait_s(self, deadline: float | None) -> float:
        if deadline is not None:
            return max(0.0, min(deadline - time.monotonic(), POLL_S))
        if self.is_interrupted:
            return 0.0
        return min(self.options.term_s / BEATS_PER_TERM, POLL_S)

    def _guard(self, step: Callable[[], None]) -> None:
        """Do a step; a full or failing disk stops the runner and is not an input's failure."""
        try:
            step()
        except OSError as error:
            if error.errno not in DISK_TROUBLE:
                raise
            self.report.trouble = explain_disk_trouble(self.folder, str(error))

    def _fill(self) -> None:
        """Start inputs until all workers are busy, but serve signals in between."""
        self.is_interrupted = False
        if _get_stamp(self.folder) != self.manifest_stamp:
            self.report.trouble = f"{self.folder.manifest} was replaced during the run; run again"
            return
        deadline = time.monotonic() + LOOK_S
        for _ in range(len(self.waiting)):
            self.is_interrupted = time.monotonic() > deadline
            if self.is_interrupted or not self.worker_pool.has_room:
                return
            entry = self.waiting.popleft()
            if self.not_before.get(entry.id, 0.0) > time.monotonic() or not self._try(entry):
                self.waiting.append(entry)

    def _try(self, entry: Entry) -> bool:
        """Report an input that needs no work, or start it; False: another runner has it."""
        if self._settle(entry):
            return True
        now = read_file_system_time(self.folder)
        lease = claim(self.folder, entry.id, self.options.term_s, now)
        if lease is None:
            self.not_before[entry.id] = time.monotonic() + POLL_S
            return False
        try:
            self.outcomes.record_interrupted(entry, lease)
            # its last holder may have committed just before it lost the lease
            if self._settle(entry):
                lease.release()
                return True
            self.worker_pool.start(entry, lease, self._make_job(entry, lease))
        except BaseException:
            lease.release()
            raise
        self.journal.note("claimed", movie=entry.id, token=lease.number)
        self.tell("started", entry, "")
        return True

    def _settle(self, entry: Entry) -> bool:
        """Report how an input ended; False: it still needs work."""
        movie_state = self._read_state(entry)
        if movie_state.state == "waiting":
            return False
        self.report.add(entry, movie_state)
        if movie_state.state == "set aside":
            self.tell("set aside", entry, movie_state.attempts[-1].reason)
        return True

    def _read_state(self, entry: Entry) -> MovieState:
        required, seen = self.required[entry.id], self.seen.get(entry.id, 0)
        return read_movie_state(self.folder, entry, required, seen, self.options.retry)

    def _make_job(self, entry: Entry, lease: Lease) -> Job:
        limit_mb = self.options.memory_mb
        if limit_mb is None:
            limit_mb = choose_address_space_mb(entry, self.n_workers, self.n_threads)
        result = self._read_state(entry).result
        lacks_figures_only = self.required[entry.id].has_same_numbers(result)
        earlier = str(self.folder.result(entry.id) / STUDY) if lacks_figures_only else None
        return Job(
            movie=str(self.manifest.path_of(entry)),
            content=entry.content,
            content_kind=self.manifest.content_kind,
            written=entry.written,
            analysis=self.manifest.settings.analysis,
            settings=self.settings,
            device=self.backend,
            n_threads=self.n_threads,
            gpu=None,
            memory_mb=limit_mb or None,
            figures=self.manifest.figures,
            work=str(lease.work),
            earlier=earlier,
        )

    def _finish(self, worker: Worker) -> None:
        self.outcomes.write(worker)
        if not self._settle(worker.entry):
            self.waiting.append(worker.entry)

    def _beat(self) -> None:
        """Give a sign of life for every running input; stop those that others have taken."""
        if time.monotonic() < self.next_beat:
            return
        self.next_beat = time.monotonic() + self.options.term_s / BEATS_PER_TERM
        for worker in list(self.worker_pool.at_work):
            if not worker.lease.beat():
                self._roll_back(worker, "late")
                self.waiting.append(worker.entry)

    def _roll_back(self, worker: Worker, event: str) -> None:
        self.worker_pool.dismiss(worker)
        worker.lease.release()
        self.journal.note(event, movie=worker.entry.id, token=worker.lease.number)


def _get_stamp(folder: BatchFolder) -> tuple[int, int]:
    """Return values that change when the manifest is replaced."""
    stat = folder.manifest.stat()
    return stat.st_ino, stat.st_mtime_ns
