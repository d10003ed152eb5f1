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
# Steps from the chord to the cubic: each leaves at most a quarter of the distance
CUBIC_STEPS = 5


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
    bias, current = sign * readings.bias[::sign], smooth[:, ::sign]
    start = int(np.count_nonzero(bias < 0))
    n = bias.size - start - LEAST_RUN + 1
    if n < 1:
        return np.full((2, len(smooth)), np.nan)[0], np.full(len(smooth), np.nan)
    above = np.abs(current[:, start:]) > threshold[:, None]
    lasting = np.logical_and.reduce([above[:, i : i + n] for i in range(LEAST_RUN)])
    rows, first = np.arange(len(smooth)), start + np.argmax(lasting, axis=1)
    # the current is followed through zero, where its size has a corner
    direction = np.sign(current[rows, first])
    excess = direction[:, None] * current - threshold[:, None]
    before = np.maximum(first - 1, 0)
    is_between = (first > 0) & (excess[rows, before] <= 0)
    crossing = _zero_between(excess, bias, np.maximum(first, 1))
    # above from the start on: from zero to there the current is taken as proportional to the bias
    height = excess[rows, first] + threshold
    proportional = bias[first] * threshold / np.where(height > 0, height, 1)
    crossing = np.where(is_between, crossing, proportional)
    uncertainty = gain * readings.noise
    slope = _slope_at(excess, bias, first, LEAST_RISE * uncertainty)
    # the derivative of the crossing, as calculated above, by the current
    steepness = height**2 / np.maximum(bias[first] * threshold, 1e-300)
    slope = np.where(is_between, slope, steepness)
    found = lasting.any(axis=1) & (slope > 0)
    error = uncertainty / np.where(found, slope, np.inf)
    return np.where(found, sign * crossing, np.nan), np.where(found, error, np.nan)


def _zero_between(excess: np.ndarray, bias: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where curves pass zero before a point, on the cubic through four points around."""
    rows = np.arange(len(excess))
    low, high = bias[after - 1], bias[after]
    rise = excess[rows, after] - excess[rows, after - 1]
    slope = np.where(rise > 0, rise, np.inf) / (high - low)
    found: np.ndarray = low - excess[rows, after - 1] / slope
    if bias.size < 4:
        return found
    around = np.clip(after - 2, 0, bias.size - 4)[:, None] + np.arange(4)
    nodes, values = bias[around], np.take_along_axis(excess, around, axis=1)
    for _ in range(CUBIC_STEPS):
        found = np.clip(found - _cubic_at(found, nodes, values) / slope, low, high)
    return found


def _cubic_at(x: np.ndarray, nodes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values at x of the cubics through four points each (Lagrange)."""
    total = np.zeros_like(x)
    for i in range(4):
        others = [j for j in range(4) if j != i]
        weight = np.prod([(x - nodes[:, j]) / (nodes[:, i] - nodes[:, j]) for j in others], axis=0)
        total += weight * values[:, i]
    return total


def _slope_at(
    excess: np.ndarray, bias: np.ndarray, first: np.ndarray, least_rise: np.ndarray
) -> np.ndarray:
    """Return the slope before a point of each curve, over as few steps as its noise allows."""
    rows = np.arange(len(excess))
    slope, rise = np.zeros((2, len(excess)))
    for n_beside in range(1, FURTHEST + 1):
        low = np.maximum(first - n_beside, 0)
        high = np.minimum(first + n_beside - 1, bias.size - 1)
        wider = rise < least_rise
        rise = np.where(wider, excess[rows, high] - excess[rows, low], rise)
        slope = np.where(wider, rise / np.maximum(bias[high] - bias[low], 1e-300), slope)
    return slope
