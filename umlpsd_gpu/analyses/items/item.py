"""One item of a result, as a terminal or a figure shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of an item.

    Attributes
    ----------
    title : str
    x, y : ndarray, shape (n_samples,)
        NaN leaves a gap.
    x_label, y_label : str
        With units.
    is_logarithmic : bool
        Whether both axes are; values that are not positive are then left out.
    others : tuple of (str, ndarray, ndarray)
        Further lines in the same axes: name, x and y.
    name : str
        Of the curve itself, where there are others.
    """

    title: str
    x: np.ndarray
    y: np.ndarray
    x_label: str
    y_label: str
    is_logarithmic: bool = False
    others: tuple[tuple[str, np.ndarray, np.ndarray], ...] = ()
    name: str = ""


@dataclass(frozen=True, eq=False)
class Item:
    """One item of a result.

    Attributes
    ----------
    title : str
    cluster : int
        From 1; 0 without one.
    rows : sequence of (str, str)
        What is known of it: name and value with its unit.
    curves : sequence of Curve
        May be empty.
    """

    title: str
    cluster: int
    rows: Sequence[tuple[str, str]]
    curves: Sequence[Curve] = field(default=())


def measured(value: float, error: float = float("nan"), unit: str = "", n_digits: int = 3) -> str:
    """Return a value with its standard error as text.

    Parameters
    ----------
    value, error : float
        NaN where unknown.
    unit : str
    n_digits : int
        Decimals.

    Returns
    -------
    str
        A dash for a value that is NaN.
    """
    if not np.isfinite(value):
        return "–"
    text = f"{value:.{n_digits}f}"
    if np.isfinite(error):
        text += f" ± {error:.{n_digits}f}"
    return f"{text} {unit}".rstrip()
