"""Curves after conditioning: offsets removed, noise known, saturated points censored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ConditionedCurves:
    """The curves of a map after the published steps of conditioning.

    Attributes
    ----------
    bias : ndarray, shape (n_points,), float64
        In volts, rising; zero where the current of an average curve vanishes.
    current : mapping of str to ndarray, shape (n_curves, n_points), float64
        In amperes without offset, by sweep; NaN where not recorded. Saturated points keep the
        value at which they are clipped, which is a bound: use ``is_saturated``.
    is_saturated : mapping of str to ndarray, shape (n_curves, n_points), bool
    noise : ndarray, shape (n_curves,)
        Standard deviation of the noise of the current, in amperes.
    current_offset : ndarray, shape (n_curves,)
        What was subtracted, in amperes.
    bias_offset : float
        What was subtracted, in volts.
    hysteresis_shift : ndarray, shape (n_curves,)
        Shift of the backward against the forward sweep, in volts; NaN with one sweep.
    is_usable : ndarray, shape (n_curves,), bool
        Recorded, not dead, not saturated everywhere: these are clustered.
    conductance : mapping of str to ndarray, shape (n_curves, n_points)
        dI/dV in siemens, by sweep.
    notes : tuple of str
    """

    bias: np.ndarray
    current: Mapping[str, np.ndarray]
    is_saturated: Mapping[str, np.ndarray]
    noise: np.ndarray
    current_offset: np.ndarray
    bias_offset: float
    hysteresis_shift: np.ndarray
    is_usable: np.ndarray
    conductance: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()
