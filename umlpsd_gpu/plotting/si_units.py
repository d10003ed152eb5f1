"""Numbers with SI prefixes."""

from __future__ import annotations

import numpy as np

PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
WITH_PREFIX = ("A", "V", "S", "Ω", "W", "m", "eV", "A/V²")


def si_scale(values: np.ndarray, unit: str) -> tuple[float, str]:
    """Return the factor and the unit in which values are easy to read.

    Parameters
    ----------
    values : ndarray
        In ``unit``; NaN are ignored.
    unit : str
        An SI unit; units that take no prefix stay.

    Returns
    -------
    factor : float
        Values times this are in the new unit.
    unit : str
        As ``"nA"``.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.plotting.si_units import si_scale
    >>> factor, unit = si_scale(np.array([2e-9, 5e-8]), "A")
    >>> round(5e-8 * factor), unit
    (50, 'nA')
    """
    size = np.abs(values[np.isfinite(values)])
    largest = float(np.percentile(size, 95)) if size.size else 0.0
    if unit not in WITH_PREFIX or largest <= 0:
        return 1.0, unit
    # eV and V below 1 are usually written as such
    least = -1 if unit in ("V", "eV") else 0
    power = int(3 * np.floor((np.log10(largest) + (0.0 if least == 0 else 1.0)) / 3))
    power = int(np.clip(power, min(PREFIXES), max(PREFIXES)))
    return 10.0**-power, f"{PREFIXES[power]}{unit}"


def si_text(value: float, unit: str, n_digits: int = 3) -> str:
    """Write a number with its unit.

    Parameters
    ----------
    value : float
        In ``unit``.
    unit : str
    n_digits : int
        Significant digits.

    Returns
    -------
    str
        As ``"5.1 nA"``; a dash where the value is not finite.
    """
    if not np.isfinite(value):
        return "–"
    factor, prefixed = si_scale(np.array([value]), unit)
    return f"{_digits(value * factor, n_digits)} {prefixed}".rstrip().replace("-", "−")


def _digits(value: float, n_digits: int) -> str:
    """Write a number without exponent from 1,000 to 9,999."""
    text = f"{value:.{n_digits}g}"
    return f"{float(text):.0f}" if 1e3 <= abs(float(text)) < 1e4 else text


def quartiles_text(lower: float, middle: float, upper: float, unit: str) -> str:
    """Write a median with quartiles in one unit.

    Parameters
    ----------
    lower, middle, upper : float
        In ``unit``.
    unit : str

    Returns
    -------
    str

    Examples
    --------
    >>> from umlpsd_gpu.plotting.si_units import quartiles_text
    >>> quartiles_text(4.5e-9, 5e-9, 5.61e-9, "S")
    '5 (4.5 … 5.61) nS'
    """
    factor, prefixed = si_scale(np.array([middle]), unit)
    texts = [_digits(value * factor, 3) for value in (middle, lower, upper)]
    text = f"{texts[0]} ({texts[1]} … {texts[2]}) {prefixed}"
    return text.rstrip().replace("-", "−")
