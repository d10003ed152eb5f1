"""Units of energy and length in files: factors to keV and metres."""

from __future__ import annotations

KEV = {"ev": 1e-3, "kev": 1.0, "mev": 1e3}
METRES = {
    **{"m": 1.0, "cm": 1e-2, "mm": 1e-3, "nm": 1e-9, "pm": 1e-12},
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer"), 1e-6),
    **dict.fromkeys(("å", "a", "angstrom"), 1e-10),
}


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
    return METRES.get(str(unit).strip().lower())


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
