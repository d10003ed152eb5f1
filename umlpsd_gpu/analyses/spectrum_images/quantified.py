"""The composition of a component, as it is stored and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.analyses.spectrum_images.settings import QuantificationSettings
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.xrays.composition import Composition, Standard
from umlpsd_gpu.xrays.quantify import quantify_spectrum
from umlpsd_gpu.xrays.samples import BULK, Foil, Sample
from umlpsd_gpu.xrays.spectrum import XraySpectrum

Floats = NDArray[np.float64]
# Counts of an element's lines over their standard error below which a component doesn't have it
LEAST_SIGNIFICANCE = 3.0


@dataclass(frozen=True)
class Quantified:
    """The composition of a component.

    Attributes
    ----------
    component : int
        Number of the component, from 1.
    elements, lines : tuple of str
        By atomic number, and the lines from which each is calculated; empty without a composition.
    mass_fractions, mass_errors : ndarray, shape (n_elements,)
        With standard errors of counting and model.
    atomic_fractions, atomic_errors : ndarray, shape (n_elements,)
    significance : ndarray, shape (n_elements,)
        Counts of the lines over their standard error.
    total : float
        Sum of the mass fractions before they are scaled; NaN without a composition.
    method : str
        How it was calculated; or why there is no composition.
    notes : tuple of str
    """

    component: int
    elements: tuple[str, ...]
    lines: tuple[str, ...]
    mass_fractions: Floats
    mass_errors: Floats
    atomic_fractions: Floats
    atomic_errors: Floats
    significance: Floats
    total: float
    method: str
    notes: tuple[str, ...]

    @property
    def formula(self) -> str:
        """Atomic percentages, the largest first: "Si 67, O 33"; str."""
        order = np.argsort(-self.atomic_fractions, kind="stable")
        parts = [
            f"{self.elements[n]} {100 * self.atomic_fractions[n]:.0f}"
            for n in order
            if self.atomic_fractions[n] >= 0.005
        ]
        return ", ".join(parts)

    def atomic_fraction_of(self, symbol: str) -> tuple[float, float]:
        """Return the atomic fraction of an element and its error; both 0 where it is absent.

        Parameters
        ----------
        symbol : str

        Returns
        -------
        (float, float)
        """
        if symbol not in self.elements:
            return 0.0, 0.0
        at = self.elements.index(symbol)
        return float(self.atomic_fractions[at]), float(self.atomic_errors[at])


def quantify_components(
    spectra: Sequence[XraySpectrum],
    variances: Sequence[Floats],
    elements: Sequence[str],
    settings: QuantificationSettings,
    standards: Mapping[str, Standard],
) -> list[Quantified]:
    """Quantify the spectra of components; one that can't be says why.

    They are taken for solids, or for foils. All are fitted with the same elements; those that are
    not significant in a component are left out of it.

    Parameters
    ----------
    spectra : sequence of XraySpectrum
        In counts.
    variances : sequence of ndarray, shape (n_channels,)
        Of the counts.
    elements : sequence of str
        Those of the sample.
    settings : QuantificationSettings
    standards : mapping of str to Standard
        By element.

    Returns
    -------
    list of Quantified
    """
    found = []
    total = sum(float(spectrum.counts.sum()) for spectrum in spectra)
    for number, (spectrum, variance) in enumerate(zip(spectra, variances, strict=True), start=1):
        share = float(spectrum.counts.sum()) / total
        if settings.method == "none":
            found.append(_without(number, "Not wanted: quantification.method is none."))
        elif share < settings.smallest_share:
            found.append(_without(number, f"Only {share:.2%} of all counts: too few to quantify."))
        else:
            sample = Foil() if settings.method == "foil" else BULK
            found.append(
                quantify_component(
                    number, spectrum, variance, elements, settings, standards, sample
                )
            )
    return found


def quantify_component(
    number: int,
    spectrum: XraySpectrum,
    variances: Floats,
    elements: Sequence[str],
    settings: QuantificationSettings,
    standards: Mapping[str, Standard],
    sample: Sample,
) -> Quantified:
    """Quantify the spectrum of one component; if it can't be, say why.

    Parameters
    ----------
    number : int
        Of the component, from 1.
    spectrum : XraySpectrum
        In counts.
    variances : ndarray, shape (n_channels,)
    elements : sequence of str
        Those that are not significant are left out.
    settings : QuantificationSettings
    standards : mapping of str to Standard
        By element.
    sample : Bulk, Film or Foil

    Returns
    -------
    Quantified
    """

    def composition_of(wanted: Sequence[str]) -> Composition:
        return quantify_spectrum(
            spectrum,
            wanted,
            {symbol: each for symbol, each in standards.items() if symbol in wanted} or None,
            oxygen="stoichiometry" if settings.oxides else "measured",
            sample=sample,
            variances=variances,
        )

    try:
        composition = composition_of(elements)
        significant = [
            symbol
            for symbol, value in zip(composition.elements, composition.significance, strict=True)
            if not value < LEAST_SIGNIFICANCE
        ]
        if 0 < len(significant) < len(composition.elements):
            composition = composition_of(significant)
    except UmlpsdError as error:  # one component without peaks must not end the analysis
        return _without(number, str(error))
    return _of(number, composition)


def _of(number: int, composition: Composition) -> Quantified:
    return Quantified(
        component=number,
        elements=composition.elements,
        lines=composition.lines,
        mass_fractions=composition.mass_fractions,
        mass_errors=composition.mass_errors,
        atomic_fractions=composition.atomic_fractions,
        atomic_errors=composition.atomic_errors,
        significance=composition.significance,
        total=composition.total,
        method=composition.method,
        notes=composition.notes,
    )


def _without(number: int, reason: str) -> Quantified:
    none = np.empty(0)
    return Quantified(number, (), (), none, none, none, none, none, float("nan"), reason, ())
