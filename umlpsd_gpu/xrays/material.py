"""Homogeneous materials, by the mass fractions of their elements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from umlpsd_gpu.xrays.attenuation import mixture_attenuation
from umlpsd_gpu.xrays.elements import atomic_masses, atomic_number, densities, symbol_of
from umlpsd_gpu.xrays.errors import XraySpectrumError

_PART = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*|\.\d+)?")
_FORMULA = re.compile(rf"(?:{_PART.pattern})+")


@dataclass(frozen=True)
class Material:
    """A homogeneous mixture of elements.

    Attributes
    ----------
    z : ndarray of int, shape (n_elements,)
        Atomic numbers, each once.
    mass_fractions : ndarray, shape (n_elements,)
        They sum to 1.
    """

    z: NDArray[np.int64]
    mass_fractions: NDArray[np.float64]

    @property
    def mean_z(self) -> float:
        """The mean atomic number, weighted by mass."""
        return float(self.mass_fractions @ self.z)

    def attenuation(self, energies_kev: ArrayLike) -> NDArray[np.float64]:
        """Return mass attenuation coefficients in cm²/g, of the shape of ``energies_kev``.

        Parameters
        ----------
        energies_kev : array_like
            Of photons, in keV.
        """
        return mixture_attenuation(self.z, self.mass_fractions, energies_kev)

    def fraction_of(self, z: int) -> float:
        """Return the mass fraction of an element, 0 where it is absent.

        Parameters
        ----------
        z : int
            Atomic number.
        """
        return float(self.mass_fractions[self.z == z].sum())


def material(mass_fractions: Mapping[str, float]) -> Material:
    """Return the material of some mass fractions, which are scaled to a sum of 1.

    Parameters
    ----------
    mass_fractions : mapping of str to float
        Of each element, in any common unit: ``{"Mg": 60.3, "O": 39.7}``.

    Raises
    ------
    XraySpectrumError
        If there are no elements, unknown ones, or fractions that are negative or all 0.

    Examples
    --------
    >>> material({"Mg": 60.3, "O": 39.7}).fraction_of(8)
    0.397
    """
    z = np.array([atomic_number(symbol) for symbol in mass_fractions], np.int64)
    values = np.array(list(mass_fractions.values()), np.float64)
    if not (np.all(np.isfinite(values)) and np.all(values >= 0) and values.sum() > 0):
        raise XraySpectrumError(
            f"The mass fractions {dict(mass_fractions)} are not allowed; give numbers of 0 or "
            "more, one of them above 0."
        )
    return Material(z, values / values.sum())


def material_by_atoms(atomic_fractions: Mapping[str, float]) -> Material:
    """Return the material of some atomic fractions, such as ``{"Au": 1, "In": 2}``.

    Parameters
    ----------
    atomic_fractions : mapping of str to float
        By element, in any common unit.
    """
    masses = {
        symbol: fraction * float(atomic_masses(atomic_number(symbol)))
        for symbol, fraction in atomic_fractions.items()
    }
    return material(masses)


def parse_formula(formula: str) -> dict[str, float]:
    """Return the atoms of a chemical formula without brackets.

    Parameters
    ----------
    formula : str

    Raises
    ------
    XraySpectrumError
        If it is no formula, or has an unknown element.

    Examples
    --------
    >>> parse_formula("AuIn2")
    {'Au': 1.0, 'In': 2.0}
    """
    atoms: dict[str, float] = {}
    if not _FORMULA.fullmatch(formula):
        raise XraySpectrumError(
            f"{formula!r} is no formula; write symbols of elements and numbers, such as SiO2 or "
            "Al0.3Ga0.7As."
        )
    for symbol, number in _PART.findall(formula):
        atomic_number(symbol)
        atoms[symbol] = atoms.get(symbol, 0.0) + float(number or 1)
    return atoms


def material_by_formula(formula: str) -> Material:
    """Return the material of a chemical formula without brackets.

    Parameters
    ----------
    formula : str

    Raises
    ------
    XraySpectrumError
        If it is no formula, or has an unknown element.
    """
    return material_by_atoms(parse_formula(formula))


def ideal_density(of: Material) -> float:
    """Return the density of a material whose elements keep the volumes that they have alone.

    Parameters
    ----------
    of : Material

    Returns
    -------
    float
        In g/cm³. Alloys are within 10 % of it; compounds with gases are not.

    Examples
    --------
    >>> round(ideal_density(material_by_atoms({"Au": 1, "In": 2})), 2)
    10.25
    """
    return float(1 / (of.mass_fractions / densities(of.z)).sum())


def atomic_fractions(of: Material) -> dict[str, float]:
    """Return the atomic fraction of each element by its symbol; they sum to 1.

    Parameters
    ----------
    of : Material
    """
    moles = of.mass_fractions / atomic_masses(of.z)
    shares = moles / moles.sum()
    return {symbol_of(int(z)): float(share) for z, share in zip(of.z, shares, strict=True)}
