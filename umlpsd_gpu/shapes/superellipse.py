"""The super-ellipse that describes the outline of a nanocrystal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SuperEllipse:
    """An outline R(θ) = size · [(L |cos(d (θ + φ) / 2)|)^p + |sin(d (θ + φ) / 2)|^p]^(−1/p).

    Equation 1 of Williamson et al., Nanoscale 2022, doi 10.1039/d2nr04292d, times a size.

    Attributes
    ----------
    row, column : float
        Centre, in pixels; the centre of the first pixel is at (0, 0).
    size_px : float
        Radius where the cosine vanishes; where the sine vanishes, it is ``size_px / l_ratio``.
    d : int
        Half the number of maxima and minima of the radius: the order of the symmetry, doubled where
        ``l_ratio`` is 1.
    p : float
        Exponent, above 0: sides are hollow at small and straight or bulging at large values.
    l_ratio : float
        Ratio of the two extreme radii, at least 1.
    phase_rad : float
        Rotation φ; θ is counted from the direction of the columns to that of the rows.
    """

    row: float
    column: float
    size_px: float
    d: int
    p: float
    l_ratio: float = 1.0
    phase_rad: float = 0.0


def radii(shape: SuperEllipse, angles_rad: np.ndarray) -> np.ndarray:
    """Return the radii of a super-ellipse.

    Parameters
    ----------
    shape : SuperEllipse
    angles_rad : ndarray of float
        Directions θ.

    Returns
    -------
    ndarray of float64, the shape of ``angles_rad``
        In pixels.

    Notes
    -----
    The larger of the two terms is taken out of the sum, so that no power overflows.
    """
    half = 0.5 * shape.d * (np.asarray(angles_rad, dtype=np.float64) + shape.phase_rad)
    across, along = shape.l_ratio * np.abs(np.cos(half)), np.abs(np.sin(half))
    larger = np.maximum(across, along)
    ratio = np.minimum(across, along) / larger
    found: np.ndarray = shape.size_px / larger * (1.0 + ratio**shape.p) ** (-1.0 / shape.p)
    return found
