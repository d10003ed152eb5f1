"""The gap of tunnelling spectra: edges where dI/dV leaves the floor around zero bias.

The edges are found as Feenstra does (Phys. Rev. B 50, 4561, 1994): dI/dV beyond an edge is taken
as a line and extrapolated to the floor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.curves.quantities.readings import Readings
from umlpsd_gpu.analyses.curves.quantity import Quantity

# dI/dV is averaged over this share of the bias range in steps that do not overlap
N_BINS = 40
# The floor is left where dI/dV stays above it by this many standard errors...
SIGMAS = 4.0
# ... and by this share of the largest dI/dV, so that a slow rise within the gap is no edge.
LEAST_RISE = 0.02
LEAST_RUN = 2
# The line beyond an edge goes through this many bins.
LINE_BINS = 5
# A gap is at least this many bins wide, and its floor this far below the largest dI/dV
LEAST_WIDTH, MOST_FLOOR = 3, 0.03


@dataclass(frozen=True, eq=False)
class _Slopes:
    """dI/dV in bins: differences of the mean current of neighbouring groups of points."""

    bias: np.ndarray
    values: np.ndarray
    error: np.ndarray
    step: float


def gap_quantities(readings: Readings) -> Iterator[tuple[str, Quantity]]:
    """Yield edges, gap, midgap and conductance in the gap, by name.

    Parameters
    ----------
    readings : Readings

    Yields
    ------
    name, quantity
    """
    slopes = _slopes_in_bins(readings)
    floor = _floor_at_zero(slopes)
    most = np.nanmax(np.where(np.isfinite(slopes.values), slopes.values, -np.inf), axis=1)
    up, up_error = _edge(slopes, 1, floor, most)
    down, down_error = _edge(slopes, -1, floor, most)
    gap, gap_error = up - down, np.hypot(up_error, down_error)
    valid = (
        (gap > LEAST_WIDTH * slopes.step)
        & (up > 0)
        & (down < 0)
        & (floor < MOST_FLOOR * most)
        & (gap > 3 * gap_error)
    )
    inside, inside_error = _conductance_between(readings, down, up)
    for name, title, unit, values, errors in (
        ("edge_positive", "Edge of dI/dV, V > 0", "V", up, up_error),
        ("edge_negative", "Edge of dI/dV, V < 0", "V", down, down_error),
        ("gap", "Gap of dI/dV", "V", gap, gap_error),
        ("midgap", "Middle of the gap", "V", (up + down) / 2, gap_error / 2),
        ("gap_conductance", "dI/dV in the gap", "S", inside, inside_error),
    ):
        yield name, readings.quantity(title, unit, values, errors, valid)


def _slopes_in_bins(readings: Readings) -> _Slopes:
    n_points = readings.bias.size
    width = max(1, n_points // N_BINS)
    n_bins = n_points // width
    first = (n_points - n_bins * width) // 2
    used = slice(first, first + n_bins * width)
    current = np.where(readings.is_saturated, np.nan, readings.current)[:, used]
    means = current.reshape(len(current), n_bins, width).mean(axis=2)
    bias = readings.bias[used].reshape(n_bins, width).mean(axis=1)
    step = float(bias[-1] - bias[0]) / (n_bins - 1)
    error = readings.noise * np.sqrt(2 / width) / step
    return _Slopes(
        (bias[1:] + bias[:-1]) / 2, readings.polarity * np.diff(means, axis=1) / step, error, step
    )


def _floor_at_zero(slopes: _Slopes) -> np.ndarray:
    """Return dI/dV at zero bias, the mean of the three bins there; edges are sought outward."""
    at = int(np.argmin(np.abs(slopes.bias)))
    around = slice(max(at - 1, 0), at + 2)
    floor: np.ndarray = slopes.values[:, around].mean(axis=1)
    return floor


def _edge(
    slopes: _Slopes, sign: int, floor: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the edge on one side, outward from zero, and its error."""
    nowhere = np.full(len(floor), np.nan)
    side = np.flatnonzero(sign * slopes.bias >= 0)[::sign]
    if side.size < LINE_BINS + LEAST_RUN:
        return nowhere, nowhere
    bias, values = np.abs(slopes.bias[side]), slopes.values[:, side]
    above = np.maximum(SIGMAS * slopes.error, LEAST_RISE * (most - floor))
    is_above = values > (floor + above)[:, None]
    n = side.size - LEAST_RUN + 1
    lasting = np.logical_and.reduce([is_above[:, i : i + n] for i in range(LEAST_RUN)])
    first = np.argmax(lasting, axis=1)
    window = np.minimum(first, side.size - LINE_BINS)[:, None] + np.arange(LINE_BINS)
    x = bias[window]
    y = np.take_along_axis(values, window, axis=1) - floor[:, None]
    centred = x - x.mean(axis=1, keepdims=True)
    square = np.sum(np.square(centred), axis=1)
    slope = np.sum(centred * y, axis=1) / square
    rest = y - y.mean(axis=1, keepdims=True) - slope[:, None] * centred
    sd = np.maximum(slopes.error, np.sqrt(np.sum(np.square(rest), axis=1) / (LINE_BINS - 2)))
    found = lasting.any(axis=1) & (slope > 0)
    steep = np.where(found, slope, np.nan)
    edge = x.mean(axis=1) - y.mean(axis=1) / steep
    reach = y.mean(axis=1) / steep
    error = sd / steep * np.sqrt(1 / LINE_BINS + np.square(reach) / square)
    return sign * edge, error


def _conductance_between(
    readings: Readings, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope of a line through the currents between the edges, and its error."""
    bias = readings.bias[None, :]
    with np.errstate(invalid="ignore"):
        inside = (bias > low[:, None]) & (bias < high[:, None]) & ~readings.is_saturated
    n = np.count_nonzero(inside, axis=1)
    safe = np.maximum(n, 1)
    mean_bias = np.where(inside, bias, 0).sum(axis=1) / safe
    mean_current = np.where(inside, readings.current, 0).sum(axis=1) / safe
    x = np.where(inside, bias - mean_bias[:, None], 0)
    square = np.square(x).sum(axis=1)
    known = (n > 2) & (square > 0)
    square = np.where(known, square, np.nan)
    slope = (x * (readings.current - mean_current[:, None])).sum(axis=1) / square
    rest = np.where(inside, readings.current - mean_current[:, None] - slope[:, None] * x, 0)
    local = np.sqrt(np.square(rest).sum(axis=1) / np.maximum(n - 2, 1))
    return slope, np.maximum(local, readings.noise) / np.sqrt(square)
