"""Describe movies and tables of traces before the analysis."""

from __future__ import annotations

import math

from umlpsd_gpu.analyses.blinking.data_notes import look_for_notes
from umlpsd_gpu.analyses.blinking.prediction import N_TYPICAL_EMITTERS, movie_mb, predict
from umlpsd_gpu.analyses.protocol import Description
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.spectrum.log_welch import LEAST_N_FRAMES
from umlpsd_gpu.traces.traces import Traces


def describe_movie(movie: Movie) -> Description:
    """Describe a movie: verdict, frames, frame interval, pixel size, predicted cost.

    Parameters
    ----------
    movie : Movie

    Returns
    -------
    Description
    """
    rows = [
        ("frames", f"{movie.n_frames} of {movie.n_rows} × {movie.n_cols} pixels, {movie.dtype}"),
        ("interval", _describe_interval(movie)),
        ("pixel size", _describe_pixel_size(movie)),
        ("size", _describe_cost(movie)),
        *(("note", note) for note in movie.notes),
    ]
    if movie.n_frames < LEAST_N_FRAMES:
        advice = f"log_welch needs {LEAST_N_FRAMES} frames; use --psd periodogram"
        rows.append(("too short", advice))
    return Description(
        verdict=movie.verdict.status,
        reason=movie.verdict.reason,
        size=f"{movie.n_frames} frames",
        rows=tuple(rows),
        facts={
            "n_frames": movie.n_frames,
            "n_rows": movie.n_rows,
            "n_cols": movie.n_cols,
            "dt_s": movie.dt_s,
        },
    )


def describe_traces(traces: Traces) -> Description:
    """Describe a table of traces: number, length, frame interval.

    Parameters
    ----------
    traces : Traces

    Returns
    -------
    Description
    """
    rows = [
        ("traces", f"{traces.n_traces} of {traces.n_frames} frames"),
        ("interval", f"{traces.dt_s:.6g} s"),
    ]
    if traces.n_frames < LEAST_N_FRAMES:
        advice = f"log_welch needs {LEAST_N_FRAMES} frames; use --psd periodogram"
        rows.append(("too short", advice))
    return Description(
        verdict="whole",
        reason="",
        size=f"{traces.n_traces} traces of {traces.n_frames} frames",
        rows=(*rows, *(("note", note) for note in look_for_notes(traces))),
        facts={"n_traces": traces.n_traces, "n_frames": traces.n_frames, "dt_s": traces.dt_s},
    )


def _describe_interval(movie: Movie) -> str:
    if movie.dt_s is None:
        hint = f" ({movie.dt_hint})" if movie.dt_hint else ""
        return f"unknown{hint}; give it with --dt-s"
    nominal_s = movie.dt_nominal_s
    differs = nominal_s is not None and not math.isclose(nominal_s, movie.dt_s, rel_tol=1e-3)
    nominal = f"; nominal {nominal_s:.6g} s" if differs else ""
    return f"{movie.dt_s:.6g} s ({movie.dt_origin}{nominal})"


def _describe_pixel_size(movie: Movie) -> str:
    if movie.pixel_size_um is None:
        return "unknown"
    return f"{movie.pixel_size_um:.4g} µm ({movie.pixel_size_origin})"


def _describe_cost(movie: Movie) -> str:
    expected = predict(movie)
    memory_mb, duration_s = map(_round, (expected.memory_mb, expected.duration_s))
    return (
        f"{movie_mb(movie):.0f} MB; a study of {N_TYPICAL_EMITTERS} emitters needs about "
        f"{memory_mb} MB of memory and {duration_s} s"
    )


def _round(value: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{value:.2g}'):.0f}"
