"""Samples whose X-rays can be calculated: solids, films on a substrate, thin foils."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.material import Material


@dataclass(frozen=True)
class Bulk:
    """A flat, homogeneous solid that is much larger than the volume the electrons reach."""


@dataclass(frozen=True)
class Film:
    """A film, or a flat wire, on a substrate of another material.

    Attributes
    ----------
    mass_thickness : float
        Density times thickness, in g/cm²: 100 nm of gold are 1.93e-4.
    substrate : Material
    """

    mass_thickness: float
    substrate: Material

    def __post_init__(self) -> None:
        """Refuse what is no thickness."""
        _require_positive(self.mass_thickness)

    def mixed_with_substrate(self, of: Material, share: float) -> Material:
        """Return the material of a film, mixed with that of its substrate.

        Parameters
        ----------
        of : Material
        share : float
            Mass fraction of the film, 0…1.
        """
        z = np.concatenate([of.z, self.substrate.z])
        parts = [share * of.mass_fractions, (1 - share) * self.substrate.mass_fractions]
        unique, place = np.unique(z, return_inverse=True)
        mixed = np.bincount(place, np.concatenate(parts)).astype(np.float64)
        return Material(unique.astype(np.int64), mixed)


@dataclass(frozen=True)
class Foil:
    """A foil that electrons cross without losing much energy, as in a TEM.

    Attributes
    ----------
    mass_thickness : float or None
        Density times thickness, in g/cm². None: so thin that X-rays are not absorbed.
    """

    mass_thickness: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no thickness."""
        if self.mass_thickness is not None:
            _require_positive(self.mass_thickness)

    def path(self, absorption: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the depth in g/cm² whose X-rays get out, 1 for an unknown thickness.

        Parameters
        ----------
        absorption : ndarray
            χ in cm²/g: mass attenuation divided by the sine of the take-off angle.
        """
        if self.mass_thickness is None:
            return np.ones_like(absorption)
        return np.asarray(-np.expm1(-absorption * self.mass_thickness) / absorption, np.float64)


Sample = Bulk | Film | Foil
BULK = Bulk()


def _require_positive(mass_thickness: float) -> None:
    if not (np.isfinite(mass_thickness) and mass_thickness > 0):
        raise XraySpectrumError(
            f"A mass thickness of {mass_thickness} g/cm² is not allowed; give a number above 0: "
            "density in g/cm³ times thickness in cm."
        )
