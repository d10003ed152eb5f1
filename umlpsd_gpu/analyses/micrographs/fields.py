"""The content of study.h5 of a micrograph: one table to write, read and document it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.factorisation.fields import (
    DECISION_FIELDS,
    FACTOR_FIELDS,
    UNCERTAINTY_FIELDS,
    decision_from,
    decision_groups,
    factors_from,
    factors_group,
    uncertainty_from,
    uncertainty_group,
)
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.spots import Spot
from umlpsd_gpu.storage.field import Field, FieldTable

SPOTS = "n_spots"

FIELDS = (
    Field(
        "micrograph/image", "n_rows, n_columns", "counts", "Without the data bar", compressed=True
    ),
    Field("micrograph/pixel_size_m", "", "m", "NaN if unknown", "perhaps number"),
    Field("micrograph/pixel_size_origin", "", "", "Where it is from", "text"),
    Field("micrograph/n_bar_rows", "", "1", "Rows of the data bar that was cut off", "number"),
    Field("micrograph/notes", "n_notes", "", "Notes of the reader", "texts"),
    Field("micrograph/file", "", "", "Name of the file", "text"),
    Field("windows/grid", "2", "1", "Rows and columns of windows"),
    Field("windows/sizes", "n_sizes", "pixel", "Sizes of windows that were tried"),
    Field("windows/k", "n_sizes", "1", "Number of local spectra by the size of windows"),
    Field("windows/p_value", "n_sizes", "1", "Probability if nothing were local"),
    *DECISION_FIELDS,
    *FACTOR_FIELDS,
    *UNCERTAINTY_FIELDS,
    Field("spots/component", SPOTS, "1", "Number of the component, from 1"),
    Field("spots/spacing_px", SPOTS, "pixel", "Distance of lattice lines"),
    Field("spots/spacing_error_px", SPOTS, "pixel", "Its standard error"),
    Field("spots/angle_deg", SPOTS, "degree", "Direction across the lines, counterclockwise"),
    Field("spots/angle_error_deg", SPOTS, "degree", "Its standard error"),
    Field("spots/contrast", SPOTS, "1", "Amplitude over the background"),
)


def _groups(study: Any) -> dict[str, Mapping[str, Any]]:
    micrograph: Micrograph = study.micrograph
    sizes = list(study.by_window)
    return {
        "micrograph": vars(micrograph) | {"file": micrograph.path.name},
        "windows": {
            "grid": np.array(study.grid),
            "sizes": np.array(sizes),
            "k": np.array([study.by_window[size][0] for size in sizes]),
            "p_value": np.array([study.by_window[size][1] for size in sizes]),
        },
        **decision_groups(study.decision),
        "factors": factors_group(study.factors),
        "uncertainty": uncertainty_group(study.uncertainty),
        "spots": {
            name: np.array([getattr(spot, name) for spot in study.spots])
            for name in Spot.__dataclass_fields__
        },
    }


def _attributes(
    values: Callable[[str], dict[str, Any]], top_groups: frozenset[str]
) -> dict[str, Any]:
    micrograph, windows, spots = values("micrograph"), values("windows"), values("spots")
    file = micrograph.pop("file")
    micrograph["n_bar_rows"] = int(micrograph["n_bar_rows"])
    of_windows = zip(windows["sizes"], windows["k"], windows["p_value"], strict=True)
    columns = [spots[name].tolist() for name in Spot.__dataclass_fields__]
    return {
        "micrograph": Micrograph(**micrograph, path=Path(file)),
        "grid": tuple(windows["grid"].tolist()),
        "decision": decision_from(values),
        "factors": factors_from(values("factors")),
        "uncertainty": uncertainty_from(values("uncertainty")),
        "spots": tuple(
            Spot(int(component), *rest) for component, *rest in zip(*columns, strict=True)
        ),
        "by_window": {int(size): (int(k), float(p)) for size, k, p in of_windows},
    }


TABLE = FieldTable(FIELDS, _groups, _attributes)
