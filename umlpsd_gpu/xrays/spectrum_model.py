"""The spectrum that a sample of known composition is expected to give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.continuum import continuum
from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.emission import specific_emission
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.response import counted_lines, peaks
from umlpsd_gpu.xrays.samples import BULK, Foil, Sample
from umlpsd_gpu.xrays.spectrum import DEFAULT_TAKE_OFF_DEG, Conditions, EnergyAxis, XraySpectrum
from umlpsd_gpu.xrays.windows import find_window

_FOIL_CONTINUUM = 0.02  # of a peak's photons; foils of a TEM have little background


def expected_spectrum(
    of: Material,
    axis: EnergyAxis,
    conditions: Conditions,
    *,
    n_counts: float = 1e6,
    sample: Sample = BULK,
    detector: Detector | None = None,
    line_factors: Mapping[Family, float] | None = None,
) -> XraySpectrum:
    """Calculate the mean of the counts that a sample gives.

    Parameters
    ----------
    of : Material
        For a film, its own material; the lines of the substrate are not added.
    axis : EnergyAxis
    conditions : Conditions
        With the beam energy; take-off angle, window and resolution have defaults.
    n_counts : float
        Sum of the spectrum.
    sample : Bulk, Film or Foil
    detector : Detector, optional
    line_factors : mapping of Family to float, optional
        By which the lines of a family are stronger than calculated, as a real instrument has them.
        Default: 1 for all.

    Returns
    -------
    XraySpectrum
        Its counts are means and so no whole numbers.

    Raises
    ------
    XraySpectrumError
        If the conditions have no beam energy, or no photon falls into the axis.

    Examples
    --------
    >>> from umlpsd_gpu.xrays.material import material
    >>> spectrum = expected_spectrum(
    ...     material({"Fe": 1}), EnergyAxis(0, 0.01, 1500), Conditions(beam_kev=15), n_counts=1000
    ... )
    >>> int(spectrum.counts.argmax()), round(spectrum.counts.sum())
    (71, 1000)
    """
    beam_kev = conditions.beam_kev
    if beam_kev is None:
        raise XraySpectrumError("A spectrum can't be calculated without a beam energy; give one.")
    take_off_deg = conditions.take_off_deg or DEFAULT_TAKE_OFF_DEG
    detector = detector or Detector(
        conditions.resolution_ev or Detector.resolution_ev, find_window(conditions.window)
    )
    counts = np.zeros(axis.n_channels)
    for z, fraction in zip(of.z, of.mass_fractions, strict=True):
        for shell in "KLM":
            family = Family(int(z), shell)
            if family.lines and fraction > 0:
                photons = specific_emission(of, family.lines, beam_kev, take_off_deg, sample)
                photons = photons * (line_factors or {}).get(family, 1.0)
                counts += counted_lines(axis, detector, family.lines, fraction * photons)
    counts += _background(of, axis, beam_kev, take_off_deg, sample, detector, float(counts.sum()))
    if not counts.sum() > 0:
        raise XraySpectrumError(
            f"A beam of {beam_kev:g} keV gives no photon between {axis.energies_kev[0]:.3g} and "
            f"{axis.energies_kev[-1]:.3g} keV; use another energy axis."
        )
    return XraySpectrum(counts * (n_counts / counts.sum()), axis, conditions)


def _background(
    of: Material,
    axis: EnergyAxis,
    beam_kev: float,
    take_off_deg: float,
    sample: Sample,
    detector: Detector,
    in_peaks: float,
) -> NDArray[np.float64]:
    energies = axis.energies_kev
    photons = continuum(of, energies, beam_kev, take_off_deg, sample)
    counted = np.zeros(axis.n_channels)
    inside = energies > 0.05
    counted[inside] = photons[inside] * detector.efficiency(energies[inside]) * axis.step_kev
    if isinstance(sample, Foil) and counted.sum() > 0:
        counted *= _FOIL_CONTINUUM * in_peaks / counted.sum()
    return peaks(axis, detector, np.maximum(energies, 1e-3), counted)
