"""What becomes of an analysis that has ended: its result is committed, or the failure recorded."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from umlpsd_gpu.batch.attempts import Attempt, AttemptKind, read_attempts, record_attempt, utc_now
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.journal import Journal
from umlpsd_gpu.batch.keys import Backend
from umlpsd_gpu.batch.leases.lease import Lease, LeaseLostError
from umlpsd_gpu.batch.movie_state import DONE_FORMAT, RequiredResult
from umlpsd_gpu.batch.run_report import RunReport, Tell, explain_disk_trouble
from umlpsd_gpu.batch.worker_pool import Worker
from umlpsd_gpu.errors import DeviceError


@dataclass
class OutcomeWriter:
    """Writes to the batch folder how the analyses of a runner ended.

    Attributes
    ----------
    folder : BatchFolder
    manifest : Manifest
    required : mapping of str to RequiredResult
        Id of an input → the result it is to get.
    backend : {"cpu", "gpu"}
        Class of device of the runner.
    limit_s : float or None
        Time limit of an analysis.
    journal : Journal
    report : RunReport
        Gets the number of results made, and disk trouble.
    tell : callable
        Called with ``(event, entry, text)``.
    """

    folder: BatchFolder
    manifest: Manifest
    required: Mapping[str, RequiredResult]
    backend: Backend
    limit_s: float | None
    journal: Journal
    report: RunReport
    tell: Tell

    def write(self, worker: Worker) -> None:
        """Commit a worker's result, or record why there is none; then release its lease.

        Parameters
        ----------
        worker : Worker
            Its process has answered or ended.

        Raises
        ------
        DeviceError
            If the device failed.
        """
        try:
            outcome = worker.outcome
            if outcome is not None and outcome["status"] == "done":
                self._commit(worker, outcome)
            else:
                self._record_failure(worker, outcome)
        except LeaseLostError as error:
            self._note_late(worker, str(error))
        finally:
            worker.lease.release()

    def record_interrupted(self, entry: Entry, lease: Lease) -> None:
        """Record earlier attempts whose runners were killed or suspended.

        Parameters
        ----------
        entry : Entry
        lease : Lease
            The new lease on this input.
        """
        for token in lease.interrupted:
            reason = f"its runner on {token.owner.get('host', 'a machine')} vanished or stalled"
            self._record(entry, token.number, "lost", reason, "")

    def _commit(self, worker: Worker, outcome: dict[str, Any]) -> None:
        entry, lease = worker.entry, worker.lease
        device = outcome.get("device", self.backend)
        facts = {name: outcome[name] for name in outcome if name != "status"}
        keys = self.required[entry.id].keys
        past = read_attempts(self.folder.claims(entry.id), set(keys.values()))
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

    def _record_failure(self, worker: Worker, outcome: dict[str, Any] | None) -> None:
        entry, lease = worker.entry, worker.lease
        if not lease.is_current():
            raise LeaseLostError(f"{entry.name}: another runner has taken over this input")
        if outcome is None:
            self._record_killed(worker)
        elif outcome["kind"] == "disk":
            self.report.trouble = explain_disk_trouble(self.folder, outcome["reason"])
        elif outcome["kind"] == "device":
            raise DeviceError(outcome["reason"])
        else:
            self._record(entry, lease.number, "failed", outcome["reason"], outcome["traceback"])
            self.tell("failed", entry, outcome["reason"])

    def _record_killed(self, worker: Worker) -> None:
        kind: AttemptKind = "crashed"
        reason = worker.describe_end()
        if worker.warned is not None:
            kind = "overdue"
            reason = (
                f"its analysis was stopped after the limit of {self.limit_s:g} s; if it only "
                "needs more time, use 'umlpsd batch run --retry' with a higher --limit-s"
            )
        self._record(worker.entry, worker.lease.number, kind, reason, worker.read_log_end())
        self.tell(kind, worker.entry, reason)

    def _record(
        self, entry: Entry, number: int, kind: AttemptKind, reason: str, traceback: str
    ) -> None:
        key = self.required[entry.id].keys[self.backend]
        attempt = Attempt(number, kind, reason, traceback, key, socket.gethostname(), utc_now())
        record_attempt(self.folder.claims(entry.id), attempt)
        self.journal.note(kind, movie=entry.id, token=number)

    def _note_late(self, worker: Worker, reason: str) -> None:
        self.journal.note("late", movie=worker.entry.id, token=worker.lease.number)
        self.tell("late", worker.entry, reason)
