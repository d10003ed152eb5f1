"""A spectrum image as a file holds it: what its header says, and how its counts are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.xrays.spectrum import Conditions


@dataclass(frozen=True, eq=False)
class Recording:
    """A spectrum image whose counts are not read yet.

    Attributes
    ----------
    path : Path
    shape : (n_rows, n_columns, n_channels)
    load : callable
        Reads the counts; returns an array of that shape.
    offset_kev, step_kev : float or None
        Of the channels; None where the file doesn't say it.
    conditions : Conditions
    pixel_size_m : float or None
    metadata : mapping
    notes : tuple of str
    paths : tuple of Path
        All files that belong to it.
    """

    path: Path
    shape: tuple[int, int, int]
    load: Callable[[], np.ndarray]
    offset_kev: float | None = None
    step_kev: float | None = None
    conditions: Conditions = field(default_factory=Conditions)
    pixel_size_m: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()


def conditions_of(values: Mapping[str, Any], origin: str = "file") -> Conditions:
    """Return conditions with the origin of every known value.

    Parameters
    ----------
    values : mapping
        Name of an attribute of `Conditions` → value; what is None or not finite is unknown.
    origin : str
        Where the values come from.

    Returns
    -------
    Conditions
    """
    known = {name: value for name, value in values.items() if _is_known(value)}
    return Conditions(**known, origins=dict.fromkeys(known, origin))


def _is_known(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and bool(np.isfinite(value)) and value > 0
