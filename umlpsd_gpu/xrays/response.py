"""The counts of each channel for a photon of a line: peaks, and their escape peaks in silicon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr

from umlpsd_gpu.xrays.attenuation import mass_attenuation
from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.lines import Line, edge_kev, fluorescence_yield, jump_ratio
from umlpsd_gpu.xrays.spectrum import EnergyAxis

Floats = NDArray[np.float64]

_SILICON = 14
_SI_KALPHA_KEV = 1.740
_LOWEST_KEV, _N_FILTERS = 0.1, 8
_REACH = 7.0  # standard deviations, beyond which a peak has less than 1e-11 of its counts


def peaks(axis: EnergyAxis, detector: Detector, energies_kev: Floats, areas: Floats) -> Floats:
    """Return the sum of Gaussian peaks, integrated over each channel.

    Parameters
    ----------
    axis : EnergyAxis
    detector : Detector
        Gives the widths.
    energies_kev : ndarray, shape (n_peaks,)
    areas : ndarray, shape (n_peaks,)

    Returns
    -------
    ndarray, shape (n_channels,)
    """
    found = np.zeros(axis.n_channels)
    first_edge = axis.offset_kev - axis.step_kev / 2
    sigmas = detector.sigma_kev(energies_kev)
    for energy, area, sigma in zip(energies_kev, areas, sigmas, strict=True):
        low = int(np.floor((energy - _REACH * sigma - first_edge) / axis.step_kev))
        high = int(np.ceil((energy + _REACH * sigma - first_edge) / axis.step_kev))
        low, high = max(low, 0), min(high, axis.n_channels)
        if low < high and area > 0:
            edges = first_edge + axis.step_kev * np.arange(low, high + 1)
            found[low:high] += area * np.diff(ndtr((edges - energy) / sigma))
    return found


def counted_lines(
    axis: EnergyAxis, detector: Detector, lines: Sequence[Line], photons: Floats
) -> Floats:
    """Return the counts of each channel for photons of lines that reach the detector.

    Parameters
    ----------
    axis : EnergyAxis
    detector : Detector
    lines : sequence of Line
    photons : ndarray, shape (n_lines,)

    Returns
    -------
    ndarray, shape (n_channels,)
    """
    energies = np.array([line.energy_kev for line in lines])
    counts = photons * detector.efficiency(energies)
    escaping = escape_share(energies)
    return peaks(axis, detector, energies, counts * (1 - escaping)) + peaks(
        axis, detector, energies - _SI_KALPHA_KEV, counts * escaping
    )


def broadened(axis: EnergyAxis, detector: Detector, counts: Floats) -> Floats:
    """Return a smooth spectrum as the detector broadens it.

    Interpolated between filters of the widths at some energies.

    Parameters
    ----------
    axis : EnergyAxis
    detector : Detector
    counts : ndarray, shape (n_channels,)

    Returns
    -------
    ndarray, shape (n_channels,)
    """
    energies = axis.energies_kev
    positive = np.maximum(energies, _LOWEST_KEV)
    knots = np.geomspace(_LOWEST_KEV, max(float(energies[-1]), 1.0), _N_FILTERS)
    found = np.zeros(counts.size)
    for share, sigma in zip(np.eye(_N_FILTERS), detector.sigma_kev(knots), strict=True):
        filtered = gaussian_filter1d(counts, float(sigma) / axis.step_kev, mode="nearest")
        found += np.interp(positive, knots, share) * filtered
    return found


def escape_share(energies_kev: Floats) -> Floats:
    """Return the share of counts that lose a Si K photon at the surface of the detector.

    S. J. B. Reed and N. G. Ware, J. Phys. E 5, 582 (1972).

    Parameters
    ----------
    energies_kev : array_like
        Of photons, in keV.
    """
    absorbed = mass_attenuation(_SILICON, energies_kev)
    own = float(mass_attenuation(_SILICON, _SI_KALPHA_KEV))
    in_k = 1 - 1 / jump_ratio(_SILICON, "K")
    lost = 1 - own / absorbed * np.log1p(absorbed / own)
    share = 0.5 * fluorescence_yield(_SILICON, "K") * in_k * lost
    return np.asarray(np.where(energies_kev > edge_kev(_SILICON, "K"), share, 0.0), np.float64)
