"""A TIFF stack that another program is writing: each look reads only its new pages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tifffile import TiffFile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.live.source import Arrival
from umlpsd_gpu.live.sources.growing_index import GrowingIndex
from umlpsd_gpu.live.sources.movie_so_far import MovieSoFar
from umlpsd_gpu.live.sources.watched_file import SETTLE_S, WatchedFile
from umlpsd_gpu.movie.arrangement import Contents, arrange_data_set, arrange_pages
from umlpsd_gpu.movie.contents import arrange_file
from umlpsd_gpu.movie.growing_pages import GrowingPages
from umlpsd_gpu.movie.notes import describe_pages
from umlpsd_gpu.movie.other_formats import explain_other_format, is_unfinished
from umlpsd_gpu.movie.pages import require_first_description
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.movie.tiff_errors import raise_movie_error

_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_N_HEAD = 16


class GrowingTiff:
    """Follows a TIFF stack: classic, BigTIFF, ImageJ, OME, Micro-Manager or NDTiff.

    Parameters
    ----------
    path : Path
        The file, which need not exist yet; of a Micro-Manager or NDTiff data set the first file.
    settings : MovieSettings
    settle_s : float
        The last page counts once the file has not changed for this time, in seconds.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(
        self,
        path: Path,
        settings: MovieSettings,
        settle_s: float = SETTLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._settings, self._limits = path, settings, settings.limits
        self._settle_s, self._clock = settle_s, clock
        self._watched = [WatchedFile(path, settle_s, clock)]
        self._parts = [GrowingPages(path, self._limits)]
        self._paths = [path]
        is_data_set = "NDTiffStack" in path.name
        self._index = GrowingIndex(path.parent, self._limits) if is_data_set else None
        self._so_far = MovieSoFar(path, settings, self._arrange)
        self._was_settled = self._has_xml = False
        self._last = Arrival(None, "waiting", f"{path} is not there yet")

    def poll(self) -> Arrival:
        """Return at once what has been recorded so far.

        Returns
        -------
        Arrival

        Raises
        ------
        MovieError
            If what is recorded is no movie that can be analysed, or its frame interval is unknown.
        """
        if self._last.state not in ("lost", "finished"):
            self._last = self._look()
        return self._last

    def inputs(self) -> list[str]:
        """Return what ``umlpsd run`` is given to analyse the finished movie."""
        return [str(self._path)]

    def close(self) -> None:
        """Let go of the file; it is never kept open."""

    def _look(self) -> Arrival:
        first, last = self._watched[0], self._watched[-1]
        for watched in {id(first): first, id(last): last}.values():
            watched.look()
            if watched.fault:
                return replace(self._last, state="lost", reason=watched.fault)
        if last.trouble or first.size is None:
            return replace(self._last, reason=last.trouble or self._last.reason)
        try:
            if first.is_overwritten():
                reason = f"{self._path} was started anew: its first frames have changed"
                return replace(self._last, state="lost", reason=reason)
            return self._read_on(last)
        except OSError as error:
            reason = f"{self._path} can't be read at present ({error.strerror})"
            return replace(self._last, reason=reason)

    def _read_on(self, last: WatchedFile) -> Arrival:
        n_listed = self._index.n_entries if self._index else 0
        if self._index is not None:
            self._index.read_on()
            n_listed = self._index.n_entries - n_listed
        is_settled = last.is_settled
        has_news = last.has_changed or n_listed or is_settled != self._was_settled
        has_news = has_news or self._parts[-1].is_behind
        if not has_news and self._find_next_file() is None:
            return self._last
        self._was_settled = is_settled
        trouble = self._read_part(is_settled)
        while (path := self._find_next_file()) is not None:
            # The next file is there: nothing is added to this one any more.
            trouble = self._read_part(is_settled=True)
            if self._parts[-1].is_behind:
                break
            self._paths.append(path)
            self._parts.append(GrowingPages(path, self._limits))
            self._watched.append(WatchedFile(path, self._settle_s, self._clock))
            self._watched[-1].look()
            self._was_settled = False
            trouble = self._read_part(is_settled=False)
        return self._report(trouble)

    def _read_part(self, is_settled: bool) -> str:
        """Read the new pages of the last file; return why more can't be read, in words."""
        part, number = self._parts[-1], len(self._parts) - 1
        found, name, n_before = part.found, part.found.path.name, len(part.found.pages)
        with ExitStack() as opened:
            tif = self._open(opened, found.path)
            if isinstance(tif, str):
                return tif
            if self._index is None:
                part.read_on(tif, is_settled)
            else:
                index = self._index
                part.read_on(tif, is_settled, lambda page: index.lists(name, page))
                found.pages[n_before:] = index.place(name, found.pages[n_before:])
        new = found.pages[n_before:]
        if new:
            if not n_before:
                self._watched[-1].keep(new[0].start, new[0].stop)
            self._watched[-1].keep(new[-1].start, new[-1].stop)
            self._watched[-1].need(max(page.stop for page in new))
            self._so_far.add(new, [number] * len(new), self._paths, is_settled)
        elif is_settled:
            self._so_far.settle()
        return part.trouble

    def _open(self, opened: ExitStack, path: Path) -> TiffFile | str:
        """Return the open file, or why it can't be read yet, in words."""
        with open(path, "rb") as file:
            head = file.read(_N_HEAD)
        if len(head) < 8 or not any(head):
            return f"{path} has no frame yet"
        if head[:4] not in _HEADS:
            other = explain_other_format(path) or "this is not a TIFF file; name a TIFF movie"
            raise MovieError(path, other)
        if len(head) < _N_HEAD or is_unfinished(path):
            return f"{path} has no frame yet"
        try:
            with raise_movie_error(path):
                tif: TiffFile = opened.enter_context(TiffFile(path))
                if not tif.pages:
                    return f"{path} has no frame yet"
                require_first_description(tif, path, self._limits)
        except MovieError:
            # Half a description; if it never becomes whole, there is nothing but this sentence.
            return f"the first frame of {path} is not complete yet"
        return tif

    def _report(self, trouble: str) -> Arrival:
        so_far = self._so_far
        if so_far.has_ended:
            return so_far.ended()
        if so_far.is_complete:
            return Arrival(so_far.movie, "finished")
        has_frames = any(part.found.pages for part in self._parts)
        if not has_frames:
            return Arrival(None, "waiting", trouble or f"{self._path} has no frame yet")
        return Arrival(so_far.movie, "recording", so_far.reason or trouble)

    def _find_next_file(self) -> Path | None:
        path = self._paths[-1]
        if not self._parts[-1].found.pages:
            return None
        if self._index is not None:
            n_read, names = len(self._paths), self._index.names
            following = path.parent / names[n_read] if n_read < len(names) else None
        else:
            following = _name_next_stack(self._path, len(self._paths))
        return following if following is not None and following.is_file() else None

    def _arrange(self) -> Contents:
        """Arrange all pages so far as those of a finished movie."""
        founds = [
            replace(part.found, pages=list(part.found.pages))
            for part in self._parts
            if part.found.pages
        ]
        with raise_movie_error(self._path), TiffFile(self._path) as tif:
            notes = describe_pages(tif, founds[0], self._path, self._limits)
        if self._so_far.movie is None:
            self._has_xml = bool(notes.ome_xml)
        elif not self._has_xml:
            # A program adds OME-XML when it closes a file; the frames so far were read without it.
            notes = replace(notes, ome_xml="")
        if self._index is not None:
            n_pages = sum(len(found.pages) for found in founds)
            return arrange_data_set(founds, notes, n_pages, self._path)
        if len(founds) > 1:
            return arrange_pages(founds, notes, self._path)
        return arrange_file(founds[0], notes, self._settings)


def _name_next_stack(first: Path, number: int) -> Path | None:
    """Return the file in which Micro-Manager goes on when a stack is full."""
    if "MMStack" not in first.name:
        return None
    parts = re.fullmatch(r"(.*?)((?:\.ome)?\.tiff?)", first.name, re.IGNORECASE)
    return first.parent / f"{parts[1]}_{number}{parts[2]}" if parts else None
