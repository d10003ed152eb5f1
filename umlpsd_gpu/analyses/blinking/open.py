"""Open the inputs of a study: movies, or tables of traces."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.traces.pool import pool_traces
from umlpsd_gpu.traces.tables import TABLE_SUFFIXES, read_traces
from umlpsd_gpu.traces.traces import Traces


def open_sources(names: Sequence[str], settings: Settings) -> list[Movie] | Traces:
    """Open movies, or read and pool tables of traces; a study can't have both.

    Parameters
    ----------
    names : sequence of str
        Files, folders or patterns; tables are recognised by their suffix. With ``movie.join``,
        several files are the parts of one movie, in the order given.
    settings : Settings

    Returns
    -------
    list of Movie, or Traces

    Raises
    ------
    SettingsError
        If movies and tables are mixed, or an input is given twice.
    MovieError, TracesError
        If an input can't be opened.
    """
    twice = [name for name, count in Counter(map(os.path.realpath, names)).items() if count > 1]
    if twice:
        raise SettingsError(f"{', '.join(twice)}: given twice; name each movie or table once")
    tables = [name for name in names if Path(name).suffix.lower() in TABLE_SUFFIXES]
    if not tables:
        if settings.movie.join and len(names) > 1:
            return [open_movie(list(names), settings.movie)]
        return [open_movie(name, settings.movie) for name in names]
    if len(tables) < len(names):
        raise SettingsError(
            f"movies and tables of traces can't be mixed in one study, got {', '.join(names)}; "
            "analyse them separately"
        )
    parts = [read_traces(name, dt_s=settings.movie.dt_s) for name in tables]
    return pool_traces(parts, settings.traces.unequal_lengths)
