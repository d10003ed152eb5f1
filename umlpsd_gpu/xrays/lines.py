"""The X-ray lines of the elements, and the levels whose vacancies emit them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from umlpsd_gpu.xrays.elements import symbol_of
from umlpsd_gpu.xrays.tables.load import LEVELS, load_table


@dataclass(frozen=True)
class Line:
    """A characteristic X-ray line.

    Attributes
    ----------
    z : int
        Atomic number.
    name : str
        In Siegbahn's notation: "Kα1".
    level : str
        Level whose vacancy is filled: "K", "L3" …
    energy_kev : float
    weight : float
        Share of the photons that fill vacancies of this level.
    """

    z: int
    name: str
    level: str
    energy_kev: float
    weight: float

    @property
    def shell(self) -> str:
        """One of "K", "L" and "M"."""
        return self.level[0]

    @property
    def label(self) -> str:
        """With the symbol of the element: "Fe Kα1"."""
        return f"{symbol_of(self.z)} {self.name}"


@cache
def lines_of(z: int) -> tuple[Line, ...]:
    """Return all lines of an element in the table, by level and energy.

    Parameters
    ----------
    z : int
        Atomic number.
    """
    symbol_of(z)
    table = load_table()
    names = (table[f"line_{name}"] for name in ("names", "levels", "energies_kev", "weights", "z"))
    return tuple(
        Line(z, str(name), LEVELS[level], float(energy), float(weight))
        for name, level, energy, weight, of_z in zip(*names, strict=True)
        if of_z == z
    )


def edge_kev(z: int, level: str) -> float:
    """Return the energy that ionises a level, in keV; 0 where the element has no such level.

    Parameters
    ----------
    z : int
        Atomic number.
    level : str
        K, L1 … L3 or M1 … M5.
    """
    return _of_level("edges_kev", z, level)


def fluorescence_yield(z: int, level: str) -> float:
    """Return the chance that a vacancy of a level is filled with emission of a photon.

    Parameters
    ----------
    z : int
        Atomic number.
    level : str
        K, L1 … L3 or M1 … M5.
    """
    return _of_level("fluorescence_yields", z, level)


def jump_ratio(z: int, level: str) -> float:
    """Return photoabsorption above the edge of a level divided by that below.

    Parameters
    ----------
    z : int
        Atomic number.
    level : str
        K, L1 … L3 or M1 … M5.
    """
    return _of_level("jump_ratios", z, level)


def coster_kronig(z: int, start: str, end: str) -> float:
    """Return the chance that a vacancy of one level moves to another one of the same shell.

    Parameters
    ----------
    z : int
        Atomic number.
    start : str
        Level of the vacancy.
    end : str
        Level that it moves to.
    """
    return float(load_table()["coster_kronig"][z, LEVELS.index(start), LEVELS.index(end)])


def _of_level(name: str, z: int, level: str) -> float:
    symbol_of(z)
    return float(load_table()[name][z, LEVELS.index(level)])
