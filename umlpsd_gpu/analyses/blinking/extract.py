"""Movies → one ensemble of traces, and a summary of each movie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Literal

import numpy as np

from umlpsd_gpu.analyses.blinking.coincidence import note_coincidences
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.extract import Extraction
from umlpsd_gpu.traces.extract import extract as extract_one
from umlpsd_gpu.traces.pool import common_length, pool_traces
from umlpsd_gpu.traces.traces import Traces


def shape_of(source: Movie | Traces | Sequence[Movie], settings: Settings) -> tuple[int, float]:
    """Return the length of the traces, before any frame is read.

    Parameters
    ----------
    source : Movie, sequence of Movie, or Traces
    settings : Settings

    Returns
    -------
    n_frames : int
    dt_s : float
        Frame interval in seconds.

    Raises
    ------
    TracesError
        If there is no movie, or the movies can't be pooled.
    MovieError
        If a frame interval is unknown.
    """
    if isinstance(source, Traces):
        return source.n_frames, source.dt_s
    movies = _as_list(source)
    if not movies:
        raise TracesError("there is no movie to analyse; give at least one")
    dts_s = [movie.known_dt_s() for movie in movies]
    lengths = [movie.n_frames for movie in movies]
    names = [movie.name for movie in _give_distinct_names(movies)]
    return common_length(names, dts_s, lengths, settings.traces.unequal_lengths), dts_s[0]


def extract(
    source: Movie | Traces | Sequence[Movie],
    settings: Settings,
    report: Callable[[str, int, int], None],
    device: Literal["cpu", "gpu"] = "cpu",
) -> tuple[Traces, tuple[MovieSummary, ...], list[str]]:
    """Extract the traces of movies and pool them.

    Parameters
    ----------
    source : Movie, sequence of Movie, or Traces
        Traces are returned unchanged.
    settings : Settings
    report : callable
        Called with (step, done, total).
    device : {"cpu", "gpu"}

    Returns
    -------
    traces : Traces
        In the memory of the host.
    movies : tuple of MovieSummary
    notes : list of str
        For the user.

    Raises
    ------
    TracesError
        If a movie has no emitter, or no pixel above the threshold.
    """
    if isinstance(source, Traces):
        return source, (), []
    movies = _give_distinct_names(_as_list(source))
    n_to_read = _n_frames_to_read(movies, settings)
    counted = _count_frames(movies, n_to_read, report)
    extractions = [
        extract_one(movie, settings.traces, settings.n_threads, device) for movie in counted
    ]
    if device == "gpu":
        report("extract", n_to_read, n_to_read)  # a movie kept on the device is read only once
    parts = [found.traces for found in extractions]
    traces = pool_traces(parts, settings.traces.unequal_lengths)
    notes = [found.note for found in extractions if found.note]
    if settings.traces.mode == "emitters":
        notes += note_coincidences(movies, parts)
    return (
        traces,
        tuple(map(_summarise, movies, extractions)),
        [*_list_notes(movies, settings), *notes],
    )


def _as_list(source: Movie | Sequence[Movie]) -> list[Movie]:
    return [source] if isinstance(source, Movie) else list(source)


def _list_notes(movies: Sequence[Movie], settings: Settings) -> list[str]:
    """Return notes about frames left out, and about settings without effect."""
    notes = [
        f"{movie.name} is {movie.verdict.status}: {movie.verdict.reason}; only its "
        f"{movie.n_frames} intact frames at the start were analysed."
        for movie in movies
        if movie.verdict.status != "whole"
    ]
    notes += [
        note if len(movies) == 1 else f"{movie.name}: {note}"
        for movie in movies
        for note in movie.notes
    ]
    shortest, longest = (pick(movie.n_frames for movie in movies) for pick in (min, max))
    if shortest < longest:
        notes.append(
            f"Movies of up to {longest} frames were cut to {shortest} frames, the shortest movie."
        )
    if settings.traces.mode == "emitters" and settings.traces.threshold is not None:
        notes.append("The threshold had no effect; it is only used with --traces pixels.")
    if settings.traces.mode == "emitters" and settings.traces.roi is not None:
        notes.append("The region of interest had no effect; it is only used with --traces pixels.")
    return notes


def _n_frames_to_read(movies: Sequence[Movie], settings: Settings) -> int:
    n_passes = 4 if settings.traces.drift_correction == "on" else 2
    return n_passes * sum(movie.n_frames for movie in movies)


def _count_frames(
    movies: Sequence[Movie], n_to_read: int, report: Callable[[str, int, int], None]
) -> list[Movie]:
    """Return movies that report how many frames have been read."""
    n_read = 0
    lock = Lock()

    def count(n_frames: int) -> None:
        nonlocal n_read
        with lock:
            n_read += n_frames
            report("extract", min(n_read, n_to_read), n_to_read)

    return [
        replace(movie, read_frames=_CountedReading(movie.read_frames, count)) for movie in movies
    ]


class _CountedReading:
    """The function that reads the frames of a movie, with a counter."""

    def __init__(self, read_frames: Callable[..., np.ndarray], count: Callable[[int], None]):
        self._read_frames, self._count = read_frames, count
        if hasattr(read_frames, "read_into"):
            self.read_into = self._read_into

    def __call__(self, first: int, stop: int) -> np.ndarray:
        frames = self._read_frames(first, stop)
        self._count(stop - first)
        return frames

    def _read_into(self, frames: np.ndarray, first: int) -> None:
        self._read_frames.read_into(frames, first)  # type: ignore[attr-defined]
        self._count(len(frames))


def _give_distinct_names(movies: Sequence[Movie]) -> list[Movie]:
    """Return the movies with distinct names: folder and number are added where needed."""
    names = [movie.name for movie in movies]
    if len(set(names)) < len(names):
        names = [f"{movie.path.resolve().parent.name}/{movie.name}" for movie in movies]
    repeated = Counter(names)
    seen: Counter[str] = Counter()
    renamed = []
    for movie, name in zip(movies, names, strict=True):
        seen[name] += 1
        distinct = name if repeated[name] == 1 else f"{name} ({seen[name]})"
        renamed.append(replace(movie, name=distinct))
    return renamed


def _summarise(movie: Movie, extraction: Extraction) -> MovieSummary:
    verdict = movie.verdict
    return MovieSummary(
        name=movie.name,
        mean_image=extraction.mean_image,
        dt_origin=movie.dt_origin,
        dt_nominal_s=movie.dt_nominal_s,
        pixel_size_um=movie.pixel_size_um,
        verdict=verdict.status
        if verdict.status == "whole"
        else f"{verdict.status}: {verdict.reason}",
    )
