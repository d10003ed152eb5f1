"""Play a finished movie as a microscope would record it."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from umlpsd_gpu.errors import OutputInUseError, SettingsError
from umlpsd_gpu.live.microscope.folder_writer import FrameFiles
from umlpsd_gpu.live.microscope.frame_sender import FrameSender
from umlpsd_gpu.live.microscope.stack_writers import Format, Recorder, open_stack
from umlpsd_gpu.live.sources.stream_header import DTYPES, StreamHeader
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.movie.sources import TIFF_SUFFIXES


class Rhythm(NamedTuple):
    """When frames are recorded.

    Attributes
    ----------
    speed : float
        How many times faster than they were recorded; 0 or infinity: as fast as possible.
    burst : int
        Frames that are written at once, when the last of them is due.
    pause_after : int or None
        Frames before a pause.
    pause_s : float
        Length of the pause in seconds.
    """

    speed: float = 1.0
    burst: int = 1
    pause_after: int | None = None
    pause_s: float = 0.0

    @property
    def is_paced(self) -> bool:
        """Return whether frames wait for the clock."""
        return 0 < self.speed < math.inf

    def due_s(self, frame: int, dt_s: float, n_frames: int) -> float:
        """Return when a frame is written, in seconds after the start.

        Parameters
        ----------
        frame : int
        dt_s : float
            Frame interval in seconds.
        n_frames : int
            Of the movie.
        """
        last = min(frame - frame % self.burst + self.burst, n_frames)
        paced_s = last * dt_s / self.speed if self.is_paced else 0.0
        has_paused = self.pause_after is not None and frame >= self.pause_after
        return paced_s + self.pause_s * has_paused


def play(
    movie: Movie,
    dest: str,
    rhythm: Rhythm | None = None,
    format_: Format = "classic",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Record a movie once more, frame by frame, when each is due.

    Parameters
    ----------
    movie : Movie
    dest : str
        A TIFF file, a folder for one file of each frame, or ``tcp://127.0.0.1:PORT`` of a live run.
    rhythm : Rhythm, optional
        Default: as the movie was recorded.
    format_ : {"classic", "bigtiff", "imagej", "micromanager"}
        Of a TIFF file.
    overwrite : bool
        Whether an existing file or folder of frames may be replaced.
    progress : callable
        Called with the frames written and their total.

    Returns
    -------
    int
        Frames written; fewer than the movie has where a live run had some already.

    Raises
    ------
    MovieError
        If the frame interval is unknown.
    SettingsError
        If the type of the frames can't be written.
    OutputError
        If the destination exists, can't be written, or no live run listens there.
    """
    rhythm = rhythm or Rhythm()
    dt_s = movie.known_dt_s()
    recorder = _open(movie, dest, format_, overwrite)
    first = recorder.n_known if isinstance(recorder, FrameSender) else 0
    start_s, n_written = time.monotonic(), 0
    for number, frames in movie.chunks():
        for frame in range(max(first, number), number + len(frames)):
            wait_s = start_s + rhythm.due_s(frame - first, dt_s, movie.n_frames) - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            recorder.put(frames[frame - number])
            n_written += 1
            progress(n_written, movie.n_frames - first)
    recorder.close()
    return n_written


def _open(movie: Movie, dest: str, format_: Format, overwrite: bool) -> Recorder:
    if movie.dtype.name not in DTYPES:
        raise SettingsError(
            f"frames of type {movie.dtype.name} can't be played; possible are {', '.join(DTYPES)}"
        )
    header = StreamHeader(
        movie.name, movie.n_rows, movie.n_cols, movie.dtype.name, movie.dt_s, movie.pixel_size_um
    )
    if "://" in dest:
        return FrameSender(dest, header)
    path = Path(dest)
    is_file = path.suffix.lower() in TIFF_SUFFIXES
    if is_file:
        _clear(path, path.exists(), overwrite)
        return open_stack(path, header, format_, movie.n_frames)
    _clear(path, path.is_file() or (path.is_dir() and any(path.iterdir())), overwrite)
    return FrameFiles(path, header)


def _clear(path: Path, is_taken: bool, overwrite: bool) -> None:
    if not is_taken:
        return
    others = [p for p in path.iterdir() if p.suffix != ".tif"] if path.is_dir() else []
    if not overwrite or others:
        has = f" and holds {others[0].name}, which is no frame" if others else ""
        advice = "choose another" if others else "choose another, or add --overwrite"
        raise OutputInUseError(f"{path} exists{has}; {advice}")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
