"""Turn-on voltages: where the current leaves the noise, or exceeds a given current."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import savgol_coeffs, savgol_filter

from umlpsd_gpu.analyses.curves.quantities.readings import Readings
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.settings import QuantitySettings

WINDOW, ORDER = 7, 2
# The current must stay above the threshold for this many points: single noisy points are ignored.
LEAST_RUN = 3
# The slope is taken between points up to this far on either side, until the current rises by so
# many standard deviations: the noise of the slope would make errors too small or too large
FURTHEST, LEAST_RISE = 4, 12.0


def turn_on_voltages(
    readings: Readings, settings: QuantitySettings
) -> Iterator[tuple[str, Quantity]]:
    """Yield the turn-on voltages of both signs, by name.

    Parameters
    ----------
    readings : Readings
    settings : QuantitySettings
        With ``turn_on_current_a``, or ``turn_on_sigma``.

    Yields
    ------
    name, quantity
    """
    if settings.turn_on_current_a is not None:
        threshold = np.full(readings.noise.shape, settings.turn_on_current_a)
        what = f"{settings.turn_on_current_a:.3g} A"
    else:
        threshold = settings.turn_on_sigma * readings.noise
        what = f"{settings.turn_on_sigma:g} σ"
    window = min(WINDOW, readings.bias.size - 1 + readings.bias.size % 2)
    smooth = savgol_filter(readings.current, window, ORDER, axis=1)
    # a plateau and a bend are no polynomial; a saturated point is above what it is clipped at
    smooth = np.where(readings.is_saturated, readings.current, smooth)
    gain = float(np.sqrt(np.sum(np.square(savgol_coeffs(window, ORDER)))))
    for sign, name, symbol in ((1, "positive", "V > 0"), (-1, "negative", "V < 0")):
        values, errors = _outward_crossing(readings, sign, smooth, threshold, gain)
        title = f"Turn-on voltage at {what}, {symbol}"
        yield f"turn_on_{name}", readings.quantity(title, "V", values, errors)


def _outward_crossing(
    readings: Readings, sign: int, smooth: np.ndarray, threshold: np.ndarray, gain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return bias and error of the first lasting excess of |I|, from zero outward."""
    side = np.flatnonzero(sign * readings.bias >= 0)[::sign]
    if side.size < LEAST_RUN:
        return np.full((2, len(smooth)), np.nan)[0], np.full(len(smooth), np.nan)
    bias, excess = sign * readings.bias[side], np.abs(smooth[:, side]) - threshold[:, None]
    above = excess > 0
    n = side.size - LEAST_RUN + 1
    lasting = np.logical_and.reduce([above[:, i : i + n] for i in range(LEAST_RUN)])
    first = np.argmax(lasting, axis=1)
    before = np.maximum(first - 1, 0)
    rows = np.arange(len(smooth))
    rise = excess[rows, first] - excess[rows, before]
    share = np.where(rise > 0, -excess[rows, before] / np.where(rise > 0, rise, 1), 0.0)
    crossing = bias[before] + share * (bias[first] - bias[before])
    # above from the first point on: between it and zero current is proportional to bias
    at_once = first == 0
    height = excess[:, 0] + threshold
    crossing = np.where(at_once, bias[0] * threshold / np.where(at_once, height, 1), crossing)
    uncertainty = gain * readings.noise
    slope = _slope_at(excess, bias, first, LEAST_RISE * uncertainty)
    # the derivative of the crossing, as calculated above, by the current
    slope = np.where(at_once, height**2 / np.maximum(bias[0] * threshold, 1e-300), slope)
    found = lasting.any(axis=1) & (slope > 0)
    error = uncertainty / np.where(found, slope, np.inf)
    return np.where(found, sign * crossing, np.nan), np.where(found, error, np.nan)


def _slope_at(
    excess: np.ndarray, bias: np.ndarray, first: np.ndarray, least_rise: np.ndarray
) -> np.ndarray:
    """Return the slope around a point of each curve, over as few steps as its noise allows."""
    rows = np.arange(len(excess))
    slope, rise = np.zeros((2, len(excess)))
    for n_beside in range(1, FURTHEST + 1):
        low, high = np.maximum(first - n_beside, 0), np.minimum(first + n_beside, bias.size - 1)
        wider = rise < least_rise
        rise = np.where(wider, excess[rows, high] - excess[rows, low], rise)
        slope = np.where(wider, rise / np.maximum(bias[high] - bias[low], 1e-300), slope)
    return slope
