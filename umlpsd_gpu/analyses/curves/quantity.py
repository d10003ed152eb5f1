"""A physical quantity of every curve, with its error and its validity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Quantity:
    """One number for each curve.

    Attributes
    ----------
    title : str
        As ``"Zero-bias conductance"``.
    unit : str
        SI unit, as ``"S"``; ``""`` for a pure number.
    values : ndarray, shape (n_curves,)
        NaN where it can't be determined.
    errors : ndarray, shape (n_curves,)
        Standard errors; NaN where values are.
    is_valid : ndarray, shape (n_curves,), bool
        False where it can't be determined or lies outside the limits of its method.
    """

    title: str
    unit: str
    values: np.ndarray
    errors: np.ndarray
    is_valid: np.ndarray
