"""XPP: where in the depth of a solid electrons ionise atoms, and what of their X-rays gets out.

J. L. Pouchou and F. Pichoir, "Quantitative analysis of homogeneous or stratified microvolumes
applying the model 'PAP'", in K. F. J. Heinrich and D. E. Newbury (eds.), Electron Probe
Quantitation, Plenum (1991), pages 31 to 75: the simplified model with two exponentials. Energies
are in keV, depths are masses per area in g/cm².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.elements import atomic_masses
from umlpsd_gpu.xrays.material import Material

Floats = NDArray[np.float64]

_SMALLEST_EPSILON = 1e-6


@dataclass(frozen=True)
class DepthDistribution:
    """φ(ρz) of one or more levels: A exp(-a ρz) + (B ρz + φ(0) - A) exp(-b ρz).

    Attributes
    ----------
    area : ndarray, shape (n_levels,)
        Integral over all depths, in g/cm².
    surface : ndarray, shape (n_levels,)
        φ(0).
    mean_depth : ndarray, shape (n_levels,)
        In g/cm².
    amplitude, slope, decay, decay_deep : ndarray, shape (n_levels,)
        A, B, b and a.
    """

    area: Floats
    surface: Floats
    mean_depth: Floats
    amplitude: Floats
    slope: Floats
    decay: Floats
    decay_deep: Floats

    def at(self, depth: float) -> Floats:
        """Return φ at one depth, in g/cm².

        Parameters
        ----------
        depth : float
            In g/cm².
        """
        rest = self.slope * depth + self.surface - self.amplitude
        deep = self.amplitude * np.exp(-self.decay_deep * depth)
        return np.asarray(deep + rest * np.exp(-self.decay * depth), np.float64)

    def emitted(self, absorption: Floats) -> Floats:
        """Return ∫ φ(ρz) exp(-χ ρz) dρz over all depths, in g/cm².

        Parameters
        ----------
        absorption : ndarray, shape (n_levels,) or (..., n_levels)
            χ: mass attenuation divided by the sine of the take-off angle, in cm²/g.
        """
        return self.emitted_between(absorption, 0.0, np.inf)

    def emitted_between(self, absorption: Floats, top: float, bottom: float) -> Floats:
        """Return ∫ φ(ρz) exp(-χ ρz) dρz from one depth to another, in g/cm².

        Parameters
        ----------
        absorption : ndarray
            χ in cm²/g: mass attenuation divided by the sine of the take-off angle.
        top : float
            In g/cm².
        bottom : float
            In g/cm²; may be infinite.
        """
        return self._emitted_below(absorption, top) - self._emitted_below(absorption, bottom)

    def _emitted_below(self, absorption: Floats, depth: float) -> Floats:
        if np.isinf(depth):
            return np.zeros(np.broadcast(absorption, self.area).shape)
        deep, decay = self.decay_deep + absorption, self.decay + absorption
        rest = self.slope * depth + self.surface - self.amplitude
        first = self.amplitude / deep * np.exp(-deep * depth)
        second = (rest / decay + self.slope / decay**2) * np.exp(-decay * depth)
        return np.asarray(first + second, np.float64)


def exponent(z: NDArray[np.int64], shells: NDArray[np.str_]) -> Floats:
    """Return m of the ionisation cross-section, which falls with energy as ln(U) U^-m.

    Parameters
    ----------
    z : ndarray of int, shape (n_levels,)
        Atomic numbers.
    shells : ndarray of str, shape (n_levels,)
        K, L or M.
    """
    of_k = 0.86 + 0.12 * np.exp(-((z / 5) ** 2))
    return np.asarray(np.where(shells == "K", of_k, np.where(shells == "L", 0.82, 0.78)), float)


def cross_section(overvoltage: Floats, edges_kev: Floats, exponents: Floats) -> Floats:
    """Return the ionisation cross-section ln(U) / (U^m E²), to a factor of its shell alone.

    Parameters
    ----------
    overvoltage : ndarray, shape (n_levels,)
        Energy of the beam by that of the level; above 1.
    edges_kev : ndarray, shape (n_levels,)
    exponents : ndarray, shape (n_levels,)
        m.
    """
    return np.asarray(np.log(overvoltage) / (overvoltage**exponents * edges_kev**2), np.float64)


def depth_distribution(
    of: Material, edges_kev: Floats, exponents: Floats, beam_kev: float
) -> DepthDistribution:
    """Calculate φ(ρz) of levels in a material, for a beam at normal incidence.

    Parameters
    ----------
    of : Material
    edges_kev : ndarray, shape (n_levels,)
        Energies of the levels; below ``beam_kev``.
    exponents : ndarray, shape (n_levels,)
        m of their cross-sections: `exponent`.
    beam_kev : float

    Returns
    -------
    DepthDistribution
    """
    overvoltage = beam_kev / edges_kev
    z_backscatter = float(of.mass_fractions @ np.sqrt(of.z)) ** 2
    eta = _backscatter_coefficient(z_backscatter)
    lost = _backscatter_loss(eta, overvoltage)
    path = _effective_path(of, edges_kev, exponents, beam_kev)
    area = lost * path / cross_section(overvoltage, edges_kev, exponents)
    surface = 1 + 3.3 * (1 - overvoltage ** -(2 - 2.3 * eta)) * eta**1.2
    mean_depth = _mean_depth(area, surface, overvoltage, z_backscatter)
    return _two_exponentials(area, surface, mean_depth, overvoltage, z_backscatter)


def _backscatter_coefficient(z: float) -> float:
    return float(1.75e-3 * z + 0.37 * (1 - np.exp(-0.015 * z**1.3)))


def _backscatter_loss(eta: float, overvoltage: Floats) -> Floats:
    """Return R, the share of the ionisations that backscattered electrons leave."""
    mean_energy = 0.595 + eta / 3.7 + eta**4.55  # of backscattered electrons, by that of the beam
    power = (2 * mean_energy - 1) / (1 - mean_energy)
    j = 1 + overvoltage * (np.log(overvoltage) - 1)
    g = overvoltage - 1 - (1 - overvoltage ** -(1 + power)) / (1 + power)
    return np.asarray(1 - eta * mean_energy * (1 - g / ((2 + power) * j)), np.float64)


def _effective_path(of: Material, edges_kev: Floats, exponents: Floats, beam_kev: float) -> Floats:
    """Return 1/S: the integral of the cross-section over the slowing down, by stopping power."""
    per_mass = of.mass_fractions * of.z / atomic_masses(of.z)
    m = per_mass.sum()
    ionisation = 1e-3 * of.z * (10.04 + 8.25 * np.exp(-of.z / 11.22))
    j = float(np.exp(per_mass @ np.log(ionisation) / m))
    factors = np.array([6.6e-6, 1.12e-5 * (1.35 - 0.45 * j**2), 2.2e-6 / j])[:, None]
    powers = np.array([0.78, 0.1, 0.25 * j - 0.5])[:, None]
    overvoltage, v = beam_kev / edges_kev, beam_kev / j
    t = 1 + powers - exponents
    integral = (t * overvoltage**t * np.log(overvoltage) - overvoltage**t + 1) / t**2
    terms = factors * (v / overvoltage) ** powers * integral
    return np.asarray(overvoltage / (v * m) * terms.sum(axis=0), np.float64)


def _mean_depth(area: Floats, surface: Floats, overvoltage: Floats, z: float) -> Floats:
    x, y = 1 + 1.3 * np.log(z), 0.2 + z / 200
    ratio = 1 + x * np.log1p(y * (1 - overvoltage**-0.42)) / np.log1p(y)
    return np.asarray(area / np.maximum(ratio, surface), np.float64)


def _two_exponentials(
    area: Floats, surface: Floats, mean_depth: Floats, overvoltage: Floats, z: float
) -> DepthDistribution:
    decay = np.sqrt(2) * (1 + np.sqrt(1 - mean_depth * surface / area)) / mean_depth
    g = 0.22 * np.log(4 * z) * (1 - 2 * np.exp(-z * (overvoltage - 1) / 15))
    h = 1 - 10 * (1 - 1 / (1 + overvoltage / 10)) / z**2
    # a steeper start than this has no solution with a above 0
    limit = 0.9 * decay * mean_depth**2 * (decay - 2 * surface / area)
    initial_slope = np.minimum(g * h**4, limit) * area / mean_depth**2
    deep = (initial_slope + decay * (2 * surface - decay * area)) / (
        decay * area * (2 - decay * mean_depth) - surface
    )
    epsilon = (deep - decay) / decay
    epsilon = np.where(np.abs(epsilon) < _SMALLEST_EPSILON, _SMALLEST_EPSILON, epsilon)
    deep = decay * (1 + epsilon)
    slope = (
        decay**2 * area * (1 + epsilon) - initial_slope - surface * decay * (2 + epsilon)
    ) / epsilon
    amplitude = (slope / decay + surface - decay * area) * (1 + epsilon) / epsilon
    return DepthDistribution(area, surface, mean_depth, amplitude, slope, decay, deep)
