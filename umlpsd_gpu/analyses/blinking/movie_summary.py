"""The summary of a movie in a study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MovieSummary:
    """The summary of a movie in a study.

    Attributes
    ----------
    name : str
        As in ``Traces.source``.
    mean_image : ndarray, shape (n_rows, n_cols), float64
        Time average, counts.
    dt_origin : str
        Where the frame interval comes from.
    dt_nominal_s : float or None
        Frame interval that was set at the camera, if known, in seconds.
    pixel_size_um : float or None
        Pixel size in the object plane, if known, in µm.
    verdict : str
        ``"whole"``, or the status and the reason.
    """

    name: str
    mean_image: np.ndarray
    dt_origin: str
    dt_nominal_s: float | None
    pixel_size_um: float | None
    verdict: str
