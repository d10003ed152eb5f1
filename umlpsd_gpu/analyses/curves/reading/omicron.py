"""Omicron MATRIX files (.mtrx): single curves and volumes, with their parameter file beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.grids import grid_positions, top_row_first
from umlpsd_gpu.analyses.curves.reading.optional import import_reader
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import HEADER, bias_factor, current_factor
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

NAMES = {"Ampere": "A", "Volt": "V"}


def read_matrix(path: Path, settings: CurvesSettings) -> Recording:
    """Read curves of a MATRIX file.

    Parameters
    ----------
    path : Path
    settings : CurvesSettings

    Returns
    -------
    Recording
        Of a volume the first direction of the scan.

    Raises
    ------
    CurvesError
        If access2thematrix is missing, the parameter file ``…_0001.mtrx`` is not in the same
        folder, or the file holds no curves over the bias.
    """
    reader = import_reader("access2thematrix", "access2thematrix", path)
    if not path.is_file():
        raise CurvesError(path, "there is no such file; check the name")
    data = reader.MtrxData()
    traces, message = data.open(str(path))
    if data.scan is None:
        raise CurvesError(
            path,
            f"it can't be read ({message.rstrip('.')}); put its parameter file …_0001.mtrx into "
            "the same folder",
        )
    if data.object_type == "image":
        raise CurvesError(path, "it is an image; give the file of the curves, as …I(V)_mtrx")
    axis_name, axis_unit = getattr(
        data, "z_data_name_and_unit", getattr(data, "x_data_name_and_unit", ("", ""))
    )
    if NAMES.get(axis_unit, axis_unit) != "V":
        raise CurvesError(
            path, f"its curves are over {axis_name or 'an unknown axis'}, not over the bias"
        )
    name, unit = data.channel_name_and_unit
    factor, current_origin = current_factor(NAMES.get(unit, unit), settings.current_unit, path)
    bias_size, bias_origin = bias_factor("V", settings.bias_unit, path)
    bias = np.asarray(data.scan[0], dtype=np.float64) if data.object_type == "curve" else None
    origins = {
        "current": Origin(name, HEADER),
        "current unit": current_origin,
        "bias": bias_origin,
    }
    if data.volume_scan:
        return _volume(data, list(traces.values()), factor, origins, path)
    assert bias is not None
    return Recording(
        bias=bias * bias_size,
        current=np.asarray(data.scan[1], dtype=np.float64)[None] * factor,
        current_back=data.scan[2][None] * factor if len(data.scan) == 3 else None,
        positions=_place(data),
        origins=origins,
        paths=(path,),
    )


def _volume(
    data: Any, traces: list[str], factor: float, origins: dict[str, Origin], path: Path
) -> Recording:
    directions = [trace for trace in traces if trace in data.volume_scan]
    parts = data.volume_scan[directions[0]]
    current = np.asarray(parts["trace"], dtype=np.float64)
    n_rows, n_cols, n_points = current.shape
    back = parts.get("retrace")
    width, height = (data.param[f"EEPA::XYScanner.{side}"][0] for side in ("Width", "Height"))
    centre = tuple(data.param.get(f"EEPA::XYScanner.{a}_Offset", [0.0])[0] for a in "XY")
    notes = [f"The direction {directions[0]} of the scan was read."] if len(directions) > 1 else []
    is_empty = np.isnan(current).any(axis=2)
    if is_empty.any():
        notes.append(
            f"The recording stopped after {int((~is_empty).sum())} of {is_empty.size} pixels; the "
            "others are empty."
        )
    return top_row_first(
        Recording(
            bias=np.asarray(data.scan[0], dtype=np.float64),
            current=current.reshape(-1, n_points) * factor,
            current_back=None if back is None else back.reshape(-1, n_points) * factor,
            shape=(n_rows, n_cols),
            positions=grid_positions((n_rows, n_cols), (centre[0], centre[1]), (width, height)),
            origins=origins | {"positions": Origin("m", HEADER)},
            notes=tuple(notes),
            paths=(path,),
        )
    )


def _place(data: Any) -> np.ndarray | None:
    location = data.param.get("MARK::MTRX.STS_LOCATION")
    return None if location is None else np.array([location[2:4]], dtype=np.float64)
