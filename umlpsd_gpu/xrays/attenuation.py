"""Mass attenuation of X-rays by elements and mixtures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.tables.load import load_table

LOWEST_KEV, HIGHEST_KEV = 0.1, 120.0


def mass_attenuation(z: int, energies_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the mass attenuation coefficient of an element.

    Photoabsorption and scattering after Elam, Ravel and Sieber, Radiat. Phys. Chem. 63, 121 (2002),
    interpolated linearly between logarithms.

    Parameters
    ----------
    z : int
        Atomic number, 1 to 98.
    energies_kev : array_like
        Of photons; the table has 0.1 to 120 keV, and its ends hold beyond.

    Returns
    -------
    ndarray
        In cm²/g, of the shape of ``energies_kev``.

    Examples
    --------
    >>> round(float(mass_attenuation(26, 10.0)))
    171
    """
    if not 1 <= z <= 98:
        raise XraySpectrumError(f"No element of atomic number {z} is known here; use 1 to 98.")
    table = load_table()
    start, end = table["attenuation_starts"][z : z + 2]
    log_energies = np.log(np.maximum(np.asarray(energies_kev, np.float64), LOWEST_KEV))
    log_table = table["attenuation_log_kev"][start:end]
    found = np.interp(log_energies, log_table, table["attenuation_log_cm2_g"][start:end])
    return np.asarray(np.exp(found), np.float64)


def mixture_attenuation(
    z: NDArray[np.int64], mass_fractions: NDArray[np.float64], energies_kev: ArrayLike
) -> NDArray[np.float64]:
    """Return the mass attenuation coefficient of a mixture, the mean weighted by mass.

    Parameters
    ----------
    z : ndarray of int, shape (n_elements,)
    mass_fractions : ndarray, shape (n_elements,)
    energies_kev : array_like

    Returns
    -------
    ndarray
        In cm²/g, of the shape of ``energies_kev``.
    """
    if z.size == 1:
        return float(mass_fractions[0]) * mass_attenuation(int(z[0]), energies_kev)
    coefficients = np.stack([mass_attenuation(int(one), energies_kev) for one in z])
    return np.asarray(np.tensordot(mass_fractions, coefficients, 1), np.float64)
