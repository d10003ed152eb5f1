"""Saturated points: plateaus at the largest value that an instrument passes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Least number of neighbouring points at the extreme. Between three points of a curve that rises
# steadily are 2/n of its range, far more than the tolerance.
LEAST_POINTS = 3
# Points this close to the extreme, relative to it, are at the extreme: the amplifier's limit of a
# real map varies by 1e-4 [M].
TOLERANCE = 1e-3
# An extreme below this many standard deviations of the noise is noise, whose largest values may
# be equal by chance.
LEAST_SIGNAL = 20.0


@dataclass(frozen=True)
class Saturation:
    """Saturated points of a kind of curve.

    Attributes
    ----------
    is_saturated : mapping of str to ndarray, shape (n_curves, n_points), bool
        By sweep.
    low, high : float or None
        Limits of the instrument, in the unit of the curves; None where no plateau was found.
    n_curves : int
        Curves with a plateau.
    """

    is_saturated: Mapping[str, np.ndarray]
    low: float | None
    high: float | None
    n_curves: int


def find_saturated(
    sweeps: Mapping[str, np.ndarray],
    noise: float,
    limit: float | None = None,
    least_points: int = LEAST_POINTS,
) -> Saturation:
    """Find the points at which curves are clipped.

    Parameters
    ----------
    sweeps : mapping of str to ndarray, shape (n_curves, n_points)
        As recorded, before an offset is subtracted; by sweep. NaN: not recorded.
    noise : float
        Typical standard deviation of the noise, in the unit of the curves.
    limit : float, optional
        Largest absolute value that the instrument passes on. By default the extremes of all
        curves, where at least one curve has a plateau there.
    least_points : int
        Neighbouring points at the extreme that make a plateau.

    Returns
    -------
    Saturation
    """
    everything = list(sweeps.values())
    if limit is not None:
        low: float | None = -limit
        high: float | None = limit
    else:
        high = _plateau(everything, noise, least_points)
        below = _plateau([-values for values in everything], noise, least_points)
        low = None if below is None else -below
    masks = {name: _at_limit(values, low, high) for name, values in sweeps.items()}
    has_plateau = np.logical_or.reduce([_has_run(mask, least_points) for mask in masks.values()])
    return Saturation(masks, low, high, int(np.count_nonzero(has_plateau)))


def _plateau(everything: list[np.ndarray], noise: float, least_points: int) -> float | None:
    """Return the largest value of all curves if one of them has a plateau there."""
    highest = [np.nanmax(values) for values in everything if np.isfinite(values).any()]
    extreme = max(highest, default=0.0)
    if not extreme > LEAST_SIGNAL * noise:
        return None
    at_extreme = (values >= extreme * (1 - TOLERANCE) for values in everything)
    found = any(_has_run(mask, least_points).any() for mask in at_extreme)
    return float(extreme) if found else None


def _at_limit(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    mask: np.ndarray = np.zeros(values.shape, dtype=bool)
    if high is not None:
        mask |= values >= high - abs(high) * TOLERANCE
    if low is not None:
        mask |= values <= low + abs(low) * TOLERANCE
    return mask


def _has_run(mask: np.ndarray, least_points: int) -> np.ndarray:
    """Return which rows have at least this many true values in a row."""
    n = mask.shape[1] - least_points + 1
    if n < 1:
        return np.zeros(len(mask), dtype=bool)
    found: np.ndarray = np.logical_and.reduce(
        [mask[:, i : i + n] for i in range(least_points)]
    ).any(axis=1)
    return found
