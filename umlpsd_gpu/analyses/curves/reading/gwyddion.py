"""Gwyddion files (.gwy): volume data x, y, bias, and curve maps."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.channels import choose_channels
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.gwyddion_lawn import read_lawn
from umlpsd_gpu.analyses.curves.reading.optional import import_reader
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import (
    HEADER,
    bias_factor,
    current_factor,
    length_factor,
)
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

MAGIC = b"GWYP"


def read_volume(path: Path, settings: CurvesSettings) -> Recording:
    """Read the volume data or the curve map of a Gwyddion file.

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
        If gwyfile is missing, or the file is damaged, of Gwyddion 1, or without curves.
    """
    reader = import_reader("gwyfile", "gwyfile", path)
    _check_start(path)
    try:
        container = reader.load(str(path))
    except (OSError, ValueError, LookupError, AssertionError, struct.error, TypeError) as error:
        raise CurvesError(
            path, f"it can't be read as Gwyddion file ({error}); save it again"
        ) from error
    bricks = _objects(container, "brick", "zres")
    lawns = _objects(container, "lawn", "ncurves")
    if bricks and lawns:
        raise CurvesError(
            path,
            f"it has volume data ({', '.join(bricks)}) and curve maps ({', '.join(lawns)}); delete "
            "one of them in Gwyddion, and save it under another name",
        )
    if not bricks and not lawns:
        raise CurvesError(path, "it has neither volume data nor a curve map; give one that has")
    if len(lawns) > 1:
        raise CurvesError(
            path,
            f"it has several curve maps ({', '.join(lawns)}); delete all but one in Gwyddion, and "
            "save it under another name",
        )
    for name, lawn in lawns.items():
        return read_lawn(lawn, name, settings, path)
    name = _choose(bricks, settings, path)
    return _read(bricks[name], name, settings, path)


def _objects(container: Any, kind: str, component: str) -> dict[str, Any]:
    """Return the objects of a kind by their titles."""
    return {
        _title(container, key): value
        for key, value in container.items()
        if key.startswith(f"/{kind}/") and key.count("/") == 2 and component in value
    }


def _check_start(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise CurvesError(path, f"it can't be read: {error.strerror}; check the name") from error
    if start == b"GWYO":
        raise CurvesError(path, "it is of Gwyddion 1; open it with Gwyddion 2 and save it again")
    if start != MAGIC:
        raise CurvesError(path, "it is no Gwyddion file; correct the ending of its name")


def _title(container: Any, key: str) -> str:
    title = container.get(f"{key}/title", key)
    return title if isinstance(title, str) else title.decode("utf-8", "replace")


def _choose(bricks: dict[str, Any], settings: CurvesSettings, path: Path) -> str:
    if len(bricks) == 1 and settings.channel is None:
        return next(iter(bricks))
    names = list(bricks)
    return names[choose_channels(names, settings.channel, None, path).current]


def _read(brick: Any, name: str, settings: CurvesSettings, path: Path) -> Recording:
    n_cols, n_rows, n_points = (int(brick[f"{axis}res"]) for axis in "xyz")
    values = np.asarray(brick["data"], dtype=np.float64).reshape(n_points, n_rows, n_cols)
    factor, current_origin = current_factor(_unit(brick, "w"), settings.current_unit, path)
    size, bias_origin = bias_factor(_unit(brick, "z"), settings.bias_unit, path)
    length, _ = length_factor(_unit(brick, "x") or "m", None, path)
    across, down = (each.ravel() * length for each in np.meshgrid(*_pixels(brick)))
    axis, source = _axis(brick, n_points, size)
    if settings.bias_from_v is not None and settings.bias_to_v is not None:
        axis = np.linspace(settings.bias_from_v, settings.bias_to_v, n_points)
        source = "--bias-from-v and --bias-to-v"
    return Recording(
        bias=axis,
        current=values.reshape(n_points, -1).T * factor,
        shape=(n_rows, n_cols),
        positions=np.column_stack([across, -down]),
        origins={
            "current": Origin(name, HEADER),
            "current unit": current_origin,
            "bias": Origin(bias_origin.value, source),
            "positions": Origin("m", HEADER),
        },
        paths=(path,),
    )


def _pixels(brick: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of columns and rows; y goes down."""

    def centres(axis: str) -> np.ndarray:
        n = int(brick[f"{axis}res"])
        offset, extent = float(brick.get(f"{axis}off", 0.0)), float(brick[f"{axis}real"])
        return np.asarray(offset + extent * (np.arange(n) + 0.5) / n)

    return centres("x"), centres("y")


def _axis(brick: Any, n_points: int, size: float) -> tuple[np.ndarray, str]:
    """Return the bias of each plane, in volts, and where it is from.

    Without a calibration Gwyddion shows plane i at offset + i × step.
    """
    if "calibration" in brick:
        values = np.asarray(brick["calibration"]["data"], dtype=np.float64)
        return values * size, "calibration of the volume"
    start, extent = float(brick.get("zoff", 0.0)), float(brick["zreal"])
    return (start + extent * np.arange(n_points) / n_points) * size, HEADER


def _unit(brick: Any, axis: str) -> str:
    unit = brick.get(f"si_unit_{axis}")
    text = "" if unit is None else unit.get("unitstr", "")
    return text if isinstance(text, str) else text.decode("utf-8", "replace")
