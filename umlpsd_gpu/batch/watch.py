"""Watching a folder: inputs are analysed when they are complete, as at a microscope."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from umlpsd_gpu.analyses.findings import Found
from umlpsd_gpu.analyses.protocol import Description
from umlpsd_gpu.analyses.registry import DEFAULT, get_analysis
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import (
    make_entry,
    make_files_absolute,
    read_base_manifest,
    write_manifest,
)
from umlpsd_gpu.batch.manifest_additions import merge_additions, record_addition
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.run_report import RunReport, Tell, tell_nobody
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.stable_files import StableFiles
from umlpsd_gpu.batch.stop import StopRequest
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings import AnalysisSettings

# Twelve days: longer than any session, and within what the system can wait for [I]
MOST_S = 1e6


@dataclass(frozen=True)
class WatchOptions:
    """How a folder is watched.

    Attributes
    ----------
    settle_s : float
        An input is complete when its files have not changed for this many seconds.
    poll_s : float
        Seconds between looks.
    idle_s : float or None
        End after this many seconds without a new input; None: watch until a signal comes.
    """

    settle_s: float = 10.0
    poll_s: float = 2.0
    idle_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse times that are not allowed."""
        idle_s = MOST_S if self.idle_s is None else self.idle_s
        if not all(0 < seconds <= MOST_S for seconds in (self.settle_s, self.poll_s, idle_s)):
            raise SettingsError(
                f"the times of a watch must be above 0 s and at most {MOST_S:.0f} s, got settle "
                f"{self.settle_s}, poll {self.poll_s}, idle {self.idle_s}"
            )


def watch(
    archive: str | Path,
    out: str | Path,
    settings: AnalysisSettings | None = None,
    figures: bool = True,
    options: RunOptions | None = None,
    how: WatchOptions | None = None,
    tell: Tell = tell_nobody,
) -> RunReport:
    """Analyse the inputs that a folder contains or gets later, until a signal comes.

    An input is complete when its files have not changed for a while and nothing is missing. It is
    analysed again if its digest changes later. OUT is a batch like any other: `umlpsd batch` can
    run, report and pool it. Its manifest.json is never changed; new inputs are recorded in files of
    their own.

    Parameters
    ----------
    archive : path
        A folder, watched with all folders below it.
    out : path
        New, or of a watch or batch of the same folder with the same settings.
    settings : AnalysisSettings, optional
        Default: blinking, everything at its default.
    figures : bool
        Whether each result gets figures and a report.
    options : RunOptions, optional
    how : WatchOptions, optional
    tell : callable, optional
        As for `umlpsd_gpu.batch.runner.run_batch`; further events are ``complete`` and
        ``incomplete``.

    Returns
    -------
    RunReport
        Of all inputs that were complete.

    Raises
    ------
    SettingsError
        If there is no such folder, or OUT is a batch of another folder or other settings.
    """
    root, how = Path(archive).resolve(), how or WatchOptions()
    if not root.is_dir():
        raise SettingsError(f"{archive} is no folder; give the folder that inputs are written to")
    folder = BatchFolder.at(out)
    settings = make_files_absolute(settings or get_analysis(DEFAULT).settings())
    manifest = _open_manifest(root, folder, settings, figures)
    stable = StableFiles(root, folder, manifest.settings, how.settle_s)
    watcher = _Watcher(manifest, folder, stable, options or RunOptions(), tell)
    with StopRequest() as stop:
        watcher.run(stop, how)
    return watcher.report


@dataclass
class _Watcher:
    """A watch at work; see `watch`."""

    manifest: Manifest
    folder: BatchFolder
    stable: StableFiles
    options: RunOptions
    tell: Tell

    def __post_init__(self) -> None:
        movies = merge_additions(self.manifest, self.folder).movies
        self.known = {entry.id: entry for entry in movies}
        self.report = RunReport(0)

    def run(self, stop: StopRequest, how: WatchOptions) -> None:
        """Look, analyse what is complete, wait; until a signal, idle time or disk trouble."""
        # inputs that an earlier watch has left come first
        self._analyse(list(self.known))
        last = time.monotonic()
        while not (stop.number or self.report.stopped_by or self.report.trouble):
            new = [
                entry for found in self.stable.find_newly_stable() if (entry := self._take(found))
            ]
            if new:
                self._analyse([entry.id for entry in new])
                last = time.monotonic()
            elif how.idle_s is not None and time.monotonic() - last >= how.idle_s:
                return
            else:
                select.select([stop], [], [], how.poll_s)
        self.report.stopped_by = self.report.stopped_by or stop.number

    def _take(self, found: Found) -> Entry | None:
        """Record an input; None if it is known already, or can't be analysed."""
        root, kind = Path(self.manifest.archive), self.manifest.content_kind
        analysis = self.manifest.analysis
        entry = make_entry(found, root, kind, self.manifest.figures, analysis)
        known = self.known.get(entry.id)
        if known is not None and known.is_unchanged(entry):
            return None
        described = Description(entry.verdict, entry.reason, entry.size, facts=entry.facts)
        is_usable = found.source is not None and analysis.accepts(described, self.manifest.settings)
        if not is_usable or not entry.content:
            self.tell("incomplete", entry, entry.reason)
            return None
        self.known[entry.id] = entry
        record_addition(self.manifest.digest, self.folder, entry)
        self.tell("complete", entry, entry.size)
        return entry

    def _analyse(self, movie_ids: list[str]) -> None:
        if not movie_ids:
            return
        report = run_batch(self.folder.root, replace(self.options, movie_ids=movie_ids), self.tell)
        for mine, new in (
            (self.report.done, report.done),
            (self.report.failed, report.failed),
            (self.report.set_aside, report.set_aside),
        ):
            mine.update(new)
        for name in report.done:
            self.report.failed.pop(name, None)
        self.report.n_movies = len(self.known)
        self.report.n_made += report.n_made
        self.report.n_left = report.n_left
        self.report.stopped_by, self.report.trouble = report.stopped_by, report.trouble


def _open_manifest(
    root: Path, folder: BatchFolder, settings: AnalysisSettings, figures: bool
) -> Manifest:
    """Return the manifest of OUT; if there is none, write one without inputs."""
    mine = Manifest(str(root), settings, figures, "sampled", (), (), version("umlpsd_gpu"))
    if not folder.manifest.exists():
        write_manifest(mine, folder)
    stored = read_base_manifest(folder.root)
    for what, is_same in (
        ("of another folder", stored.archive == mine.archive),
        ("with other settings", stored.settings == mine.settings),
        ("with another choice of figures", stored.figures == mine.figures),
    ):
        if not is_same:
            raise SettingsError(
                f"{folder.root} is a batch {what}; give the same as for that batch, or another OUT"
            )
    return stored
