"""Readings: the curves as quantities read them, and what a quantity is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.conditioning.offsets import find_offsets
from umlpsd_gpu.analyses.curves.curve_map import BACKWARD, FORWARD
from umlpsd_gpu.analyses.curves.quantity import Quantity


@dataclass(frozen=True, eq=False)
class Readings:
    """One sweep of the usable curves.

    Attributes
    ----------
    bias : ndarray, shape (n_points,)
        In volts; zero where the current of this sweep vanishes.
    current, conductance : ndarray, shape (n_usable, n_points)
        In amperes and siemens.
    is_saturated : ndarray, shape (n_usable, n_points), bool
    noise : ndarray, shape (n_usable,)
        In amperes.
    rows : ndarray, shape (n_usable,), int
        Places of these curves in the map.
    n_curves : int
        Of the map.
    """

    bias: np.ndarray
    current: np.ndarray
    conductance: np.ndarray
    is_saturated: np.ndarray
    noise: np.ndarray
    rows: np.ndarray
    n_curves: int

    @classmethod
    def of(cls, conditioned: ConditionedCurves, sweep: str) -> Readings:
        """Take the usable curves of a sweep.

        Parameters
        ----------
        conditioned : ConditionedCurves
        sweep : str

        Returns
        -------
        Readings
        """
        rows = np.flatnonzero(conditioned.is_usable)
        current, noise = conditioned.current[sweep][rows], conditioned.noise[rows]
        is_saturated = conditioned.is_saturated[sweep][rows]
        bias = conditioned.bias
        if len(conditioned.current) > 1:
            bias = bias - _zero_of_sweep(bias, current, is_saturated, noise)
        return cls(
            bias,
            current,
            conditioned.conductance[sweep][rows],
            is_saturated,
            noise,
            rows,
            conditioned.is_usable.size,
        )

    @property
    def polarity(self) -> float:
        """1, or −1 if the currents of most curves are negative at positive bias; float."""
        power = np.where(self.is_saturated, 0.0, self.current) @ self.bias
        return 1.0 if np.median(power) >= 0 else -1.0

    @property
    def step_v(self) -> float:
        """Distance of two points, in volts; float."""
        return float(self.bias[-1] - self.bias[0]) / (self.bias.size - 1)

    def quantity(
        self,
        title: str,
        unit: str,
        values: np.ndarray,
        errors: np.ndarray,
        is_valid: np.ndarray | None = None,
    ) -> Quantity:
        """Make a quantity of all curves of the map.

        Parameters
        ----------
        title, unit : str
        values, errors : ndarray, shape (n_usable,)
        is_valid : ndarray, shape (n_usable,), bool, optional
            Default: where values and errors are finite.

        Returns
        -------
        Quantity
            NaN and not valid for curves that are not usable.
        """
        known = np.isfinite(values) & np.isfinite(errors)
        valid = known if is_valid is None else known & is_valid
        everywhere = np.full((2, self.n_curves), np.nan)
        everywhere[0, self.rows] = np.where(known, values, np.nan)
        everywhere[1, self.rows] = np.where(known, errors, np.nan)
        is_valid_everywhere = np.zeros(self.n_curves, dtype=bool)
        is_valid_everywhere[self.rows] = valid
        return Quantity(title, unit, everywhere[0], everywhere[1], is_valid_everywhere)


def _zero_of_sweep(
    bias: np.ndarray, current: np.ndarray, is_saturated: np.ndarray, noise: np.ndarray
) -> float:
    """Return the bias at which one of two sweeps has no current.

    The common offset is that of the mean of both, to either side of which each sweep is shifted.
    """
    offsets = find_offsets(bias, np.where(is_saturated, np.nan, current), noise)
    return offsets.bias


def main_sweep(conditioned: ConditionedCurves) -> str:
    """Return the sweep whose curves are fitted: forward where there is one.

    Parameters
    ----------
    conditioned : ConditionedCurves

    Returns
    -------
    str
    """
    return FORWARD if FORWARD in conditioned.current else BACKWARD
