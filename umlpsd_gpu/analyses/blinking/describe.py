"""What a movie or a table of traces is, before it is analysed."""

from __future__ import annotations

import math

from umlpsd_gpu.analyses.blinking.prediction import N_TYPICAL_EMITTERS, movie_mb, predict
from umlpsd_gpu.analyses.protocol import Description
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.spectrum.log_welch import LEAST_N_FRAMES
from umlpsd_gpu.traces.traces import Traces


def describe_movie(movie: Movie) -> Description:
    """Return verdict, frames, interval, pixel size, and what a study would take."""
    rows = [
        ("frames", f"{movie.n_frames} of {movie.n_rows} × {movie.n_cols} pixels, {movie.dtype}"),
        ("interval", _interval(movie)),
        ("pixel size", _pixel_size(movie)),
        ("size", _size_and_cost(movie)),
    ]
    if movie.n_frames < LEAST_N_FRAMES:
        advice = f"log_welch needs {LEAST_N_FRAMES} frames: use --psd periodogram"
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
    """Return how many traces a table holds, how long they are, and their interval."""
    return Description(
        verdict="whole",
        reason="",
        size=f"{traces.n_traces} traces of {traces.n_frames} frames",
        rows=(
            ("traces", f"{traces.n_traces} of {traces.n_frames} frames"),
            ("interval", f"{traces.dt_s:.6g} s"),
        ),
        facts={"n_traces": traces.n_traces, "n_frames": traces.n_frames, "dt_s": traces.dt_s},
    )


def _interval(movie: Movie) -> str:
    if movie.dt_s is None:
        return "unknown: give --dt-s"
    nominal_s = movie.dt_nominal_s
    differs = nominal_s is not None and not math.isclose(nominal_s, movie.dt_s, rel_tol=1e-3)
    nominal = f"; nominal {nominal_s:.6g} s" if differs else ""
    return f"{movie.dt_s:.6g} s ({movie.dt_origin}{nominal})"


def _pixel_size(movie: Movie) -> str:
    if movie.pixel_size_um is None:
        return "unknown"
    return f"{movie.pixel_size_um:.4g} µm ({movie.pixel_size_origin})"


def _size_and_cost(movie: Movie) -> str:
    expected = predict(movie)
    return (
        f"{movie_mb(movie):.0f} MB; a study of {N_TYPICAL_EMITTERS} emitters takes about "
        f"{_two_digits(expected.memory_mb)} MB of memory and {_two_digits(expected.duration_s)} s"
    )


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):.0f}"
