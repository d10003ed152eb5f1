"""Units of energy and length in files: factors to keV and metres."""

from __future__ import annotations

from umlpsd_gpu.movie.units import metres_of

KEV = {"ev": 1e-3, "kev": 1.0, "mev": 1e3}
ANGSTROM = "a"  # as programs write it that know no Å


def kev_factor(unit: object) -> float | None:
    """Return the factor from a unit of energy to keV.

    Parameters
    ----------
    unit : object
        As it is in the file.

    Returns
    -------
    float or None
        None for any other unit.

    Examples
    --------
    >>> kev_factor("eV")
    0.001
    """
    return KEV.get(str(unit).strip().lower())


def metre_factor(unit: object) -> float | None:
    """Return the factor from a unit of length to metres.

    Parameters
    ----------
    unit : object
        As it is in the file.

    Returns
    -------
    float or None
        None for any other unit.

    Examples
    --------
    >>> metre_factor("nm")
    1e-09
    """
    text = str(unit).strip().lower()
    return metres_of("angstrom" if text == ANGSTROM else text)


def unit_in_name(name: str) -> str:
    """Return the unit at the end of a name; empty if there is none.

    Parameters
    ----------
    name : str
        As ``energy_eV`` or ``energy (keV)``.

    Examples
    --------
    >>> unit_in_name("energy_eV")
    'eV'
    """
    parts = name.replace("(", "_").replace(")", "").replace("[", "_").replace("]", "")
    last = parts.replace(" ", "_").rpartition("_")[2]
    return last if kev_factor(last) is not None else ""
