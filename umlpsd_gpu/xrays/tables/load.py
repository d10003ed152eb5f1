"""The table of X-ray lines, levels and attenuation, read once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5")
LARGEST_Z = 98


@cache
def load_table() -> Mapping[str, NDArray[Any]]:
    """Read the table that benchmarks/xray_table.py derives from xraydb.

    Returns
    -------
    mapping of str to ndarray
        Arrays whose first axis is the atomic number, 0…98, and flat arrays of lines and
        attenuation. They can't be written to.
    """
    with np.load(Path(__file__).with_name("xray_table.npz"), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for array in arrays.values():
        array.flags.writeable = False
    return MappingProxyType(arrays)
