"""The movie: its metadata, its integrity, and its frames in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.display import Displayed, Outline
from umlpsd_gpu.errors import MovieError

# Chunks that fit the processor's cache: 1 GB is read in 0.09 s by 8 MB, 0.10 s by 16 MB and
# 0.19 s by 64 MB or more; its bare bytes in 0.08 s (benchmarks/movie_reading.py, 32 MB of L3).
CHUNK_MB = 8.0


@dataclass(frozen=True)
class Verdict:
    """Whether the files are complete.

    Attributes
    ----------
    status : {"whole", "truncated", "mixed"}
        ``truncated``: fewer complete frames than declared; ``mixed``: frames of different shape or
        type.
    n_declared : int
        Frames that the metadata announce.
    n_sound : int
        Leading frames that are complete and alike.
    reason : str
        One sentence; empty for a whole movie.
    """

    status: Literal["whole", "truncated", "mixed"]
    n_declared: int
    n_sound: int
    reason: str = ""


@dataclass(frozen=True, repr=False, eq=False)
class Movie(Displayed):
    """A movie on disk: its frames are read in time order, in chunks.

    Attributes
    ----------
    path : Path
        The file, or the folder of one-frame files.
    n_frames, n_rows, n_cols : int
        Number of sound frames, and their size in pixels.
    dtype : numpy.dtype
        Type of the stored counts, in native byte order.
    dt_s : float or None
        Frame interval in seconds; None if unknown.
    dt_origin : str
        Origin of ``dt_s``: ``"user"``, ``"measured timestamps (…)"``, ``"nominal (…)"``, or
        ``"unknown"``.
    dt_nominal_s : float or None
        Nominal interval in seconds, as set in the camera software; None if unknown.
    pixel_size_um : float or None
        Pixel size in the object plane, in µm; None if unknown.
    pixel_size_origin : str
    verdict : Verdict
    memory_mb : float
        Default upper bound of one chunk, in MB (1e6 bytes).
    read_frames : callable
        Takes the first frame and one past the last; returns a new array of shape
        (n, n_rows, n_cols) of ``dtype``.
    name : str
        Name in results and messages. Default: the last part of the path.
    notes : tuple of str
        What a user should know about the times and frames, one sentence each.
    dt_hint : str
        What the metadata say about an unknown interval; empty if nothing.
    """

    path: Path
    n_frames: int
    n_rows: int
    n_cols: int
    dtype: np.dtype
    dt_s: float | None
    dt_origin: str
    dt_nominal_s: float | None
    pixel_size_um: float | None
    pixel_size_origin: str
    verdict: Verdict
    memory_mb: float
    read_frames: Callable[[int, int], Array] = field(repr=False)
    name: str = ""
    notes: tuple[str, ...] = ()
    dt_hint: str = ""

    def __post_init__(self) -> None:
        """Name the movie by its path where it has no name."""
        if not self.name:
            object.__setattr__(self, "name", self.path.name or self.path.resolve().name)

    def _describe(self) -> Outline:
        interval = "unknown" if self.dt_s is None else f"{self.dt_s:.6g} s"
        pixel = "unknown" if self.pixel_size_um is None else f"{self.pixel_size_um:.4g} µm"
        frames = f"{self.n_frames:,} frames of {self.n_rows} × {self.n_cols} pixels"
        status, reason = self.verdict.status, self.verdict.reason
        damage = "" if status == "whole" else f", {status}"
        return Outline(
            line=f"'{self.name}', {frames}, {self.dtype}, dt {interval}{damage}",
            rows=[
                ("File", str(self.path)),
                ("Frames", f"{frames}, {self.dtype}"),
                ("Frame interval", f"{interval} ({self.dt_origin})"),
                ("Pixel size", f"{pixel} ({self.pixel_size_origin})"),
                ("Verdict", f"{status}: {reason}" if reason else status),
                *(("Note", note) for note in self.notes),
            ],
        )

    def known_dt_s(self) -> float:
        """Return the frame interval in seconds, refusing an unknown one.

        Raises
        ------
        MovieError
            If neither the metadata nor the user gave one.
        """
        if self.dt_s is None:
            known = self.dt_hint or "the metadata contain no frame interval that is known here"
            raise MovieError(
                self.path,
                f"{known}; every frequency depends on the frame interval: give it in seconds with "
                "--dt-s (dt_s=… in Python)",
            )
        return self.dt_s

    def chunks(self, memory_mb: float | None = None) -> Iterator[tuple[int, Array]]:
        """Yield ``(first_frame, frames)`` in time order.

        Parameters
        ----------
        memory_mb : float, optional
            Upper bound of one chunk in MB (1e6 bytes), above 0; at least one frame is always read.
            Default: the movie's own bound, at most 8 MB.

        Yields
        ------
        first_frame : int
        frames : ndarray, shape (n, n_rows, n_cols), ``dtype``, counts
            A new array each time, which may be kept. NaN and infinities as stored.

        Raises
        ------
        MovieError
            If a frame can't be read.
        """
        frame_bytes = self.n_rows * self.n_cols * self.dtype.itemsize
        budget_mb = min(self.memory_mb, CHUNK_MB) if memory_mb is None else memory_mb
        n_per_chunk = max(1, int(budget_mb * 1e6 // frame_bytes))
        for start in range(0, self.n_frames, n_per_chunk):
            yield start, self.read_frames(start, min(start + n_per_chunk, self.n_frames))
