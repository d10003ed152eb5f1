"""At the microscope: movies are analysed as they land."""

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
from umlpsd_gpu.batch.manifest import base_manifest, entry_of, with_absolute_files, write_manifest
from umlpsd_gpu.batch.manifest_additions import record_addition, with_additions
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.run_report import RunReport
from umlpsd_gpu.batch.runner import Tell, run_batch
from umlpsd_gpu.batch.stable_files import StableFiles
from umlpsd_gpu.batch.stop import StopRequest
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings import AnalysisSettings

# Twelve days: longer than any session, and well within what the system can wait for [I]
MOST_S = 1e6


@dataclass(frozen=True)
class WatchOptions:
    """How a folder is watched.

    Attributes
    ----------
    settle_s : float
        A movie has landed when nothing of it has changed for so long.
    poll_s : float
        Between looks.
    idle_s : float or None
        End when nothing has landed for so long; None: watch until a signal comes.
    """

    settle_s: float = 10.0
    poll_s: float = 2.0
    idle_s: float | None = None

    def __post_init__(self) -> None:
        idle_s = MOST_S if self.idle_s is None else self.idle_s
        if not all(0 < seconds <= MOST_S for seconds in (self.settle_s, self.poll_s, idle_s)):
            raise SettingsError(
                f"a watch needs times above 0 s, of {MOST_S:.0f} s at most, got settle "
                f"{self.settle_s}, poll {self.poll_s}, idle {self.idle_s}"
            )


def watch(
    archive: str | Path,
    out: str | Path,
    settings: AnalysisSettings | None = None,
    figures: bool = True,
    options: RunOptions | None = None,
    how: WatchOptions | None = None,
    tell: Tell = lambda event, entry, text: None,
) -> RunReport:
    """Analyse the movies that lie in a folder or land there, until a signal comes.

    A movie counts as complete when its files have not changed for a while and it is whole; one that
    changes later, by its digest, is analysed anew. OUT is a batch like any other, which
    `umlpsd batch` can run, report and pool; its manifest stays as it is, newcomers are written
    down beside it.

    Parameters
    ----------
    archive : path
        A folder, watched with all below it.
    out : path
        New, or of a watch or batch over the same folder with the same settings.
    settings : AnalysisSettings, optional
    figures : bool
    options : RunOptions, optional
    how : WatchOptions, optional
    tell : callable, optional
        As for `umlpsd_gpu.batch.runner.run_batch`; also ``landed`` and ``incomplete``.

    Returns
    -------
    RunReport
        Of all movies that have landed.

    Raises
    ------
    SettingsError
        If there is no such folder, or OUT is of another one or of other settings.
    """
    root, how = Path(archive).resolve(), how or WatchOptions()
    if not root.is_dir():
        raise SettingsError(f"{archive} is no folder; give the one that movies are written to")
    folder = BatchFolder.at(out)
    manifest = _manifest(
        root, folder, with_absolute_files(settings or get_analysis(DEFAULT).settings()), figures
    )
    stable = StableFiles(root, folder, manifest.settings, how.settle_s)
    watcher = _Watcher(manifest, folder, stable, options or RunOptions(), tell)
    with StopRequest() as stop:
        watcher.go_on(stop, how)
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
        movies = with_additions(self.manifest, self.folder).movies
        self.known = {entry.id: entry for entry in movies}
        self.report = RunReport(0)

    def go_on(self, stop: StopRequest, how: WatchOptions) -> None:
        """Look, analyse what has landed, wait; until something ends it."""
        # what an earlier watch has left is taken up first
        self._analyse(list(self.known))
        last = time.monotonic()
        while not (stop.number or self.report.stopped_by or self.report.trouble):
            landed = [entry for movie in self.stable.newly_stable() if (entry := self._take(movie))]
            if landed:
                self._analyse([entry.id for entry in landed])
                last = time.monotonic()
            elif how.idle_s is not None and time.monotonic() - last >= how.idle_s:
                return
            else:
                select.select([stop], [], [], how.poll_s)
        self.report.stopped_by = self.report.stopped_by or stop.number

    def _take(self, found: Found) -> Entry | None:
        """Write a movie down; None where it is known, or not sound."""
        root, kind = Path(self.manifest.archive), self.manifest.content_kind
        analysis = self.manifest.analysis
        entry = entry_of(found, root, kind, self.manifest.figures, analysis)
        known = self.known.get(entry.id)
        if known is not None and known.is_same_state(entry):
            return None
        described = Description(entry.verdict, entry.reason, entry.size, facts=entry.facts)
        is_sound = found.source is not None and analysis.accepts(described, self.manifest.settings)
        if not is_sound or not entry.content:
            self.tell("incomplete", entry, entry.reason)
            return None
        self.known[entry.id] = entry
        record_addition(self.manifest.digest, self.folder, entry)
        self.tell("landed", entry, entry.size)
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


def _manifest(
    root: Path, folder: BatchFolder, settings: AnalysisSettings, figures: bool
) -> Manifest:
    """Return the manifest that is there, or begin with one of no movies."""
    mine = Manifest(str(root), settings, figures, "sampled", (), (), version("umlpsd_gpu"))
    if not folder.manifest.exists():
        write_manifest(mine, folder)
    there = base_manifest(folder.root)
    for what, is_same in (
        ("folder", there.archive == mine.archive),
        ("settings", there.settings == mine.settings),
        ("choice of figures", there.figures == mine.figures),
    ):
        if not is_same:
            raise SettingsError(
                f"{folder.root} is a batch of another {what}; give the same as for that one, or "
                "another OUT"
            )
    return there
