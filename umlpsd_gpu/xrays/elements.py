"""Chemical elements: symbols, atomic masses, densities, valences."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.tables.load import LARGEST_Z, load_table

# usual oxidation states, by which oxygen is calculated from the cations; others bind no oxygen
_VALENCES = {
    1: "H Li Na K Rb Cs Ag",
    2: "Be Mg Ca Sr Ba Mn Fe Co Ni Cu Zn Cd Hg Pb Eu",
    3: "B Al Ga In Tl Sc Y La Nd Pm Sm Gd Tb Dy Ho Er Tm Yb Lu Cr Rh Au As Sb Bi Pr",
    4: "C Si Ge Sn Ti Zr Hf Ce Th U Ru Os Ir Pt Te Se Pd",
    5: "P V Nb Ta",
    6: "S Mo W",
    7: "Re",
}


@cache
def _numbers() -> dict[str, int]:
    symbols = load_table()["symbols"]
    return {str(symbol): z for z, symbol in enumerate(symbols) if z}


def atomic_number(symbol: str) -> int:
    """Return the atomic number of an element.

    Parameters
    ----------
    symbol : str
        As in the periodic table: "Fe".

    Raises
    ------
    XraySpectrumError
        If there is no such element up to Cf, of atomic number 98.

    Examples
    --------
    >>> atomic_number("Fe")
    26
    """
    if symbol not in _numbers():
        raise XraySpectrumError(
            f"{symbol!r} is no chemical element from H to Cf; write its symbol, such as 'Fe'."
        )
    return _numbers()[symbol]


def symbol_of(z: int) -> str:
    """Return the symbol of the element of an atomic number, 1 to 98.

    Parameters
    ----------
    z : int
        Atomic number.
    """
    if not 1 <= z <= LARGEST_Z:
        raise XraySpectrumError(f"No element of atomic number {z} is known here; use 1 to 98.")
    return str(load_table()["symbols"][z])


def atomic_masses(z: ArrayLike) -> NDArray[np.float64]:
    """Return atomic masses in g/mol, of the shape of ``z``.

    Parameters
    ----------
    z : array_like of int
        Atomic numbers.
    """
    return np.asarray(load_table()["atomic_masses"][np.asarray(z, int)], np.float64)


def densities(z: ArrayLike) -> NDArray[np.float64]:
    """Return densities of the elements in g/cm³, of the shape of ``z``.

    Parameters
    ----------
    z : array_like of int
        Atomic numbers.
    """
    return np.asarray(load_table()["densities"][np.asarray(z, int)], np.float64)


@cache
def valence(symbol: str) -> int:
    """Return the usual oxidation state of an element in an oxide; 0 where it binds no oxygen.

    Parameters
    ----------
    symbol : str
        As in the periodic table.
    """
    atomic_number(symbol)
    return next((v for v, symbols in _VALENCES.items() if symbol in symbols.split()), 0)
