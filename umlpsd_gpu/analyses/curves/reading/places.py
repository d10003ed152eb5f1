"""Places of curves that have none of their own: rows of a grid that the user names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.grids import grid_positions
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

ROWS, PIXEL = "--grid-rows", "--curve-pixel-m"


def places_of(recording: Recording, settings: CurvesSettings, place: Path) -> Recording:
    """Add the grid and the positions that the settings give.

    Parameters
    ----------
    recording : Recording
    settings : CurvesSettings
    place : Path
        For messages.

    Returns
    -------
    Recording
        The same if they give none.

    Raises
    ------
    CurvesError
        If the number of curves is no multiple of the rows, or the grid contradicts the file.
    """
    n_curves, n_rows = len(recording.current), settings.n_rows
    shape, origins = recording.shape, dict(recording.origins)
    if n_rows is not None:
        if n_curves % n_rows:
            raise CurvesError(
                place,
                f"{n_curves} curves can't fill {n_rows} rows of a grid; correct {ROWS}",
            )
        if shape is not None and shape[0] != n_rows:
            raise CurvesError(
                place,
                f"it has {shape[0]} rows of {shape[1]} pixels, but {ROWS} says {n_rows}; leave it "
                "out",
            )
        shape = (n_rows, n_curves // n_rows)
        origins["grid"] = Origin(f"{shape[0]} × {shape[1]}", ROWS)
    positions = recording.positions
    if positions is None and shape is not None and settings.pixel_size_m is not None:
        size = settings.pixel_size_m
        upward = grid_positions(shape, (0.0, 0.0), (shape[1] * size, shape[0] * size))
        positions = upward * np.array([1.0, -1.0])
        origins["positions"] = Origin(f"{size:g} m", PIXEL)
    return replace(recording, shape=shape, positions=positions, origins=origins)
