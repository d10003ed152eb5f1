"""A single image of a microscope, with its scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A single image of a microscope.

    Attributes
    ----------
    image : ndarray of float32, shape (n_rows, n_columns)
        Without the data bar.
    pixel_size_m : float or None
        Side of a pixel in the plane of the sample; None if nothing says it.
    pixel_size_origin : str
        "user", the name of the metadata, or "unknown".
    n_bar_rows : int
        Rows of a data bar that were cut off at the bottom.
    notes : tuple of str
        What the user should know, one sentence each.
    path : Path
    """

    image: NDArray[np.float32]
    pixel_size_m: float | None = None
    pixel_size_origin: str = "unknown"
    n_bar_rows: int = 0
    notes: tuple[str, ...] = ()
    path: Path = field(default_factory=Path)
