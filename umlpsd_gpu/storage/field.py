"""One dataset of study.h5, as the tables of fields describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["array", "number", "perhaps number", "text", "texts", "numbers"]


@dataclass(frozen=True)
class Field:
    """One dataset of study.h5.

    Attributes
    ----------
    path : str
    dims : str
        Names of the axes, slowest first; empty for a single value.
    unit : str
        ``"1"`` for a pure number, empty for text.
    description : str
    kind : str
        How the value is kept in Python; "perhaps number" is NaN on disk where it is None.
    compressed : bool
    """

    path: str
    dims: str
    unit: str
    description: str
    kind: Kind = "array"
    compressed: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        return self.path.rpartition("/")[0]
