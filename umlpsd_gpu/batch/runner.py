"""A runner: takes movies one after the other until all are settled, and may be killed any time."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.attempts import Attempt, attempts_on, record, utc_now
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import STUDY, BatchFolder
from umlpsd_gpu.batch.journal import Journal
from umlpsd_gpu.batch.leases.lease import (
    BEATS_PER_TERM,
    Lease,
    LeaseLostError,
    claim,
    delete_left_over,
    file_system_time,
)
from umlpsd_gpu.batch.machine import address_space_mb, default_workers
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import DONE_FORMAT, MovieState, state_of, wanted_of
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.run_report import RunReport, disk_message
from umlpsd_gpu.batch.stop import StopRequest
from umlpsd_gpu.batch.worker import Job
from umlpsd_gpu.batch.worker_pool import Worker, WorkerPool, visible_gpus
from umlpsd_gpu.compute.backend import choose_device, n_cores
from umlpsd_gpu.errors import DeviceError
from umlpsd_gpu.storage.json_files import DISK_TROUBLE

GRACE_S = 5.0  # that movies at work have to finish when a runner is to stop; 10 s are allowed
POLL_S = 1.0  # between looks at a movie that another runner holds [I]
LOOK_S = 0.5  # of looking for movies that need work, then signals and leases have their turn [I]


Tell = Callable[[str, Entry, str], None]


def run_batch(
    out: str | Path,
    options: RunOptions | None = None,
    tell: Tell = lambda event, entry, text: None,
) -> RunReport:
    """Make the studies of a batch that are missing or out of date.

    Any number of runners may work on one batch, on any machines that share its folder.

    Parameters
    ----------
    out : path
    options : RunOptions, optional
    tell : callable, optional
        Told ``(event, movie, text)``: started, done, failed, crashed, overdue, set aside, late.

    Returns
    -------
    RunReport
        How every movie of the shard stands, and why the runner stopped early if it did.

    Raises
    ------
    SettingsError
        If there is no manifest, or an option is not allowed.
    DeviceError
        If the device asked for is not there.
    OutputError
        If a part of the batch folder is a symbolic link.
    """
    return Runner(BatchFolder.at(out), read_manifest(out), options or RunOptions(), tell).run()


@dataclass
class Runner:
    """The state of a runner; see `run_batch`."""

    folder: BatchFolder
    manifest: Manifest
    options: RunOptions
    tell: Tell

    def __post_init__(self) -> None:
        options, settings = self.options, self.manifest.settings
        asked_for = options.device or settings.device
        self.backend = choose_device(asked_for)
        i, n = options.shard
        movies = [e for e in self.manifest.movies[i - 1 :: n] if options.takes(e.id)]
        gpus = visible_gpus() if self.backend == "gpu" else []
        self.n_workers = options.n_workers or default_workers(movies, len(gpus))
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
        self.wanted = {e.id: wanted_of(self.manifest, e, asked_for) for e in movies}
        self.report = RunReport(len(movies))
        self.waiting = deque(movies)
        self.seen: dict[str, int] = {}
        self.not_before: dict[str, float] = {}
        self.next_beat = 0.0
        self.is_interrupted = False
        self.manifest_stamp = _stamp(self.folder)

    def run(self) -> RunReport:
        """Work until every movie is settled or somebody says stop."""
        with StopRequest() as stop:
            try:
                self._guarded(self._prepare)
                self._work(stop)
            finally:
                for worker in list(self.worker_pool.at_work):
                    self._roll_back(worker, "rolled back")
            self.report.stopped_by = stop.number
        self.report.n_left = self.report.n_movies - self.report.n_settled
        return self.report

    def _prepare(self) -> None:
        self.folder.make()
        self.journal = Journal(self.folder)
        self.journal.note("began", manifest=self.manifest.digest)
        delete_left_over(self.folder, file_system_time(self.folder))
        suspects = {}
        for entry in self.waiting:
            keys = set(self.wanted[entry.id].keys.values())
            past = attempts_on(self.folder.state(entry.id), keys)
            self.seen[entry.id] = past[-1].number if past else 0
            suspects[entry.id] = sum(attempt.kind != "failed" for attempt in past)
        # movies that brought processes down wait until the others are done
        self.waiting = deque(sorted(self.waiting, key=lambda entry: suspects[entry.id]))

    def _work(self, stop: StopRequest) -> None:
        deadline = None
        while True:
            stopping = bool(stop.number or self.report.trouble)
            if stopping and deadline is None:
                deadline = time.monotonic() + GRACE_S
            if not stopping:
                self._guarded(self._fill)
            if not self.worker_pool.at_work and (stopping or not self.waiting):
                return
            for worker in self.worker_pool.wait(self._patience_s(deadline), [stop]):
                self._guarded(partial(self._finish, worker))
            stop.clear()
            self._guarded(self._beat)
            if self.options.limit_s is not None:
                self.worker_pool.stop_overdue(self.options.limit_s)
            if deadline is not None and (time.monotonic() > deadline or stop.count > 1):
                return

    def _patience_s(self, deadline: float | None) -> float:
        if deadline is not None:
            return max(0.0, min(deadline - time.monotonic(), POLL_S))
        if self.is_interrupted:
            return 0.0
        return min(self.options.term_s / BEATS_PER_TERM, POLL_S)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do a step; a disk that is full or failing stops the runner, no movie is blamed."""
        try:
            step()
        except OSError as error:
            if error.errno not in DISK_TROUBLE:
                raise
            self.report.trouble = disk_message(self.folder, str(error))

    def _fill(self) -> None:
        """Begin with as many movies as there is room for, but don't keep signals waiting."""
        self.is_interrupted = False
        if _stamp(self.folder) != self.manifest_stamp:
            self.report.trouble = (
                f"{self.folder.manifest} was replaced while its movies were worked on; run again"
            )
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
        """Settle a movie or begin with it; False where another runner has it."""
        if self._settle(entry):
            return True
        now = file_system_time(self.folder)
        lease = claim(self.folder, entry.id, self.options.term_s, now)
        if lease is None:
            self.not_before[entry.id] = time.monotonic() + POLL_S
            return False
        try:
            self._record_interrupted(entry, lease)
            # its last holder may have finished just before it was fenced off
            if self._settle(entry):
                lease.release()
                return True
            self.worker_pool.start(entry, lease, self._job(entry, lease))
        except BaseException:
            lease.release()
            raise
        self.journal.note("claimed", movie=entry.id, token=lease.number)
        self.tell("started", entry, "")
        return True

    def _settle(self, entry: Entry) -> bool:
        """Note how a movie ended, if it has."""
        standing = self._state_of(entry)
        if standing.state == "waiting":
            return False
        self.report.settle(entry, standing)
        if standing.state == "set aside":
            self.tell("set aside", entry, standing.attempts[-1].reason)
        return True

    def _state_of(self, entry: Entry) -> MovieState:
        wanted, seen = self.wanted[entry.id], self.seen.get(entry.id, 0)
        return state_of(self.folder, entry, wanted, seen, self.options.retry)

    def _job(self, entry: Entry, lease: Lease) -> Job:
        limit_mb = self.options.memory_mb
        if limit_mb is None:
            limit_mb = address_space_mb(entry, self.n_workers, self.n_threads)
        result = self._state_of(entry).result
        is_drawn_anew = self.wanted[entry.id].is_same_study(result)
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
            made_before=str(self.folder.result(entry.id) / STUDY) if is_drawn_anew else None,
        )

    def _finish(self, worker: Worker) -> None:
        """Commit a study, or keep what went wrong."""
        try:
            outcome = worker.outcome()
            if outcome is not None and outcome["status"] == "done":
                self._commit(worker, outcome)
            else:
                self._take_failure(worker, outcome)
        except LeaseLostError as error:
            self._late(worker, str(error))
        finally:
            worker.lease.release()
        if not self._settle(worker.entry):
            self.waiting.append(worker.entry)

    def _commit(self, worker: Worker, outcome: dict[str, Any]) -> None:
        entry, lease = worker.entry, worker.lease
        device = outcome.get("device", self.backend)
        facts = {name: outcome[name] for name in outcome if name != "status"}
        keys = self.wanted[entry.id].keys
        past = attempts_on(self.folder.state(entry.id), set(keys.values()))
        done = {
            "format": DONE_FORMAT,
            "movie": entry.name,
            "content": entry.content,
            "study_key": keys[device],
            "n_attempts": len(past) + 1,
            "figures": self.manifest.figures,
            "token": lease.number,
            "host": socket.gethostname(),
            "ended": utc_now(),
            **facts,
        }
        lease.commit(done)
        self.journal.note("committed", movie=entry.id, token=lease.number)
        self.report.n_made += 1
        self.tell("done", entry, f"{outcome['seconds']:.1f} s")

    def _take_failure(self, worker: Worker, outcome: dict[str, Any] | None) -> None:
        entry, lease = worker.entry, worker.lease
        if not lease.is_current():
            raise LeaseLostError(f"{entry.name}: another runner has taken the movie over")
        if outcome is None:
            kind, reason = "crashed", worker.end_in_words()
            if worker.warned is not None:
                kind, reason = "overdue", self._limit_in_words()
            self._record(entry, lease.number, kind, reason, worker.last_words())
            self.tell(kind, entry, reason)
        elif outcome["kind"] == "disk":
            self.report.trouble = disk_message(self.folder, outcome["reason"])
        elif outcome["kind"] == "device":
            raise DeviceError(outcome["reason"])
        else:
            self._record(entry, lease.number, "failed", outcome["reason"], outcome["traceback"])
            self.tell("failed", entry, outcome["reason"])

    def _limit_in_words(self) -> str:
        return (
            f"its analysis was stopped after the limit of {self.options.limit_s:g} s; if "
            "it only needs longer, 'umlpsd batch run --retry' with a higher --limit-s"
        )

    def _record_interrupted(self, entry: Entry, lease: Lease) -> None:
        for token in lease.interrupted:
            reason = f"its runner on {token.owner.get('host', 'a machine')} vanished or stalled"
            self._record(entry, token.number, "lost", reason, "")

    def _record(self, entry: Entry, number: int, kind: Any, reason: str, traceback: str) -> None:
        key = self.wanted[entry.id].keys[self.backend]
        attempt = Attempt(number, kind, reason, traceback, key, socket.gethostname(), utc_now())
        record(self.folder.state(entry.id), attempt)
        self.journal.note(kind, movie=entry.id, token=number)

    def _beat(self) -> None:
        """Give a sign of life for every movie at work; give up those that others have taken."""
        if time.monotonic() < self.next_beat:
            return
        self.next_beat = time.monotonic() + self.options.term_s / BEATS_PER_TERM
        for worker in list(self.worker_pool.at_work):
            if not worker.lease.beat():
                self._roll_back(worker, "late")
                self.waiting.append(worker.entry)

    def _late(self, worker: Worker, reason: str) -> None:
        self.journal.note("late", movie=worker.entry.id, token=worker.lease.number)
        self.tell("late", worker.entry, reason)

    def _roll_back(self, worker: Worker, event: str) -> None:
        self.worker_pool.dismiss(worker)
        worker.lease.release()
        self.journal.note(event, movie=worker.entry.id, token=worker.lease.number)


def _stamp(folder: BatchFolder) -> tuple[int, int]:
    """Return what changes when the manifest is replaced."""
    found = folder.manifest.stat()
    return found.st_ino, found.st_mtime_ns
