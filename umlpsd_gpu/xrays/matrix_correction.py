"""From intensities of lines to mass fractions: the correction depends on the composition itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.elements import atomic_masses, symbol_of, valence
from umlpsd_gpu.xrays.emission import specific_emission
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.samples import Sample

Floats = NDArray[np.float64]

_OXYGEN = 8
_TOLERANCE = 1e-9
_N_ITERATIONS = 200


@dataclass(frozen=True)
class Correction:
    """What turns the intensities of families into mass fractions.

    Attributes
    ----------
    families : tuple of Family
        One for each element.
    beam_kev, take_off_deg : float
    detector : Detector
    sample : Bulk, Film or Foil
    valences : mapping of str to int, or None
        Oxidation states by which oxygen is added; None to add none.
    is_normalised : bool
        Whether the mass fractions are scaled to a sum of 1, as without standards.
    """

    families: tuple[Family, ...]
    beam_kev: float
    take_off_deg: float
    detector: Detector
    sample: Sample
    valences: Mapping[str, int] | None
    is_normalised: bool

    @property
    def z(self) -> NDArray[np.int64]:
        """Atomic numbers of the result, the added oxygen last."""
        measured = [family.z for family in self.families]
        return np.array(measured + [_OXYGEN] * (self.valences is not None), np.int64)

    def counts_per_fraction(self, of: Material) -> Floats:
        """Return the calculated counts of each family for a mass fraction of 1, in a material.

        Parameters
        ----------
        of : Material
        """
        lines = tuple(line for family in self.families for line in family.lines)
        photons = specific_emission(of, lines, self.beam_kev, self.take_off_deg, self.sample)
        energies = np.array([line.energy_kev for line in lines])
        counts = photons * self.detector.efficiency(energies)
        starts = np.cumsum([0] + [len(family.lines) for family in self.families[:-1]])
        return np.asarray(np.add.reduceat(counts, starts), np.float64)

    def solve(self, intensities: Floats) -> Floats:
        """Iterate the composition until it reproduces the intensities.

        Parameters
        ----------
        intensities : ndarray, shape (n_families,)
            Counts divided by the sensitivity that a standard gives, or by any common one.

        Returns
        -------
        ndarray
            Mass fractions, in the order of `z`.

        Raises
        ------
        XraySpectrumError
            If no intensity is above 0 or the iteration does not settle.
        """
        if not np.any(intensities > 0):
            raise XraySpectrumError(
                "None of the elements has counts in this spectrum; give other elements."
            )
        fractions = self._with_oxygen(np.where(intensities > 0, 1.0, 0.0))
        for _ in range(_N_ITERATIONS):
            of = Material(self.z, fractions / fractions.sum())
            found = self._with_oxygen(intensities / self.counts_per_fraction(of))
            found = found / found.sum() if self.is_normalised else found
            if np.max(np.abs(found - fractions)) < _TOLERANCE * found.sum():
                return found
            fractions = found
        raise XraySpectrumError(
            "The matrix correction does not settle for this spectrum and these elements; "
            "check the beam energy, and leave out elements that the sample does not have."
        )

    def _with_oxygen(self, fractions: Floats) -> Floats:
        if self.valences is None:
            return fractions
        states = [
            self.valences.get(symbol_of(family.z), valence(symbol_of(family.z)))
            for family in self.families
        ]
        z = np.array([family.z for family in self.families])
        moles = fractions / atomic_masses(z)
        oxygen = float(atomic_masses(_OXYGEN)) * float(moles @ np.array(states)) / 2
        return np.append(fractions, oxygen)
