"""Quantities at chosen biases: current, conductance, rectification, local exponent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from umlpsd_gpu.analyses.curves.quantities.local_fits import LocalFit, fit_at
from umlpsd_gpu.analyses.curves.quantities.readings import Readings
from umlpsd_gpu.analyses.curves.quantity import Quantity

# A current below this many standard errors is none: ratios with it are not valid.
LEAST_SIGNIFICANCE = 3.0
# Ends of the bias range that differ by less than this share of it are equal but for an offset.
SAME_ENDS = 0.05


def default_read_voltages(bias: np.ndarray) -> tuple[float, ...]:
    """Return half of both ends of the bias range, as round numbers.

    Parameters
    ----------
    bias : ndarray, shape (n_points,)
        In volts.

    Returns
    -------
    tuple of float
        The negative one first; without the side on which there is no bias.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.analyses.curves.quantities.at_bias import default_read_voltages
    >>> default_read_voltages(np.linspace(-1.003, 0.997, 256))
    (-0.5, 0.5)
    >>> default_read_voltages(np.linspace(0, 2.5, 100))
    (1.2,)
    """
    low, high = -float(bias[0]), float(bias[-1])
    if low > 0 and high > 0 and abs(low - high) < SAME_ENDS * max(low, high):
        low = high = min(low, high)
    sides = ((-1, low), (1, high))
    return tuple(sign * _round_number(end / 2) for sign, end in sides if end > 0)


def _round_number(value: float) -> float:
    """Round to one digit if that changes it by less than 5 %, else to two."""
    one, two = (float(f"{value:.{digits}g}") for digits in (1, 2))
    return one if abs(one - value) < SAME_ENDS * value else two


def quantities_at_biases(
    readings: Readings, biases: Sequence[float]
) -> Iterator[tuple[str, Quantity]]:
    """Yield the quantities at chosen biases, by name.

    Parameters
    ----------
    readings : Readings
    biases : sequence of float
        In volts.

    Yields
    ------
    name, quantity
    """
    fits = {bias: fit_at(readings, bias) for bias in biases}
    for bias, fit in fits.items():
        place, at = f"{bias:g}v", f"{bias:g} V".replace("-", "−")
        yield (
            f"current_at_{place}",
            readings.quantity(f"Current at {at}", "A", fit.current, fit.current_error),
        )
        yield (
            f"conductance_at_{place}",
            readings.quantity(f"dI/dV at {at}", "S", fit.slope, fit.slope_error),
        )
        if bias:
            yield f"exponent_at_{place}", _exponent(readings, fit, bias, at)
    zero = fit_at(readings, 0.0)
    yield (
        "zero_bias_conductance",
        readings.quantity("Zero-bias conductance", "S", zero.slope, zero.slope_error),
    )
    largest = max((bias for bias in biases if bias > 0), default=0.0)
    if largest and readings.bias[0] <= -largest:
        yield "rectification", _rectification(readings, largest)


def _exponent(readings: Readings, fit: LocalFit, bias: float, at: str) -> Quantity:
    """Return d ln |I| / d ln |V| = V G / I: 1 for ohmic, 2 for space-charge-limited currents."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = bias * fit.slope / fit.current
        by_slope, by_current = bias / fit.current, -values / fit.current
    variance = (
        np.square(by_slope * fit.slope_error)
        + np.square(by_current * fit.current_error)
        + 2 * by_slope * by_current * fit.covariance
    )
    valid = np.abs(fit.current) > LEAST_SIGNIFICANCE * fit.current_error
    title = f"Exponent d ln I / d ln V at {at}"
    return readings.quantity(title, "", values, np.sqrt(np.maximum(variance, 0)), valid)


def _rectification(readings: Readings, bias: float) -> Quantity:
    up, down = fit_at(readings, bias), fit_at(readings, -bias)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.abs(up.current / down.current)
        relative = np.hypot(up.current_error / up.current, down.current_error / down.current)
    valid = (np.abs(up.current) > LEAST_SIGNIFICANCE * up.current_error) & (
        np.abs(down.current) > LEAST_SIGNIFICANCE * down.current_error
    )
    title = f"Rectification |I(+V) / I(−V)| at {bias:g} V"
    return readings.quantity(title, "", values, values * relative, valid)
