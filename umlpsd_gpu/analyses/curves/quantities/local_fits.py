"""Current and slope at a bias, from a polynomial through the points around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.curves.quantities.readings import Readings

# A cubic through nine points: its slope is free of the even and third-order bends of a curve, and
# five points are left to show the noise there.
ORDER, N_POINTS = 3, 9


@dataclass(frozen=True, eq=False)
class LocalFit:
    """Current and slope of all curves at one bias.

    Attributes
    ----------
    current, current_error : ndarray, shape (n_usable,)
        In amperes; NaN where a point of the window is saturated, or the bias is outside.
    slope, slope_error : ndarray, shape (n_usable,)
        In siemens.
    covariance : ndarray, shape (n_usable,)
        Of both, in amperes times siemens.
    """

    current: np.ndarray
    current_error: np.ndarray
    slope: np.ndarray
    slope_error: np.ndarray
    covariance: np.ndarray


def fit_at(readings: Readings, bias_v: float) -> LocalFit:
    """Fit a cubic through the nine points nearest to a bias.

    The noise is the larger of that of the whole curve and that of the residuals, since the noise of
    a tunnel current grows with the current.

    Parameters
    ----------
    readings : Readings
    bias_v : float
        In volts.

    Returns
    -------
    LocalFit
    """
    bias = readings.bias
    n = len(readings.current)
    if not bias[0] <= bias_v <= bias[-1]:
        return LocalFit(*np.full((5, n), np.nan))
    width = min(N_POINTS, bias.size)
    first = int(np.clip(np.argmin(np.abs(bias - bias_v)) - width // 2, 0, bias.size - width))
    window = slice(first, first + width)
    # in steps, so that the normal equations are well conditioned
    columns = np.vander((bias[window] - bias_v) / readings.step_v, ORDER + 1, increasing=True)
    inverse = np.linalg.inv(columns.T @ columns)
    values = np.where(readings.is_saturated[:, window], np.nan, readings.current[:, window])
    solution = values @ columns @ inverse
    rest = values - solution @ columns.T
    local = np.sqrt(np.sum(np.square(rest), axis=1) / max(1, width - ORDER - 1))
    # residuals of five degrees of freedom scatter: below twice the noise they show nothing new
    sd = np.where(local > 2 * readings.noise, local, readings.noise)
    step = readings.step_v
    return LocalFit(
        current=solution[:, 0],
        current_error=sd * np.sqrt(inverse[0, 0]),
        slope=solution[:, 1] / step,
        slope_error=sd * np.sqrt(inverse[1, 1]) / step,
        covariance=np.square(sd) * inverse[0, 1] / step,
    )
