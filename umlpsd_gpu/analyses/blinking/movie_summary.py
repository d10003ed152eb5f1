"""What a study keeps of a movie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MovieSummary:
    """What the study keeps of a movie.

    Attributes
    ----------
    name : str
        As in ``Traces.source``.
    mean_image : ndarray, shape (n_rows, n_cols), float64
        Time average, counts.
    dt_origin : str
        Where the frame interval comes from.
    dt_nominal_s, pixel_size_um : float or None
    verdict : str
        ``"whole"``, or the status and the reason.
    """

    name: str
    mean_image: np.ndarray
    dt_origin: str
    dt_nominal_s: float | None
    pixel_size_um: float | None
    verdict: str
