"""Hysteresis of curves: area between both sweeps, set and reset voltages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.curve_map import BACKWARD, FORWARD
from umlpsd_gpu.analyses.curves.quantities.readings import Readings
from umlpsd_gpu.analyses.curves.quantity import Quantity

# A switch changes the current by at least this factor from one point to the next but one...
LEAST_FACTOR = 3.0
# ... and more than this many times as much as the curve changes elsewhere.
LEAST_CONTRAST = 4.0
# The larger of both currents is at least this many times the noise: below it factors are chance.
LEAST_SIGNAL = 15.0


def hysteresis_quantities(conditioned: ConditionedCurves) -> Iterator[tuple[str, Quantity]]:
    """Yield the area, the shift, and the voltages of switching, by name.

    Parameters
    ----------
    conditioned : ConditionedCurves
        With both sweeps.

    Yields
    ------
    name, quantity
    """
    forward, backward = (Readings.of(conditioned, sweep) for sweep in (FORWARD, BACKWARD))
    is_whole = ~(forward.is_saturated | backward.is_saturated).any(axis=1)
    area, area_error = _area(forward, backward)
    yield "hysteresis_area", forward.quantity("Hysteresis area", "W", area, area_error, is_whole)
    shift = conditioned.hysteresis_shift[forward.rows]
    yield (
        "hysteresis_shift",
        forward.quantity("Shift between sweeps", "V", shift, _shift_error(forward, backward)),
    )
    for name, title, rising in (("set", "Set voltage", True), ("reset", "Reset voltage", False)):
        for sign, side, symbol in ((1, "positive", "V > 0"), (-1, "negative", "V < 0")):
            # bias grows from zero outward in the forward sweep at V > 0, in the other at V < 0
            readings = forward if sign > 0 else backward
            values, errors = _switch(readings, sign, rising)
            yield (
                f"{name}_voltage_{side}",
                readings.quantity(f"{title}, {symbol}", "V", values, errors),
            )


def _area(forward: Readings, backward: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return ∫|I_forward − I_backward| dV of both polarities, each with one sign.

    The integral is taken before its absolute value, so that noise does not add up.
    """
    difference = forward.current - backward.current
    total = np.zeros(len(difference))
    n_points = 0
    for side in (forward.bias < 0, forward.bias >= 0):
        total += np.abs(difference[:, side].sum(axis=1)) * forward.step_v
        n_points += int(np.count_nonzero(side))
    noise = np.hypot(forward.noise, backward.noise)
    return total, noise * forward.step_v * np.sqrt(n_points)


def _shift_error(forward: Readings, backward: Readings) -> np.ndarray:
    """Return the standard error of a shift: noise divided by the steepness of the curve."""
    scale = 3 * forward.noise[:, None]
    transformed = [np.arcsinh(each.current / scale) for each in (forward, backward)]
    slope = np.gradient(np.mean(transformed, axis=0), forward.step_v, axis=1)
    # noise of asinh(I/3σ), at each point
    sd = np.sqrt(2.0) / 3 / np.sqrt(1 + np.square(forward.current / scale))
    numerator = np.sqrt(np.sum(np.square(slope * sd), axis=1))
    denominator = np.sum(np.square(slope), axis=1)
    error: np.ndarray = numerator / np.where(denominator > 0, denominator, np.nan)
    return error


def _switch(readings: Readings, sign: int, rising: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return bias and error of the largest jump of ln |I/V| outward from zero.

    Currents below three standard deviations of the noise count as these; the division by the bias
    makes the steep rise of any current close to zero bias none.
    """
    nowhere = np.full(len(readings.current), np.nan)
    side = np.flatnonzero(sign * readings.bias > 0)[::sign]
    if side.size < 8:
        return nowhere, nowhere
    in_noise = np.abs(readings.current[:, side]) / (3 * readings.noise[:, None])
    size = np.log(np.maximum(in_noise, 1.0) / np.abs(readings.bias[side]))
    change = (size[:, 2:] - size[:, :-2]) * (1 if rising else -1)
    place = np.argmax(change, axis=1)
    largest = change[np.arange(len(change)), place]
    usual = np.percentile(np.abs(change), 90, axis=1)
    rows = np.arange(len(change))
    higher = np.maximum(in_noise[rows, place], in_noise[rows, place + 2])
    found = (largest >= np.log(LEAST_FACTOR)) & (largest > LEAST_CONTRAST * usual)
    found &= higher > LEAST_SIGNAL / 3
    values = np.where(found, readings.bias[side][place + 1], np.nan)
    # anywhere between the two points: the spread of a uniform distribution
    return values, np.where(found, 2 * readings.step_v / np.sqrt(12), np.nan)
