"""Arrays as lists of numbers for JSON, which knows neither NaN nor infinity."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array

# what a plot or a table can show; more would only make answers longer
N_DIGITS = 6


def plain_numbers(values: Array, n_digits: int = N_DIGITS) -> list[Any]:
    """Return an array as nested lists.

    Parameters
    ----------
    values : ndarray
        Of numbers.
    n_digits : int
        Significant digits that are kept.

    Returns
    -------
    list
        None in the place of NaN and infinity.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.live.page.plain import plain_numbers
    >>> plain_numbers(np.array([1.23456789, np.nan, 0.0]))
    [1.23457, None, 0.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    is_finite = np.isfinite(numbers)
    size = np.abs(np.where(is_finite & (numbers != 0), numbers, 1.0))
    exponent = n_digits - 1 - np.floor(np.log10(size))
    # beyond, the factor would be no number; such values keep all their digits
    is_rounded = is_finite & (np.abs(exponent) < 290)
    factor = 10.0 ** np.where(is_rounded, exponent, 0.0)
    rounded = np.rint(np.where(is_rounded, numbers, 0.0) * factor) / factor
    rounded = np.where(is_rounded, rounded, numbers)
    boxed = rounded.astype(object)
    boxed[~is_finite] = None
    listed: list[Any] = boxed.tolist()
    return listed


def plain_number(value: float | None, n_digits: int = N_DIGITS) -> float | None:
    """Return a number for JSON.

    Parameters
    ----------
    value : float or None
    n_digits : int
        Significant digits that are kept.

    Returns
    -------
    float or None
        None for NaN and infinity.
    """
    found: float | None = None if value is None else plain_numbers(np.array([value]), n_digits)[0]
    return found


def to_json(values: Any) -> bytes:
    """Return plain values as compact JSON.

    Parameters
    ----------
    values : dict, list, str, number, bool or None

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # a name may hold half of a surrogate pair, which UTF-8 can't
    return text.encode("utf-8", errors="replace")
