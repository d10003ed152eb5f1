"""Which movies of a folder are complete: nothing changes any more, and the verdict is sound."""

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

State = tuple[int, int]  # bytes, and when last written


@dataclass
class StableFiles:
    """Looks at a folder again and again, by names and sizes; opens only what has come to rest.

    Attributes
    ----------
    root : Path
        Absolute; searched with all folders below it. Links are not followed.
    folder : BatchFolder
        Of the results, which may lie within.
    settings : AnalysisSettings
    settle_s : float
        A file has landed when its size and time of change stayed the same for so long.
    """

    root: Path
    folder: BatchFolder
    settings: AnalysisSettings
    settle_s: float
    clock: Callable[[], float] = time.monotonic
    seen: dict[Path, tuple[State, float]] = field(default_factory=dict)
    looked_at: dict[Path, State] = field(default_factory=dict)
    outputs: dict[Path, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._suffixes = get_analysis(self.settings.analysis).watched_suffixes

    def newly_stable(self) -> Iterator[Found]:
        """Yield movies whose files have come to rest since the last look, sound or not."""
        now = self.clock()
        states = dict(self._files())
        for path, state in states.items():
            if self.seen.get(path, (None, 0.0))[0] != state:
                self.seen[path] = state, now
        self.seen = {path: seen for path, seen in self.seen.items() if path in states}
        ripe = [path for path in states if self._is_at_rest(path, now)]
        for path in sorted(p for p in ripe if self.looked_at.get(p) != states[p]):
            if self.looked_at.get(path) != states[path]:  # not yet seen with another file
                yield from self._look(path, states, now)

    def _look(self, path: Path, states: dict[Path, State], now: float) -> Iterator[Found]:
        try:
            found = self._find(path, now)
        except (SettingsError, OSError):
            return  # gone meanwhile
        for movie in found.found:
            files = [file for file in movie.files if file in states] or [path]
            if not all(self._is_at_rest(file, now) for file in files):
                continue
            self.looked_at.update({file: states[file] for file in files})
            yield movie
        self.looked_at.update({p: states[p] for p, _ in found.left_out if p in states})

    def _find(self, path: Path, now: float) -> Findings:
        """Return the movie that a file is, or is a frame of; nothing while other frames come."""
        analysis = get_analysis(self.settings.analysis)
        found = analysis.find(str(path), self.settings, lambda folder: False)
        if not any(analysis.is_part(reason) for _, reason in found.left_out):
            return found
        beside = [file for file in self.seen if file.parent == path.parent]
        if not all(self._is_at_rest(file, now) for file in beside):
            return Findings(path.parent)
        return analysis.find(str(path.parent), self.settings, lambda folder: folder != path.parent)

    def _is_at_rest(self, path: Path, now: float) -> bool:
        seen = self.seen.get(path)
        return seen is not None and now - seen[1] >= self.settle_s

    def _files(self) -> Iterator[tuple[Path, State]]:
        for name, below, files in os.walk(self.root):
            here = Path(name)
            if self._holds_results(here):
                below.clear()
                continue
            below[:] = [b for b in below if not b.startswith(".")]
            for file in files:
                path = here / file
                if file.startswith(".") or path.suffix.lower() not in self._suffixes:
                    continue
                try:
                    found = path.lstat()
                except OSError:
                    continue
                if not path.is_symlink():
                    yield path, (found.st_size, found.st_mtime_ns)

    def _holds_results(self, path: Path) -> bool:
        # a folder that gets results later is looked at in vain, but its maps are soon left out
        if not self.outputs.get(path):
            self.outputs[path] = is_output(path, self.folder)
        return self.outputs[path]
