"""Frames from disk: raw pixels directly into an array, packed ones page by page.

Readers keep no file open, so a movie can be pickled and read by several threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tifffile import TiffFile, TiffPage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.kind import Kind
from umlpsd_gpu.movie.page_table import PageTable
from umlpsd_gpu.movie.tiff_errors import add_advice, raise_movie_error


@dataclass(frozen=True)
class RawReader:
    """Reads frames whose bytes in the file are their pixels.

    Attributes
    ----------
    paths : sequence of Path
    file, start : ndarray, shape (n_frames,)
        File and first byte of each frame.
    kind : Kind
    """

    paths: Sequence[Path]
    file: Array
    start: Array
    kind: Kind

    def __call__(self, first: int, stop: int) -> Array:
        """Return frames ``first`` to ``stop`` (not included) in native byte order."""
        native = self.kind.dtype.newbyteorder("=")
        frames = np.empty((stop - first, self.kind.n_rows, self.kind.n_cols), native)
        self.read_into(frames, first)
        return frames

    def read_into(self, frames: Array, first: int) -> None:
        """Fill an array of the movie's type with frames from ``first`` on, in native byte order.

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols)
            Of the type of the movie.
        first : int
        """
        stop = first + len(frames)
        for file, from_frame, to_frame in _find_runs(self.file[first:stop]):
            part = slice(from_frame, to_frame)
            self._fill(
                self.paths[file], self.start[first:stop][part], frames[part], first + from_frame
            )
        if not self.kind.dtype.isnative:
            frames.byteswap(inplace=True)

    def _fill(self, path: Path, starts: Array, frames: Array, first: int) -> None:
        adjacent = np.concatenate([[True], np.diff(starts) == self.kind.frame_bytes])
        with raise_movie_error(path, first), open(path, "rb", buffering=0) as file:
            for _, from_frame, to_frame in _find_runs(np.cumsum(~adjacent)):
                file.seek(int(starts[from_frame]))
                pixels = frames[from_frame:to_frame].reshape(-1).view(np.uint8).data
                while len(pixels):
                    # One call transfers 2 GiB at most.
                    n_bytes = file.readinto(pixels)
                    if not n_bytes:
                        reason = add_advice("the file became shorter while it was read")
                        raise MovieError(path, reason, first + from_frame)
                    pixels = pixels[n_bytes:]


@dataclass(frozen=True)
class PackedReader:
    """Reads frames that tifffile must unpack: compressed, tiled, 12-bit, RGB.

    Attributes
    ----------
    paths : sequence of Path
    file, ifd : ndarray, shape (n_frames,)
        File and description of each frame.
    kind : Kind
    sample : int
        Which value of each pixel is read.
    max_page_s : float
        Longest time for unpacking one page, in seconds.
    """

    paths: Sequence[Path]
    file: Array
    ifd: Array
    kind: Kind
    sample: int
    max_page_s: float

    def __call__(self, first: int, stop: int) -> Array:
        """Return frames ``first`` to ``stop`` (not included) in native byte order."""
        native = self.kind.dtype.newbyteorder("=")
        frames = np.empty((stop - first, self.kind.n_rows, self.kind.n_cols), native)
        for file, from_frame, to_frame in _find_runs(self.file[first:stop]):
            path = self.paths[file]
            with ExitStack() as opened:
                with raise_movie_error(path, first + from_frame):
                    tif = opened.enter_context(TiffFile(path))
                for frame in range(from_frame, to_frame):
                    frames[frame] = self._read_page(tif, path, first + frame)
        return frames

    def _read_page(self, tif: TiffFile, path: Path, frame: int) -> Array:
        start_s = time.monotonic()
        with raise_movie_error(path, frame):
            tif.filehandle.seek(int(self.ifd[frame]))
            page = TiffPage(tif, index=frame)
            pixels = page.asarray().reshape(page.shaped)
        if time.monotonic() - start_s > self.max_page_s:
            limit = f"{self.max_page_s:g} s are allowed (movie.max_page_s)"
            raise MovieError(path, f"unpacking one page took too long; {limit}", frame)
        return (
            pixels[self.sample, 0, :, :, 0]
            if page.shaped[0] > 1
            else pixels[0, 0, :, :, self.sample]
        )


def make_reader(
    table: PageTable, pages: Array, sample: int, max_page_s: float
) -> RawReader | PackedReader:
    """Return a reader of the given pages, which are complete and have the same content.

    Parameters
    ----------
    table : PageTable
    pages : ndarray of int
    sample : int
        Which value of each pixel is read.
    max_page_s : float
        Longest time for unpacking one page, in seconds.
    """
    kind, file, start = table.kind_of(pages[0]), table.file[pages], table.start[pages]
    byte_orders = {table.kinds[number].dtype.byteorder for number in np.unique(table.kind[pages])}
    if (start >= 0).all() and len(byte_orders) == 1:
        return RawReader(table.paths, file, start, kind)
    return PackedReader(table.paths, file, table.ifd[pages], kind, sample, max_page_s)


def _find_runs(values: Array) -> Iterator[tuple[int, int, int]]:
    """Yield ``(value, first, stop)`` of each stretch of equal values."""
    edges = np.flatnonzero(np.diff(values)) + 1
    for first, stop in zip([0, *edges], [*edges, len(values)], strict=True):
        yield int(values[first]), int(first), int(stop)
