"""Movies → one ensemble of traces, with what the study keeps of each movie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.settings import Settings
from umlpsd_gpu.study.result import MovieSummary
from umlpsd_gpu.traces.extract import Extraction
from umlpsd_gpu.traces.extract import extract as extract_one
from umlpsd_gpu.traces.pool import pool_traces
from umlpsd_gpu.traces.traces import Traces


def extract(
    source: Movie | Traces | Sequence[Movie],
    settings: Settings,
    report: Callable[[str, int, int], None],
) -> tuple[Traces, tuple[MovieSummary, ...], list[str]]:
    """Return the pooled traces, the movies' summaries and notes for the user.

    Raises
    ------
    TracesError
        If there is no movie, none of its spots is an emitter, or the movies can't be pooled.
    """
    if isinstance(source, Traces):
        return source, (), []
    movies = [source] if isinstance(source, Movie) else list(source)
    if not movies:
        raise TracesError("there is no movie to analyse; give at least one")
    for movie in movies:
        movie.known_dt_s()  # all are asked before the first is read
    watched = _watched(movies, settings, report)
    extractions = [extract_one(movie, settings.traces, settings.n_threads) for movie in watched]
    names = _distinct_names(movies)
    named = zip(names, movies, extractions, strict=True)
    summaries = tuple(_summary(name, movie, found) for name, movie, found in named)
    parts = [
        _called(found.traces, movie.name, name)
        for name, movie, found in zip(names, movies, extractions, strict=True)
    ]
    traces = pool_traces(parts, settings.traces.unequal_lengths)
    return traces, summaries, [e.note for e in extractions if e.note]


def _watched(
    movies: Sequence[Movie], settings: Settings, report: Callable[[str, int, int], None]
) -> list[Movie]:
    """Return movies that tell how many of the frames to be read have been read."""
    n_passes = 3 if settings.traces.drift_correction else 2
    n_total = n_passes * sum(movie.n_frames for movie in movies)
    n_read = 0
    lock = Lock()

    def watch(movie: Movie) -> Movie:
        def read_frames(first: int, stop: int) -> np.ndarray:
            nonlocal n_read
            frames = movie.read_frames(first, stop)
            with lock:
                n_read += stop - first
                report("extract", n_read, n_total)
            return frames

        return replace(movie, read_frames=read_frames)

    return [watch(movie) for movie in movies]


def _called(traces: Traces, old: str, new: str) -> Traces:
    """Return the traces under another name of their movie."""
    ids = tuple(new + name.removeprefix(old) for name in traces.ids)
    return replace(traces, source=(new,) * traces.n_traces, ids=ids)


def _distinct_names(movies: Sequence[Movie]) -> list[str]:
    """Return file names; with their folder where two movies share one, numbered if need be."""
    names = [movie.name for movie in movies]
    if len(set(names)) < len(names):
        names = [f"{movie.path.resolve().parent.name}/{movie.name}" for movie in movies]
    repeated = Counter(names)
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if repeated[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _summary(name: str, movie: Movie, extraction: Extraction) -> MovieSummary:
    verdict = movie.verdict
    return MovieSummary(
        name=name,
        mean_image=extraction.mean_image,
        dt_origin=movie.dt_origin,
        dt_nominal_s=movie.dt_nominal_s,
        pixel_size_um=movie.pixel_size_um,
        verdict=verdict.status
        if verdict.status == "whole"
        else f"{verdict.status}: {verdict.reason}",
    )
