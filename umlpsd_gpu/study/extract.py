"""Movies → one ensemble of traces, with what the study keeps of each movie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.settings import Settings
from umlpsd_gpu.study.result import MovieSummary
from umlpsd_gpu.traces.traces import Traces


def extract(
    source: Movie | Traces | Sequence[Movie],
    settings: Settings,
    report: Callable[[str, int, int], None],
) -> tuple[Traces, tuple[MovieSummary, ...], list[str]]:
    """Return the pooled traces, the movies' summaries and notes for the user."""
    if isinstance(source, Traces):
        return source, (), []
    raise TracesError("not yet")
