"""Windows of detectors: what share of the photons they let through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from umlpsd_gpu.xrays.elements import densities
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.material import Material, material

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A layer that X-rays cross.

    Attributes
    ----------
    mass_fractions : mapping of str to float
    mass_thickness : float
        In g/cm².
    """

    mass_fractions: Mapping[str, float]
    mass_thickness: float

    def transmission(self, energies_kev: ArrayLike) -> Floats:
        """Return the share of photons that cross the layer.

        Parameters
        ----------
        energies_kev : array_like
            Of photons, in keV.
        """
        absorbed = self._material.attenuation(energies_kev) * self.mass_thickness
        return np.asarray(np.exp(-absorbed), np.float64)

    @cached_property
    def _material(self) -> Material:
        return material(self.mass_fractions)


@lru_cache
def silicon(thickness_um: float) -> Layer:
    """Return a layer of silicon.

    Parameters
    ----------
    thickness_um : float
    """
    return Layer({"Si": 1.0}, float(densities(14)) * thickness_um * 1e-4)


@dataclass(frozen=True)
class Window:
    """The window of a detector, by its published transmission or by its layers.

    Attributes
    ----------
    layers : tuple of Layer
    figures : tuple of (float, float)
        Energies in keV and transmission, between which it is linear; 1 without any.
    grid_share : float
        Share of the area that the bars of a supporting silicon grid cover. The figures, which end
        below 2 keV, count them as opaque.
    grid_um : float
        Their thickness, through which hard X-rays pass.
    """

    layers: tuple[Layer, ...] = ()
    figures: tuple[tuple[float, float], ...] = ()
    grid_share: float = 0.0
    grid_um: float = 0.0

    def transmission(self, energies_kev: ArrayLike) -> Floats:
        """Return the share of photons that cross the window.

        Parameters
        ----------
        energies_kev : array_like
            Of photons, in keV.
        """
        energies = np.asarray(energies_kev, np.float64)
        found = np.ones(energies.shape)
        if self.figures:
            at, values = zip(*self.figures, strict=True)
            through_bars = self.grid_share * silicon(self.grid_um).transmission(energies)
            found = np.interp(energies, at, values) + through_bars
        for layer in self.layers:
            found = found * layer.transmission(energies)
        return np.asarray(found, np.float64)


# Moxtek AP3.3: transmission as its maker measured it, thinned to 1 % and without single outliers
# (the table that NIST's NeXLSpectrum.jl has in the public domain, 0.05 to 1.9 keV)
_AP33 = (
    *((0.05, 0.003), (0.061, 0.014), (0.072, 0.052), (0.087, 0.097), (0.1, 0.132), (0.112, 0.185)),
    *((0.124, 0.219), (0.134, 0.305), (0.148, 0.383), (0.164, 0.438), (0.176, 0.519)),
    *((0.187, 0.561), (0.19, 0.477), (0.198, 0.429), (0.202, 0.426), (0.214, 0.552)),
    *((0.234, 0.633), (0.278, 0.75), (0.284, 0.75), (0.2841, 0.156), (0.31, 0.156), (0.33, 0.246)),
    *((0.35, 0.317), (0.37, 0.339), (0.4, 0.395), (0.409, 0.32), (0.419, 0.384), (0.434, 0.441)),
    *((0.465, 0.484), (0.528, 0.553), (0.533, 0.534), (0.54, 0.402), (0.547, 0.453)),
    *((0.556, 0.48), (0.605, 0.535), (0.695, 0.59), (0.775, 0.62), (1.05, 0.685), (1.28, 0.723)),
    *((1.54, 0.745), (1.559, 0.74), (1.564, 0.712), (1.62, 0.733), (1.9, 0.746)),
)
WINDOWS: Mapping[str, Window] = {
    "ap3.3": Window(figures=_AP33, grid_share=0.23, grid_um=380),
    "beryllium": Window((Layer({"Be": 1.0}, 1.85 * 8e-4),)),  # 8 µm
    "none": Window(),
}
_OTHER_NAMES = {
    "beryllium": ("be", "sdbe"),
    "none": ("windowless", "wls", "sdws"),
    "ap3.3": ("ap3", "sdutw", "utw", "satw", "atw", "super ultra thin", "polymer"),
}


def find_window(name: str | None) -> Window:
    """Return the window of a name that a file or the user gives; AP3.3 where nothing says it.

    Parameters
    ----------
    name : str or None

    Raises
    ------
    XraySpectrumError
        If the name is unknown.

    Examples
    --------
    >>> find_window("SDUTW") is WINDOWS["ap3.3"]
    True
    """
    key = (name or "ap3.3").strip().lower()
    for window, others in _OTHER_NAMES.items():
        if key == window or key in others:
            return WINDOWS[window]
    raise XraySpectrumError(
        f"The detector window {name!r} is not known; allowed are {', '.join(WINDOWS)}."
    )
