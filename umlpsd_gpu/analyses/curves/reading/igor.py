"""Igor waves (.ibw): a volume x, y, bias, as Omicron MATRIX exports it, or curves as columns."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.grids import top_row_first
from umlpsd_gpu.analyses.curves.reading.optional import import_reader
from umlpsd_gpu.analyses.curves.reading.places import places_of
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import (
    HEADER,
    bias_factor,
    current_factor,
    length_factor,
)
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

RETRACE = re.compile(r"\bretrace\b", re.IGNORECASE)
PER_LINE = re.compile(r"Spectroscopy points per line = (\d+), Lines per plane = (\d+)")
EXTENT = re.compile(r"Width = ([-+.\de]+) \[m\], Height = ([-+.\de]+) \[m\]")


def read_wave(path: Path, settings: CurvesSettings) -> Recording:
    """Read a wave.

    Parameters
    ----------
    path : Path
    settings : CurvesSettings

    Returns
    -------
    Recording

    Raises
    ------
    CurvesError
        If igor2 is missing, it is no wave, or it has no axis of the bias.
    """
    reader = import_reader("igor2.binarywave", "igor2", path)
    try:
        wave = reader.load(str(path))["wave"]
    except (OSError, ValueError, LookupError, AssertionError, struct.error, TypeError) as error:
        raise CurvesError(path, f"it can't be read as Igor wave ({error}); export it again") from (
            error
        )
    values = _values(wave["wData"], path)
    header = wave["wave_header"]
    note = wave.get("note", b"").decode("latin-1")
    name = bytes(header["bname"]).decode("latin-1").strip("\0 ")
    at = _bias_dimension(header, values.ndim, path)
    axis, origin = _axis(header, at, values.shape[at], settings, path)
    factor, current_origin = current_factor(_text(header["dataUnits"]), settings.current_unit, path)
    recording = Recording(
        bias=axis,
        current=np.moveaxis(values, at, -1).reshape(-1, values.shape[at]) * factor,
        # an axis that the user gives is in the order of time
        is_on_way_back=bool(RETRACE.search(name)) and settings.bias_from_v is None,
        origins={
            "current": Origin(name, HEADER),
            "current unit": current_origin,
            "bias": origin,
        },
        paths=(path,),
    )
    if recording.is_on_way_back:
        origins = {**recording.origins, "sweep direction": Origin("retrace", f"name '{name}'")}
        recording = replace(recording, origins=origins)
    if values.ndim == 2:
        return places_of(recording, settings, path)
    current = np.moveaxis(values, at, -1).transpose(1, 0, 2) * factor
    return _placed(recording, current, header, note, settings)


def _values(stored: np.ndarray, path: Path) -> np.ndarray:
    """Return real values of two or three dimensions."""
    if np.iscomplexobj(stored):
        raise CurvesError(
            path,
            "the wave has complex numbers, but curves are real; save its real part or its "
            "magnitude",
        )
    if stored.ndim not in (2, 3):
        raise CurvesError(
            path,
            f"its wave has {stored.ndim} dimension{'s' * (stored.ndim != 1)}; give a volume "
            "(x, y, bias) or curves as columns (bias, curve)",
        )
    return np.asarray(stored, dtype=np.float64)


def _bias_dimension(header: Any, n_dimensions: int, path: Path) -> int:
    """Return the dimension whose unit is a voltage; the last of a volume without units."""
    units = [_text(header["dimUnits"][i]) for i in range(n_dimensions)]
    found = [i for i, unit in enumerate(units) if unit.endswith("V") or unit == "Volt"]
    if len(found) == 1:
        return found[0]
    if not any(units):
        return 2 if n_dimensions == 3 else 0
    raise CurvesError(
        path,
        f"none of its axes is a bias (their units are {', '.join(unit or '–' for unit in units)}); "
        "give a wave with an axis in V",
    )


def _axis(
    header: Any, at: int, n_points: int, settings: CurvesSettings, path: Path
) -> tuple[np.ndarray, Origin]:
    if settings.bias_from_v is not None and settings.bias_to_v is not None:
        axis = np.linspace(settings.bias_from_v, settings.bias_to_v, n_points)
        return axis, Origin("V", "--bias-from-v and --bias-to-v")
    factor, origin = bias_factor(_text(header["dimUnits"][at]), settings.bias_unit, path)
    start, step = float(header["sfB"][at]), float(header["sfA"][at])
    return (start + step * np.arange(n_points)) * factor, origin


def _placed(
    recording: Recording,
    current: np.ndarray,
    header: Any,
    note: str,
    settings: CurvesSettings,
) -> Recording:
    """Return the recording of a volume: current (n_rows, n_cols, n_points), the lowest row first.

    A map whose recording stopped gets its missing rows back, as NaN.
    """
    (path,) = recording.paths
    unit = _text(header["dimUnits"][0])
    if unit or settings.length_unit:
        factor, origin = length_factor(unit, settings.length_unit, path)
        start, step = (np.asarray(header[k][:2], dtype=float) * factor for k in ("sfB", "sfA"))
    else:
        start, step, origin = np.zeros(2), np.zeros(2), Origin("unknown", HEADER)
    n_rows, n_cols, n_points = current.shape
    planned, below = _planned_rows(note, n_rows, start[1], step[1])
    notes: tuple[str, ...] = ()
    if planned > n_rows:
        whole = np.full((planned, n_cols, n_points), np.nan)
        whole[below : below + n_rows] = current
        start[1] -= below * step[1]
        notes = (
            f"The recording stopped after {n_rows} of {planned} rows of {n_cols} pixels; the "
            "others are empty.",
        )
        current, n_rows = whole, planned
    x, y = np.meshgrid(
        start[0] + step[0] * np.arange(n_cols), start[1] + step[1] * np.arange(n_rows)
    )
    placed = replace(
        recording,
        current=current.reshape(-1, n_points),
        shape=(n_rows, n_cols),
        positions=np.column_stack([x.ravel(), y.ravel()]) if step.all() else None,
        origins={**recording.origins, "positions": origin},
        notes=notes,
    )
    # y rises with the rows of a wave; where it falls the first row is the top one already
    return top_row_first(placed) if step[1] >= 0 else placed


def _planned_rows(note: str, n_rows: int, start: float, step: float) -> tuple[int, int]:
    """Return the rows of the whole map, and how many of them are missing below."""
    lines, extent = PER_LINE.search(note), EXTENT.search(note)
    if lines is None or int(lines[2]) <= n_rows:
        return n_rows, 0
    planned = int(lines[2])
    if extent is None or step == 0:
        return planned, 0
    lowest = -float(extent[2]) / 2 + step / 2
    return planned, int(np.clip(round((start - lowest) / step), 0, planned - n_rows))


def _text(characters: Any) -> str:
    joined = b"".join(bytes(each) for each in np.ravel(characters))
    return joined.decode("latin-1").strip("\0 ")
