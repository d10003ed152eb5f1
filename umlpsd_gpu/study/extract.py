"""Movies → one ensemble of traces, with what the study keeps of each movie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    extractions = []
    for done, movie in enumerate(movies):
        report("extract", done, len(movies))
        extractions.append(extract_one(movie, settings.traces, settings.n_threads))
    report("extract", len(movies), len(movies))
    traces = pool_traces([e.traces for e in extractions], settings.traces.unequal_lengths)
    summaries = tuple(
        _summary(movie, extraction) for movie, extraction in zip(movies, extractions, strict=True)
    )
    return traces, summaries, [e.note for e in extractions if e.note]


def _summary(movie: Movie, extraction: Extraction) -> MovieSummary:
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
