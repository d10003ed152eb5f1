"""The continuous background of X-ray spectra: bremsstrahlung, absorbed on its way out.

Kramers's law as J. A. Small et al. fitted it, J. Appl. Phys. 61, 459 (1987): generated photons are
proportional to [Z (E0 - E) / E]^M exp(B) with M = 0.00599 E0 + 1.05 and
B = -0.0322 E0 + 5.80, E0 in keV. They are absorbed as ionisations of a level of the same energy
would be, by φ(ρz) of XPP; in foils they are not. The size, in the units of `specific_emission`, was
fitted to the spectra of glass K412, MgO, Al2O3, SiO2, CaF2 and Fe at 20 kV between 2 and 15 keV,
which agree to 4 % (benchmarks/results/xray_quantification.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.samples import BULK, Film, Foil, Sample
from umlpsd_gpu.xrays.xpp import depth_distribution

Floats = NDArray[np.float64]

_SIZE = 1.36e-8
_M_OF_K = 0.9  # exponent of the cross-section of a K level
_LOWEST_OVERVOLTAGE = 1.001


def continuum(
    of: Material,
    energies_kev: Floats,
    beam_kev: float,
    take_off_deg: float,
    sample: Sample = BULK,
) -> Floats:
    """Return the bremsstrahlung that leaves a sample, for each keV.

    Parameters
    ----------
    of : Material
        For a film, the substrate counts alone: it makes nearly all of the background.
    energies_kev : ndarray
    beam_kev, take_off_deg : float
    sample : Bulk, Film or Foil

    Returns
    -------
    ndarray
        Of the shape of ``energies_kev``, 0 above the energy of the beam; in the units of
        `specific_emission`.
    """
    found = np.zeros(np.shape(energies_kev))
    inside = (energies_kev > 0) & (energies_kev * _LOWEST_OVERVOLTAGE < beam_kev)
    energies = np.maximum(energies_kev[inside], 0.05)
    of = sample.substrate if isinstance(sample, Film) else of
    power = 0.00599 * beam_kev + 1.05 if not isinstance(sample, Foil) else 1.0
    generated = (of.mean_z * (beam_kev - energies) / energies) ** power
    if not isinstance(sample, Foil):
        exponents = np.full(energies.shape, _M_OF_K)
        depths = depth_distribution(of, energies, exponents, beam_kev)
        absorption = of.attenuation(energies) / np.sin(np.radians(take_off_deg))
        generated = generated * depths.emitted(absorption) / depths.area
    found[inside] = _SIZE * generated * np.exp(5.80 - 0.0322 * beam_kev)
    return found
