"""A folder in which one-frame TIFF files land."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.live.source import Arrival, FrameSource
from umlpsd_gpu.live.sources.arriving_files import ArrivingFiles
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.live.sources.movie_so_far import MovieSoFar
from umlpsd_gpu.live.sources.watched_file import SETTLE_S
from umlpsd_gpu.movie.arrangement import Contents, arrange_frame_files, require_one_frame
from umlpsd_gpu.movie.file_names import find_counter, require_one_series, sort_paths, split_names
from umlpsd_gpu.movie.ndtiff import INDEX_NAME
from umlpsd_gpu.movie.notes import Notes, read_file
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.settings import MovieSettings

# How long a missing number may still come, in seconds
GAP_S = 2.0
# Files that are read at most at one look
MOST_AT_ONCE = 500


class FrameFolder:
    """Follows a folder or pattern of one-frame files, in the natural order of their names.

    A folder that contains one growing stack, or an NDTiff data set, is followed as such.

    Parameters
    ----------
    place : Path
        Folder, which need not exist yet, or pattern.
    settings : MovieSettings
    settle_s : float
        A file is complete once it has not changed for this time, in seconds.
    gap_s : float
        How long a missing number is waited for, in seconds.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(
        self,
        place: Path,
        settings: MovieSettings,
        settle_s: float = SETTLE_S,
        gap_s: float = GAP_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place, self._settings, self._clock = place, settings, clock
        self._settle_s, self._gap_s = settle_s, gap_s
        self._files = ArrivingFiles(place, settle_s, clock)
        self._paths: list[Path] = []
        self._founds: list[FilePages] = []
        self._read: dict[Path, FilePages] = {}
        self._notes = Notes()
        self._so_far = MovieSoFar(place, settings, self._arrange)
        self._step, self._is_step_known, self._is_counted = 1, False, True
        self._gap_since_s: float | None = None
        self._late: list[str] = []
        self._trouble = ""
        self._stack: FrameSource | None = None
        self._last = Arrival(None, "waiting", f"{place} has no TIFF file yet")

    def poll(self) -> Arrival:
        """Return at once what has been recorded so far.

        Returns
        -------
        Arrival

        Raises
        ------
        MovieError
            If the files are no movie that can be analysed, or its frame interval is unknown.
        """
        if self._last.state == "lost":
            return self._last
        if (of_stack := self._poll_stack()) is not None:
            return of_stack
        self._files.look()
        if self._files.vanished:
            gone = sort_paths(list(self._files.vanished))[0]
            reason = f"{gone} vanished: it was deleted or renamed"
            self._last = Arrival(self._so_far.movie, "lost", reason)
            return self._last
        self._trouble = ""
        new = self._take_ready()
        if new:
            self._append(new)
        elif self._paths and not self._files.pending:
            self._so_far.settle()
        self._last = self._report()
        return self._last

    def inputs(self) -> list[str]:
        """Return what ``umlpsd run`` is given to analyse the finished movie."""
        return [str(self._place)]

    def close(self) -> None:
        """Let go of the files; they are never kept open."""

    def _poll_stack(self) -> Arrival | None:
        """Return what one growing stack in the folder has; None if there are frames instead."""
        if self._paths or not self._place.is_dir():
            return None
        arrival = None if self._stack is None else self._stack.poll()
        if arrival is not None and arrival.movie is not None:
            return arrival
        self._files.look()
        names = list(self._files.pending)
        if (self._place / INDEX_NAME).is_file():
            names = [path for path in sort_paths(names) if "NDTiffStack" in path.name][:1]
        if len(names) != 1:
            self._stack = None
            return None
        if self._stack is None or self._stack.inputs() != [str(names[0])]:
            self._stack = GrowingTiff(names[0], self._settings, self._settle_s, clock=self._clock)
            arrival = self._stack.poll()
        return arrival if arrival is not None and arrival.movie is not None else None

    def _take_ready(self) -> list[Path]:
        """Return the complete files that are next, in order."""
        ready = set(self._read_settled())
        last = self._paths[-1:]
        ordered = self._drop_late(sort_paths([*last, *self._files.pending])) if ready else []
        next_ones: list[Path] = []
        for path in ordered:
            # A file that is still being written is waited for like a missing one.
            if path not in ready or self._is_after_gap([*self._paths[-1:], *next_ones, path]):
                break
            next_ones.append(path)
        if next_ones:
            self._gap_since_s = None
        elif ordered:
            self._wait_for(ordered[0], ordered[0] in ready)
            if ordered[0] in ready and self._may_jump(ordered[0]):
                next_ones, self._gap_since_s = [ordered[0]], None
        self._require_one_series(next_ones)
        self._files.take(next_ones)
        return next_ones

    def _read_settled(self) -> list[Path]:
        new = [path for path in self._files.list_settled() if path not in self._read]
        for path in sort_paths(new)[:MOST_AT_ONCE] if new else []:
            try:
                found, notes = read_file(path, self._settings.limits)
            except MovieError as error:
                self._trouble = f"{path.name} can't be read yet: {error.reason}"
                continue
            require_one_frame(found, notes, 1 + len(self._paths), self._place)
            if found.pages[0].stop > found.size:
                self._trouble = f"{path.name} is not complete yet"
                continue
            self._read[path] = found
            if not self._paths and path == sort_paths(list(self._read))[0]:
                self._notes = notes
        return list(self._read)

    def _drop_late(self, ordered: list[Path]) -> list[Path]:
        """Return the files after the last one given; those before it came too late."""
        if not self._paths:
            return ordered
        at = ordered.index(self._paths[-1])
        for path in ordered[:at]:
            self._late.append(path.name)
            self._read.pop(path, None)
        self._files.take(ordered[:at])
        return ordered[at + 1 :]

    def _is_after_gap(self, window: Sequence[Path]) -> bool:
        """Return whether numbers are missing before the last of some names."""
        if not self._is_counted or len(window) < 2:
            return False
        step = _find_step(window[-2], window[-1])
        if step is None or (self._is_step_known and step % self._step):
            # As in finished folders: where names don't count regularly, their order is enough.
            self._is_counted = False
            return False
        self._is_step_known |= step == self._step
        return step != self._step

    def _wait_for(self, path: Path, is_ready: bool) -> None:
        now_s = self._clock()
        self._gap_since_s = now_s if self._gap_since_s is None else self._gap_since_s
        if now_s - self._gap_since_s >= self._gap_s and is_ready:
            before = self._paths[-1].name if self._paths else "the first"
            self._trouble = f"between {before} and {path.name} a file is missing"

    def _may_jump(self, following: Path) -> bool:
        """Return whether to go on after a gap that was waited for."""
        if self._gap_since_s is None or self._clock() - self._gap_since_s < self._gap_s:
            return False
        if len(self._paths) == 1:
            # Two numbers: this is how the names count.
            self._step = _find_step(self._paths[-1], following) or 1
            self._is_step_known = True
            return True
        if self._settings.missing_frames == "skip":
            return True
        self._trouble += "; to go on as if none were missing, add --missing-frames skip"
        return False

    def _require_one_series(self, new: Sequence[Path]) -> None:
        window = [*self._paths[-1:], *new]
        if window and len({name.key for name in split_names(window)}) > 1:
            require_one_series([*self._paths, *new], self._place)

    def _append(self, new: Sequence[Path]) -> None:
        first = len(self._paths)
        founds = [self._read.pop(path) for path in new]
        self._paths += new
        self._founds += founds
        pages = [found.pages[0] for found in founds]
        numbers = list(range(first, len(self._paths)))
        self._so_far.add(pages, numbers, self._paths, is_settled=False)

    def _arrange(self) -> Contents:
        require_one_series(self._paths, self._place)
        absence = "a number is missing from the file names"
        return arrange_frame_files(
            self._founds, self._notes, self._paths, self._place, self._settings, False, absence
        )

    def _report(self) -> Arrival:
        so_far = self._so_far
        if so_far.has_ended:
            return so_far.ended()
        if not self._paths:
            reason = self._trouble or f"{self._place} has no complete TIFF file yet"
            return Arrival(None, "waiting", reason)
        reason = self._trouble or so_far.reason
        if self._late and not reason:
            more = f" and {len(self._late) - 1} more" if len(self._late) > 1 else ""
            reason = (
                f"{self._late[0]}{more} came after later frames had been analysed and "
                f"{'are' if more else 'is'} left out until the end"
            )
        return Arrival(so_far.movie, "recording", reason)


def _find_step(before: Path, after: Path) -> int | None:
    """Return by how much the number in a name counts on; None where no single number does."""
    numbers = find_counter([before, after])
    return None if numbers is None else int(numbers[1] - numbers[0])
