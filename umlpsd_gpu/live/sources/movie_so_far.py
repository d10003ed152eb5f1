"""The movie of the pages that are there so far, made like that of a finished file.

The first pages are arranged by the code that opens finished movies: axes, notes, frame interval.
Where the frames turn out to be every n-th page, later pages that continue this rhythm are appended
at a cost that doesn't depend on their number; any other page has all of them arranged again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.live.source import Arrival
from umlpsd_gpu.live.sources.growing_array import GrowingArray
from umlpsd_gpu.movie.arrangement import Contents
from umlpsd_gpu.movie.kind import Kind
from umlpsd_gpu.movie.movie import Movie, Verdict
from umlpsd_gpu.movie.open import ChosenFrames, choose_frames, make_movie
from umlpsd_gpu.movie.page_reader import Page
from umlpsd_gpu.movie.reader import PackedReader, RawReader
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.movie.stamped_layout import is_time_axis
from umlpsd_gpu.movie.stamps import Stamp

# Notes of the first pages can look like channels by chance; more pages decide.
_FEWEST_CERTAIN = 64
# A movie that was read before isn't given up for notes that are being rewritten at a few looks.
_MOST_REFUSED = 5
# Fewer time stamps may not yet show the interval.
_FEWEST_STAMPS = 300
# Pages are arranged anew whenever there are so many times more of them, and in pauses; without
# notes up to a number of pages.
_GROWTH, _GROWTH_IN_PAUSE, _N_ARRANGED = 1.5, 1.1, 256


@dataclass(frozen=True)
class Rhythm:
    """Which pages are the frames: ``first``, ``first + step`` and so on.

    Attributes
    ----------
    first, step : int
    kind : Kind
        Of all of them.
    n_most : int
        Frames that the metadata announce; 0 where they don't.
    time_step : int
        By how much the time in the notes of a frame exceeds that of the frame before; 0 where they
        have none.
    """

    first: int
    step: int
    kind: Kind
    n_most: int
    time_step: int


class MovieSoFar:
    """Makes the movie of the pages so far; its first frames never change.

    Attributes
    ----------
    movie : Movie or None
        None before the second frame.
    reason : str
        Why the movie doesn't continue at present, one sentence; else empty.
    has_ended : bool
        Whether it can't continue.
    is_complete : bool
        Whether all frames are there that the metadata announced beforehand.

    Parameters
    ----------
    path : Path
        For messages, and the name of the movie.
    settings : MovieSettings
    arrange : callable
        Returns the contents of all pages so far.
    """

    def __init__(
        self, path: Path, settings: MovieSettings, arrange: Callable[[], Contents]
    ) -> None:
        self.movie: Movie | None = None
        self.reason, self.has_ended, self.is_complete = "", False, False
        self._path, self._arrange = path, arrange
        self._may_be_damaged = settings.allow_damaged
        self._settings = settings.model_copy(update={"allow_damaged": True})
        self._rhythm: Rhythm | None = None
        self._pages: list[Page] = []
        self._files: list[int] = []
        self._n_arranged = self._n_announced = 0
        self._is_open, self._n_refused = False, 0
        self._file, self._start = GrowingArray(np.int32), GrowingArray(np.int64)
        self._ifd = GrowingArray(np.int64)

    def add(
        self,
        pages: Sequence[Page],
        files: Sequence[int],
        paths: Sequence[Path],
        is_settled: bool,
    ) -> None:
        """Add new pages and make the movie anew.

        Parameters
        ----------
        pages : sequence of Page
        files : sequence of int
            Number of the file that contains each.
        paths : sequence of Path
            All files so far; may grow.
        is_settled : bool
            Whether no more pages are coming at present.

        Raises
        ------
        MovieError
            If the pages are no movie that can be analysed, or the frame interval is unknown.
        """
        n_before = len(self._pages)
        self._pages += pages
        self._files += files
        if self.has_ended or len(self._pages) < 2:
            return
        if self._is_due(is_settled) or not self._extend(n_before, paths):
            self._arrange_anew(is_settled)

    def ended(self) -> Arrival:
        """Return the arrival of a movie that can't continue.

        It is lost, unless the finished movie may be damaged: then its sound frames are all there.
        """
        state: Literal["finished", "lost"] = "finished" if self._may_be_damaged else "lost"
        return Arrival(self.movie, state, f"the movie ends: {self.reason}")

    def settle(self) -> None:
        """Decide what was left open for want of pages: no more are coming at present.

        Raises
        ------
        MovieError
            As `add`.
        """
        if self.has_ended or len(self._pages) < 2:
            return
        if self._is_open or (self._rhythm is not None and self._is_due(is_settled=True)):
            self._arrange_anew(is_settled=True)

    def _is_due(self, is_settled: bool) -> bool:
        if self._rhythm is None or self._is_open:
            return True
        may_tell = bool(self._pages[0].stamp.digest) or self._n_arranged < _N_ARRANGED
        growth = _GROWTH_IN_PAUSE if is_settled else _GROWTH
        return may_tell and len(self._pages) >= growth * self._n_arranged

    def _extend(self, n_before: int, paths: Sequence[Path]) -> bool:
        """Append the new pages; return whether all continue the rhythm."""
        rhythm, movie = self._rhythm, self.movie
        assert rhythm is not None
        assert movie is not None
        new = range(n_before, len(self._pages))
        if not all(self._continues(rhythm, index) for index in new):
            return False
        frames = [index for index in new if (index - rhythm.first) % rhythm.step == 0]
        if rhythm.n_most and self._start.n + len(frames) >= rhythm.n_most:
            return False
        self._file.extend([self._files[index] for index in frames])
        self._start.extend([self._pages[index].start for index in frames])
        self._ifd.extend([self._pages[index].ifd for index in frames])
        n_frames = self._start.n
        self.movie = replace(
            movie,
            n_frames=n_frames,
            verdict=Verdict("whole", n_frames, n_frames),
            read_frames=self._make_reader(movie.read_frames, paths),
        )
        return True

    def _continues(self, rhythm: Rhythm, index: int) -> bool:
        page, before = self._pages[index], self._pages[index - rhythm.step]
        neighbour = self._pages[index - 1]
        if page.kind != rhythm.kind or page.is_extra or (page.start < 0) != (before.start < 0):
            return False
        same_file = self._files[index] == self._files[index - 1]
        if same_file and 0 <= page.start < neighbour.stop:
            return False
        return _follows(before.stamp, page.stamp, rhythm.time_step)

    def _make_reader(self, reader: object, paths: Sequence[Path]) -> RawReader | PackedReader:
        if isinstance(reader, RawReader):
            return replace(reader, paths=paths, file=self._file.values, start=self._start.values)
        assert isinstance(reader, PackedReader)
        return replace(reader, paths=paths, file=self._file.values, ifd=self._ifd.values)

    def _arrange_anew(self, is_settled: bool) -> None:
        is_passing = self.movie is not None and self._n_refused < _MOST_REFUSED
        is_early = not is_settled and (len(self._pages) < _FEWEST_CERTAIN or is_passing)
        try:
            contents = self._arrange()
            frames = choose_frames(contents, self._path, self._settings)
        except MovieError:
            if not is_early:
                raise
            # Half-written notes; more pages, or a pause, will tell.
            self._is_open = True
            self._n_refused += self.movie is not None
            return
        self._n_refused = 0
        self._n_arranged, self._is_open = len(self._pages), False
        if frames.verdict.n_sound >= 2:
            self._take(contents, frames, is_settled)
        elif frames.verdict.status == "mixed":
            self.reason, self.has_ended = frames.verdict.reason, True

    def _take(self, contents: Contents, frames: ChosenFrames, is_settled: bool) -> None:
        movie = make_movie(contents, frames, self._path, self._settings)
        n_sound = frames.verdict.n_sound
        pages = frames.pages[:n_sound]
        table = contents.table
        places = (table.file[pages], table.start[pages], table.ifd[pages])
        n_given = self._start.n if self.movie is not None else 0
        if n_sound < n_given or not self._are_the_same(places, n_given):
            self.has_ended = True
            self.reason = (
                f"the pages are described in another way since page {len(self._pages)}, and the "
                f"{n_given} frames so far are no longer those of the movie; analyse the finished "
                "file with umlpsd run"
            )
            return
        if movie.dt_s is None and self.movie is not None:
            known = self.movie
            movie = replace(movie, dt_s=known.dt_s, dt_origin=known.dt_origin)
        elif not self._knows_interval(movie, is_settled):
            return
        for kept, values in zip((self._file, self._start, self._ifd), places, strict=True):
            kept.replace(values)
        self._rhythm = self._find_rhythm(contents, frames)
        self._judge(contents, frames)
        verdict = frames.verdict if self.has_ended else Verdict("whole", n_sound, n_sound)
        self.movie = replace(movie, verdict=verdict)

    def _are_the_same(self, places: tuple[np.ndarray, ...], n_given: int) -> bool:
        kept = (self._file, self._start, self._ifd)
        return all(
            np.array_equal(new[:n_given], old.values[:n_given])
            for new, old in zip(places, kept, strict=True)
        )

    def _knows_interval(self, movie: Movie, is_settled: bool) -> bool:
        """Return whether the interval is known; refuse if it won't be."""
        if movie.dt_s is not None:
            return True
        times_s = [page.stamp.elapsed_s for page in self._pages[:_FEWEST_STAMPS]]
        may_come = any(time_s is not None for time_s in times_s)
        if may_come and len(self._pages) < _FEWEST_STAMPS and not is_settled:
            self._is_open = True
            return False
        movie.known_dt_s()
        return True

    def _find_rhythm(self, contents: Contents, frames: ChosenFrames) -> Rhythm | None:
        """Return the rhythm of the frames; None where pages and frames don't keep one."""
        n_sound = frames.verdict.n_sound
        pages = frames.pages[:n_sound]
        steps = np.unique(np.diff(pages))
        if contents.table.n_pages != len(self._pages) or len(steps) != 1 or steps[0] < 1:
            return None
        first, step = int(pages[0]), int(steps[0])
        # A page of this rhythm that is no frame is a gap, another size, or an extra page.
        if n_sound != len(range(first, len(self._pages), step)):
            return None
        kind = contents.table.kind_of(int(pages[0]))
        n_most = frames.choice.n_frames if contents.layout.is_announced else 0
        last, before = (self._pages[int(page)].stamp for page in (pages[-1], pages[-2]))
        return Rhythm(first, step, kind, n_most, _time_step(before, last))

    def _judge(self, contents: Contents, frames: ChosenFrames) -> None:
        verdict, layout = frames.verdict, contents.layout
        self.reason = ""
        if verdict.status == "mixed":
            self.reason, self.has_ended = verdict.reason, True
        elif len(frames.holes) and verdict.n_sound < len(frames.pages):
            self.reason = (
                f"{verdict.reason}; to go on as if none were missing, add --missing-frames skip"
            )
        announced = frames.choice.n_frames if layout.is_announced else 0
        self.is_complete = 0 < announced == verdict.n_sound == self._n_announced
        if announced > verdict.n_sound:
            self._n_announced = announced


def _follows(before: Stamp, after: Stamp, time_step: int) -> bool:
    """Return whether a page is the next frame of the same series by its notes."""
    if before.labels != after.labels or bool(before.digest) != bool(after.digest):
        return False
    is_alike = before.indices[1:] == after.indices[1:]
    steps = {after.indices[0] - before.indices[0]}
    for (name, old), (other, new) in zip(before.axes, after.axes, strict=False):
        if name != other or type(old) is not type(new):
            return False
        if is_time_axis(name) and isinstance(old, int) and isinstance(new, int):
            steps.add(new - old)
        elif old != new:
            return False
    return is_alike and len(before.axes) == len(after.axes) and steps <= {0, time_step}


def _time_step(before: Stamp, after: Stamp) -> int:
    """Return by how much the notes of a frame count on from those of the frame before it."""
    times = dict(before.axes)
    steps = [after.indices[0] - before.indices[0]]
    for name, new in after.axes:
        old = times.get(name)
        if is_time_axis(name) and isinstance(old, int) and isinstance(new, int):
            steps.append(new - old)
    return max(steps)
