"""Numbers with SI prefixes."""

from __future__ import annotations

import numpy as np

PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
WITH_PREFIX = ("A", "V", "S", "Ω", "W", "m", "eV")


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
    >>> from umlpsd_gpu.analyses.curves.figures.si_units import si_scale
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
    return f"{value * factor:.{n_digits}g} {prefixed}".rstrip().replace("-", "−")
