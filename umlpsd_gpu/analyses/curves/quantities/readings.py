"""Readings: the curves as quantities read them, and what a quantity is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.curve_map import BACKWARD, FORWARD
from umlpsd_gpu.analyses.curves.quantity import Quantity


@dataclass(frozen=True, eq=False)
class Readings:
    """One sweep of the usable curves.

    Attributes
    ----------
    bias : ndarray, shape (n_points,)
        In volts.
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
        return cls(
            conditioned.bias,
            conditioned.current[sweep][rows],
            conditioned.conductance[sweep][rows],
            conditioned.is_saturated[sweep][rows],
            conditioned.noise[rows],
            rows,
            conditioned.is_usable.size,
        )

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
