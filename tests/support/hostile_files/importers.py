"""The importers, each as one function from a path to a value that tells what was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.traces.roi import read_region
from umlpsd_gpu.traces.tables import read_traces

# Rows and columns of the movie that regions of interest are for
IMAGE = (40, 50)
DAMAGED = MovieSettings(allow_damaged=True)


def read_movie(path: Path, settings: MovieSettings | None = None) -> tuple[Any, ...]:
    """Read all frames; return their number, rows, columns and sum."""
    movie = open_movie(path, settings)
    total, n_read = 0.0, 0
    for first, frames in movie.chunks():
        if first != n_read or frames.shape[1:] != (movie.n_rows, movie.n_cols):
            raise AssertionError(f"frames {frames.shape} from {first} on don't fit {movie}")
        if frames.dtype != movie.dtype:
            raise AssertionError(f"frames of {frames.dtype} in {movie}")
        n_read += len(frames)
        with np.errstate(over="ignore", invalid="ignore"):
            total += float(np.nansum(frames, dtype=np.float64))
    if not n_read == movie.n_frames == movie.verdict.n_sound >= 2:
        raise AssertionError(f"{n_read} frames read of {movie}")
    return movie.n_frames, movie.n_rows, movie.n_cols, total


def read_damaged_movie(path: Path) -> tuple[Any, ...]:
    """Read the sound leading frames."""
    return read_movie(path, DAMAGED)


def read_table(path: Path) -> tuple[Any, ...]:
    """Read traces, at 0.05 s a frame where the file doesn't say; return their shape and dt_s."""
    try:
        traces = read_traces(path)
    except ValueError as error:
        if "--dt-s" not in str(error):
            raise
        traces = read_traces(path, dt_s=0.05)
    if traces.values.dtype != np.float64 or not traces.dt_s > 0 or traces.n_frames < 2:
        raise AssertionError(f"{traces} of {traces.values.dtype}, dt {traces.dt_s}")
    return traces.n_traces, traces.n_frames, round(traces.dt_s, 9)


def read_pixels_inside(path: Path) -> int:
    """Read a region of interest; return the number of its pixels."""
    mask = read_region(path, IMAGE).mask
    if mask.shape != IMAGE or not mask.any():
        raise AssertionError(f"a mask of {mask.shape}")
    return int(mask.sum())


def read_settings(path: Path) -> str:
    """Read settings; return them as TOML."""
    return Settings.from_toml(path).to_toml()


READERS: dict[str, Callable[[Path], Any]] = {
    "TIFF": read_damaged_movie,
    "CSV": read_table,
    "Excel": read_table,
    "HDF5": read_table,
    "MATLAB": read_table,
    "NumPy": read_table,
    "ROI": read_pixels_inside,
    "TOML": read_settings,
}
