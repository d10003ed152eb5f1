"""Units of bias, current and length: their size in SI units, and asking for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError

MICRO = ("µ", "μ", "u")  # micro sign, Greek mu, letter u
CURRENTS = {"A": 1.0, "mA": 1e-3, "nA": 1e-9, "pA": 1e-12, "fA": 1e-15}
CURRENTS |= {f"{micro}A": 1e-6 for micro in MICRO}
BIASES = {"V": 1.0, "kV": 1e3, "mV": 1e-3, "nV": 1e-9, "Volt": 1.0}
BIASES |= {f"{micro}V": 1e-6 for micro in MICRO}
LENGTHS = {"m": 1.0, "mm": 1e-3, "nm": 1e-9, "Å": 1e-10, "pm": 1e-12}
LENGTHS |= {f"{micro}m": 1e-6 for micro in MICRO}

HEADER = "header of the file"
# 'Current (nA)', 'Ramp value [V]', 'I / nA', 'current_nA', 'I, nA'
UNIT_PATTERNS = (
    re.compile(r"[(\[]\s*(?P<unit>[^()\[\]]+?)\s*[)\]]"),
    re.compile(r"[/,]\s*(?P<unit>[^\W\d]+)\s*$"),
    re.compile(r"_(?P<unit>[^\W\d_]+)$"),
    re.compile(r"\s(?P<unit>[^\W\d_]+)$"),
)
# the current as a function of the bias, no unit
FUNCTION = re.compile(r"(?<=I)\(V\)|(?<=dV)\(V\)")


def unit_in_name(name: str) -> str:
    """Return the unit in the name of a channel or column.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        A unit of current, bias or length, or another text in round brackets; empty without one.

    Examples
    --------
    >>> from umlpsd_gpu.analyses.curves.reading.units import unit_in_name
    >>> unit_in_name("Ramp value [mV]"), unit_in_name("current_nA"), unit_in_name("I")
    ('mV', 'nA', '')
    """
    name = FUNCTION.sub("", name)
    for pattern in UNIT_PATTERNS:
        for match in pattern.finditer(name):
            if any(match["unit"] in known for known in (CURRENTS, BIASES, LENGTHS)):
                return match["unit"]
    bracketed = re.findall(r"\(([^()]+)\)", name)
    return str(bracketed[-1]).strip() if bracketed else ""


def current_factor(unit: str, chosen: str | None, path: Path) -> tuple[float, Origin]:
    """Return the size of the unit of the current in amperes, and where it is from.

    Parameters
    ----------
    unit : str
        As the file says; empty if it doesn't.
    chosen : str or None
        As the user says.
    path : Path
        For messages.

    Returns
    -------
    factor : float
    origin : Origin

    Raises
    ------
    CurvesError
        If neither says it, or they differ.
    """
    return _factor("current", "--current-unit", CURRENTS, unit, chosen, path)


def bias_factor(unit: str, chosen: str | None, path: Path) -> tuple[float, Origin]:
    """Return the size of the unit of the bias in volts, and where it is from.

    Parameters
    ----------
    unit : str
        As the file says; empty if it doesn't.
    chosen : str or None
        As the user says.
    path : Path
        For messages.

    Returns
    -------
    factor : float
    origin : Origin

    Raises
    ------
    CurvesError
        If neither says it, or they differ.
    """
    return _factor("bias", "--bias-unit", BIASES, unit, chosen, path)


def length_factor(unit: str, chosen: str | None, path: Path) -> tuple[float, Origin]:
    """Return the size of the unit of positions and heights in metres, and where it is from.

    Parameters
    ----------
    unit : str
        As the file says; empty if it doesn't.
    chosen : str or None
        As the user says.
    path : Path
        For messages.

    Returns
    -------
    factor : float
    origin : Origin

    Raises
    ------
    CurvesError
        If neither says it, or they differ.
    """
    return _factor("positions and heights", "--length-unit", LENGTHS, unit, chosen, path)


def factors_of_columns(
    units: Sequence[str],
    chosen: str | None,
    path: Path,
    factor_of: Callable[[str, str | None, Path], tuple[float, Origin]],
) -> tuple[np.ndarray, Origin]:
    """Return the size of the unit of each column, and where the units are from.

    Parameters
    ----------
    units : sequence of str
        As the heading of each column says; empty if it doesn't.
    chosen : str or None
        As the user says.
    path : Path
        For messages.
    factor_of : callable
        `current_factor` or `bias_factor`.

    Returns
    -------
    factors : ndarray, shape (n_columns,)
    origin : Origin
        With all units that occur.

    Raises
    ------
    CurvesError
        If the unit of a column is unknown, or differs from the one chosen.
    """
    found = {unit: factor_of(unit, chosen, path) for unit in dict.fromkeys(units)}
    origins = [origin for _, origin in found.values()]
    origin = Origin(
        " and ".join(dict.fromkeys(each.value for each in origins)),
        " and ".join(dict.fromkeys(each.source for each in origins)),
    )
    return np.array([found[unit][0] for unit in units]), origin


def _factor(
    what: str,
    option: str,
    known: Mapping[str, float],
    unit: str,
    chosen: str | None,
    path: Path,
) -> tuple[float, Origin]:
    if not unit and chosen is None:
        raise CurvesError(
            path, f"the unit of the {what} is unknown; give it with {option}, as {_some(known)}"
        )
    if unit and unit not in known:
        raise CurvesError(
            path,
            f"'{unit}' is no known unit of the {what}; known are {', '.join(known)}: convert it",
        )
    if unit and chosen is not None and known[chosen] != known[unit]:
        raise CurvesError(
            path,
            f"the file gives the {what} in {unit}, but {option} says {chosen}; leave out {option}",
        )
    if unit:
        return known[unit], Origin(unit, HEADER)
    assert chosen is not None
    return known[chosen], Origin(chosen, option)


def _some(known: Mapping[str, float]) -> str:
    return " or ".join(list(known)[:3])
