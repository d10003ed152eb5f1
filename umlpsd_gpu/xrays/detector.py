"""An energy-dispersive detector: its efficiency and the width of its peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.windows import WINDOWS, Window, silicon

Floats = NDArray[np.float64]

MN_KALPHA_KEV = 5.895
FWHM_PER_SIGMA = 2.354820045
_PAIR_KEV = 3.65e-3  # energy of an electron-hole pair in silicon
_FANO = 0.115


@dataclass(frozen=True)
class Detector:
    """A silicon drift detector.

    Attributes
    ----------
    resolution_ev : float
        Full width at half maximum of a peak at Mn Kα.
    window : Window
    dead_layer_nm : float
        Silicon in front that counts nothing.
    thickness_um : float
        Silicon that counts.
    """

    resolution_ev: float = 129.0
    window: Window = WINDOWS["ap3.3"]
    dead_layer_nm: float = 30.0
    thickness_um: float = 450.0

    def __post_init__(self) -> None:
        """Refuse what no detector of silicon can have."""
        if not (np.isfinite(self.resolution_ev) and 120 <= self.resolution_ev <= 400):
            raise XraySpectrumError(
                f"A resolution of {self.resolution_ev} eV at Mn Kα is not allowed; "
                "give 120 to 400 eV."
            )

    def efficiency(self, energies_kev: ArrayLike) -> Floats:
        """Return the share of photons that are counted.

        Parameters
        ----------
        energies_kev : array_like
            Of photons, in keV.

        Examples
        --------
        >>> Detector().efficiency([0.525, 6.4]).round(2)
        array([0.52, 0.75])
        """
        energies = np.asarray(energies_kev, np.float64)
        dead, live = silicon(self.dead_layer_nm * 1e-3), silicon(self.thickness_um)
        through = self.window.transmission(energies) * dead.transmission(energies)
        return np.asarray(through * (1 - live.transmission(energies)), np.float64)

    def sigma_kev(self, energies_kev: ArrayLike) -> Floats:
        """Return the standard deviation of a peak: noise, and Fano's statistics of the charge.

        Parameters
        ----------
        energies_kev : array_like
            Of photons, in keV.
        """
        charge = _FANO * _PAIR_KEV * (np.asarray(energies_kev, np.float64) - MN_KALPHA_KEV)
        at_mn = (self.resolution_ev * 1e-3 / FWHM_PER_SIGMA) ** 2
        return np.asarray(np.sqrt(np.maximum(at_mn + charge, 1e-6)), np.float64)
