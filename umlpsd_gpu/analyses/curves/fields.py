"""The content of study.h5 of a map of curves: one table to write, read and document it.

In ``map/*/…`` and ``conditioned/*/…`` the star is the sweep, ``forward`` or ``backward``; in
``lock_in/*/…`` the number of the channel, from 1; in ``quantities/*/…`` the name of the quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap, Origin
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.clustering.fields import CLUSTERING_FIELDS, clustering_from, clustering_groups
from umlpsd_gpu.storage.field import Field, FieldTable

CURVES = "n_curves, n_points"

FIELDS = (
    Field("map/bias", "n_points", "V", "Bias as recorded, rising"),
    Field("map/sweeps", "n_sweeps", "", "The recorded sweeps", "texts"),
    Field("map/*/current", CURVES, "A", "Currents as recorded; NaN: not recorded"),
    Field("map/shape", "2", "1", "Rows and columns of the grid; empty without one"),
    Field("map/positions", "n_curves, 2", "m", "x and y; empty if unknown"),
    Field("map/height", "n_curves", "m", "Topography; empty if unknown"),
    Field("map/notes", "n_notes", "", "Notes of the reader", "texts"),
    Field("map/files", "n_files", "", "Names of the files", "texts"),
    Field("origins/names", "n_origins", "", "What is known of the map", "texts"),
    Field("origins/values", "n_origins", "", "Its value, as a unit or a channel", "texts"),
    Field("origins/sources", "n_origins", "", "Where it is from", "texts"),
    Field("lock_in/names", "n_channels", "", "Lock-in channels and their sweeps", "texts"),
    Field("lock_in/*/values", CURVES, "1", "Lock-in channel, in the unit of the file"),
    Field("conditioned/bias", "n_points", "V", "Bias without its offset"),
    Field("conditioned/noise", "n_curves", "A", "Standard deviation of the noise of a curve"),
    Field("conditioned/current_offset", "n_curves", "A", "Offset that was subtracted"),
    Field("conditioned/bias_offset", "", "V", "Offset that was subtracted", "number"),
    Field("conditioned/hysteresis_shift", "n_curves", "V", "Backward against forward sweep"),
    Field("conditioned/is_usable", "n_curves", "1", "Whether a curve was clustered"),
    Field("conditioned/notes", "n_notes", "", "Notes of the conditioning", "texts"),
    Field("conditioned/*/current", CURVES, "A", "Currents without offset"),
    Field("conditioned/*/is_saturated", CURVES, "1", "Points that are bounds, not values"),
    Field("conditioned/*/conductance", CURVES, "S", "dI/dV"),
    *CLUSTERING_FIELDS,
    Field("quantities/names", "n_quantities", "", "The quantities in their order", "texts"),
    Field("quantities/*/title", "", "", "Name for people", "text"),
    Field("quantities/*/unit", "", "", "SI unit; empty for a pure number", "text"),
    Field("quantities/*/values", "n_curves", "see unit", "Value; NaN where it has none"),
    Field("quantities/*/errors", "n_curves", "see unit", "Standard error"),
    Field("quantities/*/is_valid", "n_curves", "1", "Whether it is within its method's limits"),
)


def _groups(study: Any) -> dict[str, Mapping[str, Any]]:
    curves, conditioned = study.map, study.conditioned
    origins = curves.origins
    return {
        "map": {
            "bias": curves.bias,
            "sweeps": tuple(curves.current),
            "shape": np.array(curves.shape or (), dtype=np.int64),
            "positions": _or_empty(curves.positions, (0, 2)),
            "height": _or_empty(curves.height, (0,)),
            "notes": curves.notes,
            "files": tuple(path.name for path in curves.paths),
        },
        **{f"map/{sweep}": {"current": each} for sweep, each in curves.current.items()},
        "origins": {
            "names": tuple(origins),
            "values": tuple(origin.value for origin in origins.values()),
            "sources": tuple(origin.source for origin in origins.values()),
        },
        "lock_in": {"names": tuple(curves.lock_in)},
        **{
            f"lock_in/{i}": {"values": values}
            for i, values in enumerate(curves.lock_in.values(), start=1)
        },
        "conditioned": vars(conditioned),
        **{
            f"conditioned/{sweep}": {
                "current": conditioned.current[sweep],
                "is_saturated": conditioned.is_saturated[sweep],
                "conductance": conditioned.conductance[sweep],
            }
            for sweep in conditioned.current
        },
        **clustering_groups(study.clustering),
        "quantities": {"names": tuple(study.quantities)},
        **{f"quantities/{name}": vars(each) for name, each in study.quantities.items()},
    }


def _attributes(
    values: Callable[[str], dict[str, Any]], top_groups: frozenset[str]
) -> dict[str, Any]:
    return {
        "map": _map_from(values),
        "conditioned": _conditioned_from(values, values("map")["sweeps"]),
        "clustering": clustering_from(values),
        "quantities": {
            name: Quantity(**values(f"quantities/{name}")) for name in values("quantities")["names"]
        },
    }


def _map_from(values: Callable[[str], dict[str, Any]]) -> CurveMap:
    stored, origins = values("map"), values("origins")
    shape = stored["shape"].tolist()
    known = zip(origins["names"], origins["values"], origins["sources"], strict=True)
    return CurveMap(
        bias=stored["bias"],
        current={sweep: values(f"map/{sweep}")["current"] for sweep in stored["sweeps"]},
        lock_in={
            name: values(f"lock_in/{i}")["values"]
            for i, name in enumerate(values("lock_in")["names"], start=1)
        },
        shape=(shape[0], shape[1]) if shape else None,
        positions=stored["positions"] if stored["positions"].size else None,
        height=stored["height"] if stored["height"].size else None,
        origins={name: Origin(value, source) for name, value, source in known},
        notes=stored["notes"],
        paths=tuple(map(Path, stored["files"])),
    )


def _conditioned_from(
    values: Callable[[str], dict[str, Any]], sweeps: tuple[str, ...]
) -> ConditionedCurves:
    by_sweep = {sweep: values(f"conditioned/{sweep}") for sweep in sweeps}

    def of(name: str) -> dict[str, np.ndarray]:
        return {sweep: each[name] for sweep, each in by_sweep.items()}

    return ConditionedCurves(
        **values("conditioned"),
        current=of("current"),
        is_saturated=of("is_saturated"),
        conductance=of("conductance"),
    )


def _or_empty(values: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.empty(shape) if values is None else values


TABLE = FieldTable(FIELDS, _groups, _attributes)
