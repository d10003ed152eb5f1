"""Which inputs of a watched folder are complete: their files don't change any more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from umlpsd_gpu.analyses.findings import Findings, Found
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import is_output
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings import AnalysisSettings

FileStamp = tuple[int, int]  # bytes, and time of the last change in ns


@dataclass
class StableFiles:
    """Lists a folder repeatedly by names and sizes; opens only files that don't change any more.

    Attributes
    ----------
    root : Path
        Absolute; searched with all folders below it. Symbolic links are not followed.
    folder : BatchFolder
        Of the results; may be within ``root``.
    settings : AnalysisSettings
    settle_s : float
        A file is stable when its size and time of change stayed the same for this many seconds.
    clock : callable
        Returns the time in seconds.
    seen : dict
        File → its stamp, and the time when this stamp was first seen.
    looked_at : dict
        File → its stamp when it was opened.
    outputs : dict
        Folder → whether it contains results.
    """

    root: Path
    folder: BatchFolder
    settings: AnalysisSettings
    settle_s: float
    clock: Callable[[], float] = time.monotonic
    seen: dict[Path, tuple[FileStamp, float]] = field(default_factory=dict)
    looked_at: dict[Path, FileStamp] = field(default_factory=dict)
    outputs: dict[Path, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look up the suffixes of the analysis."""
        self._analysis = get_analysis(self.settings.analysis)

    def find_newly_stable(self) -> Iterator[Found]:
        """Yield inputs whose files have become stable since the last call.

        Yields
        ------
        Found
            Also inputs that can't be analysed.
        """
        now = self.clock()
        stamps = self._prefer_watched(dict(self._list_files()))
        for path, stamp in stamps.items():
            if path not in self.seen or self.seen[path][0] != stamp:
                self.seen[path] = stamp, now
        self.seen = {path: seen for path, seen in self.seen.items() if path in stamps}
        stable = [path for path in stamps if self._is_stable(path, now)]
        for path in sorted(p for p in stable if self.looked_at.get(p) != stamps[p]):
            if self.looked_at.get(path) != stamps[path]:  # not yet opened with another file
                yield from self._open(path, stamps, now)

    def _open(self, path: Path, stamps: dict[Path, FileStamp], now: float) -> Iterator[Found]:
        try:
            findings = self._find(path, now)
        except (SettingsError, OSError):
            return  # deleted meanwhile
        for found in findings.found:
            files = [file for file in found.files if file in stamps] or [path]
            if not all(self._is_stable(file, now) for file in files):
                continue
            self.looked_at.update({file: stamps[file] for file in files})
            is_free_text = path.suffix.lower() in self._analysis.free_suffixes
            if found.source is not None or not is_free_text:
                yield found
        self.looked_at.update({p: stamps[p] for p, _ in findings.left_out if p in stamps})

    def _find(self, path: Path, now: float) -> Findings:
        """Find the input that a file is, or is a frame of; nothing while other frames change."""
        analysis = self._analysis
        findings = analysis.find(str(path), self.settings, lambda folder: False)
        if not any(analysis.is_part(reason) for _, reason in findings.left_out):
            return findings
        siblings = [file for file in self.seen if file.parent == path.parent]
        if not all(self._is_stable(file, now) for file in siblings):
            return Findings(path.parent)
        return analysis.find(str(path.parent), self.settings, lambda folder: folder != path.parent)

    def _is_stable(self, path: Path, now: float) -> bool:
        seen = self.seen.get(path)
        return seen is not None and now - seen[1] >= self.settle_s

    def _list_files(self) -> Iterator[tuple[Path, FileStamp]]:
        for name, below, files in os.walk(self.root):
            here = Path(name)
            if self._has_results(here):
                below.clear()
                continue
            below[:] = [b for b in below if not b.startswith(".")]
            for file in files:
                path = here / file
                if file.startswith(".") or path.suffix.lower() not in self._analysis.suffixes:
                    continue
                try:
                    stat = path.lstat()
                except OSError:
                    continue
                if not path.is_symlink():
                    yield path, (stat.st_size, stat.st_mtime_ns)

    def _prefer_watched(self, stamps: dict[Path, FileStamp]) -> dict[Path, FileStamp]:
        """Return the files to watch; others, as tables, count where there is none of these."""
        suffixes = self._analysis.watched_suffixes
        watched = {path: s for path, s in stamps.items() if path.suffix.lower() in suffixes}
        return watched or stamps

    def _has_results(self, path: Path) -> bool:
        # only True is remembered: a folder may get results later
        if not self.outputs.get(path):
            self.outputs[path] = is_output(path, self.folder)
        return self.outputs[path]
