"""Types of a quantification: what was measured with standards, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.line_fit import LineFit
from umlpsd_gpu.xrays.spectrum import XraySpectrum

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standard:
    """A spectrum of a known material, measured as the sample was.

    Attributes
    ----------
    spectrum : XraySpectrum
        With live time and probe current.
    mass_fractions : mapping of str to float
    """

    spectrum: XraySpectrum
    mass_fractions: Mapping[str, float]


@dataclass(frozen=True)
class Composition:
    """The composition of a sample, and how certain it is.

    Attributes
    ----------
    elements : tuple of str
        By atomic number.
    mass_fractions : ndarray, shape (n_elements,)
        They sum to `total` with standards, else to 1.
    atomic_fractions : ndarray, shape (n_elements,)
        They sum to 1.
    mass_errors, atomic_errors : ndarray, shape (n_elements,)
        Standard errors, by counting statistics and by the errors of the model together.
    mass_counting_errors, atomic_counting_errors : ndarray, shape (n_elements,)
        By counting statistics alone: how far two spectra of the same kind differ.
    significance : ndarray, shape (n_elements,)
        Counts of the lines used, divided by their standard error; NaN for oxygen by stoichiometry.
    lines : tuple of str
        Family of lines that each fraction was calculated from: "Fe K"; "stoichiometry" for oxygen.
    total : float
        Sum of the mass fractions before they are scaled; 1 without standards.
    method : str
        One sentence.
    notes : tuple of str
        What a reader must know before using the numbers.
    fit : LineFit
        All intensities.
    """

    elements: tuple[str, ...]
    mass_fractions: Floats
    atomic_fractions: Floats
    mass_errors: Floats
    atomic_errors: Floats
    mass_counting_errors: Floats
    atomic_counting_errors: Floats
    significance: Floats
    lines: tuple[str, ...]
    total: float
    method: str
    notes: tuple[str, ...]
    fit: LineFit

    def mass_fraction_of(self, symbol: str) -> float:
        """Return the mass fraction of an element, 0 where it is absent.

        Parameters
        ----------
        symbol : str
            As in the periodic table.
        """
        return self._value_of(symbol, self.mass_fractions)

    def atomic_fraction_of(self, symbol: str) -> float:
        """Return the atomic fraction of an element, 0 where it is absent.

        Parameters
        ----------
        symbol : str
            As in the periodic table.
        """
        return self._value_of(symbol, self.atomic_fractions)

    def _value_of(self, symbol: str, values: Floats) -> float:
        return float(values[self.elements.index(symbol)]) if symbol in self.elements else 0.0
