"""Characteristic X-rays that leave a sample: ionisation by electrons, relaxation, absorption.

Photons of a line for each electron, from the vacancies that electrons make in its level and in
those levels of the same shell from which Coster-Kronig transitions feed it:
N_A C / A · Q(E0) · ∫ φ(ρz) exp(-χ ρz) dρz · transfer · ω · weight. The cross-section is
6.51e-20 cm² keV² times the number of electrons of the level times ln(U) / (U^m E²) in solids, and
Bethe's relativistic one in foils. Its absolute size is known to a factor of 2 only, which is common
to all lines and cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.elements import atomic_masses
from umlpsd_gpu.xrays.fluorescence import fluoresced
from umlpsd_gpu.xrays.lines import Line, coster_kronig, edge_kev, fluorescence_yield, lines_of
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.samples import BULK, Film, Foil, Sample
from umlpsd_gpu.xrays.tables.load import LEVELS
from umlpsd_gpu.xrays.xpp import DepthDistribution, cross_section, depth_distribution, exponent

Floats = NDArray[np.float64]

_BETHE = 6.02214e23 * 6.51e-20  # N_A times 2π e⁴, in cm² keV² / mol
_ELECTRONS = dict(zip(LEVELS, (2, 2, 2, 4, 2, 2, 4, 4, 6), strict=True))
_REST_KEV = 511.0


@dataclass(frozen=True)
class _Sources:
    """The levels whose ionisation feeds each line, as flat arrays over pairs."""

    line: NDArray[np.int64]
    z: NDArray[np.int64]
    edges_kev: Floats
    exponents: Floats
    factors: Floats
    energies_kev: Floats

    def cross_sections(self, beam_kev: float) -> Floats:
        return cross_section(beam_kev / self.edges_kev, self.edges_kev, self.exponents)


def specific_emission(
    of: Material,
    lines: Sequence[Line],
    beam_kev: float,
    take_off_deg: float,
    sample: Sample = BULK,
    *,
    fluorescence: bool = True,
) -> Floats:
    """Return the photons of lines that leave a sample, for a mass fraction of 1 of their element.

    The material decides how electrons are slowed down and X-rays absorbed; multiply the result by
    the mass fraction of each element. Elements that it doesn't have are allowed.

    Parameters
    ----------
    of : Material
        Of the solid, of the film, or of the foil.
    lines : sequence of Line
    beam_kev : float
        Energy of the electrons, at normal incidence.
    take_off_deg : float
        Angle between the surface and the direction of the detector.
    sample : Bulk, Film or Foil
    fluorescence : bool
        Whether characteristic lines of the material excite others; in solids only.

    Returns
    -------
    ndarray, shape (n_lines,)
        Photons for each electron, into all directions, to a factor that is common to all lines; 0
        for lines that the beam can't excite. Per g/cm² for a foil of unknown thickness.
    """
    lines = tuple(lines)
    pairs = _sources(lines, beam_kev)
    absorption = of.attenuation(pairs.energies_kev) / np.sin(np.radians(take_off_deg))
    if isinstance(sample, Foil):
        per_pair = _foil_cross_sections(pairs, beam_kev) * sample.path(absorption)
        return _sum_by_line(pairs, pairs.factors * per_pair, len(lines))
    if pairs.z.size == 0:
        return np.zeros(len(lines))
    depths = _depths(of, pairs, beam_kev, sample)
    end = sample.mass_thickness if isinstance(sample, Film) else np.inf
    emitted = depths.emitted_between(absorption, 0.0, end)
    ionised = pairs.cross_sections(beam_kev) * emitted
    found = _sum_by_line(pairs, pairs.factors * ionised, len(lines))
    if fluorescence and not isinstance(sample, Film):
        exciting = _exciting_lines(of, beam_kev)
        generated, mean_depth = _generated(of, exciting, beam_kev)
        found = found + fluoresced(of, lines, exciting, generated, mean_depth, take_off_deg)
    return found


def k_ratios(of: Material, lines: Sequence[Line], beam_kev: float, take_off_deg: float) -> Floats:
    """Return intensities of lines divided by those of the pure elements.

    Parameters
    ----------
    of : Material
    lines : sequence of Line
    beam_kev, take_off_deg : float

    Returns
    -------
    ndarray, shape (n_lines,)
        NaN for lines that the beam can't excite.

    Examples
    --------
    >>> from umlpsd_gpu.xrays.lines import lines_of
    >>> from umlpsd_gpu.xrays.material import material
    >>> line = next(line for line in lines_of(13) if line.name == "Kα1")
    >>> k_ratios(material({"Al": 24.1, "Fe": 75.9}), [line], 20, 52.5).round(3)
    array([0.128])
    """
    in_sample = specific_emission(of, lines, beam_kev, take_off_deg)
    fractions = np.array([of.fraction_of(line.z) for line in lines])
    pure = [
        specific_emission(Material(np.array([line.z]), np.ones(1)), [line], beam_kev, take_off_deg)[
            0
        ]
        for line in lines
    ]
    reference = np.array(pure)
    ratios = np.full(len(lines), np.nan)
    np.divide(fractions * in_sample, reference, out=ratios, where=reference > 0)
    return ratios


@lru_cache(maxsize=512)
def _sources(lines: tuple[Line, ...], beam_kev: float) -> _Sources:
    rows = [
        (n, line.z, edge_kev(line.z, level), level, share, line)
        for n, line in enumerate(lines)
        for level, share in _feeding_levels(line)
        if 0 < edge_kev(line.z, level) < beam_kev and edge_kev(line.z, line.level) < beam_kev
    ]
    z = np.array([row[1] for row in rows], np.int64)
    masses = atomic_masses(z)
    factors = [
        _BETHE * _ELECTRONS[level] * share * fluorescence_yield(line.z, line.level) * line.weight
        for _, _, _, level, share, line in rows
    ]
    return _Sources(
        line=np.array([row[0] for row in rows], np.int64),
        z=z,
        edges_kev=np.array([row[2] for row in rows], np.float64),
        exponents=exponent(z, np.array([row[3][0] for row in rows], np.str_)),
        factors=np.array(factors, np.float64) / masses,
        energies_kev=np.array([row[5].energy_kev for row in rows], np.float64),
    )


def _feeding_levels(line: Line) -> list[tuple[str, float]]:
    """Return levels of a line's shell, with the chance that a vacancy gets to its own."""
    own = LEVELS.index(line.level)
    above = [level for level in LEVELS[:own] if level[0] == line.shell]
    fed = [(level, coster_kronig(line.z, level, line.level)) for level in above]
    return [(line.level, 1.0), *((level, chance) for level, chance in fed if chance > 0)]


def _sum_by_line(pairs: _Sources, values: Floats, n_lines: int) -> Floats:
    return np.bincount(pairs.line, values, minlength=n_lines).astype(np.float64)


def _depths(of: Material, pairs: _Sources, beam_kev: float, sample: Sample) -> DepthDistribution:
    """Return φ(ρz), in a film by the material that electrons meet on the average."""
    found = depth_distribution(of, pairs.edges_kev, pairs.exponents, beam_kev)
    if not isinstance(sample, Film):
        return found
    for _ in range(3):
        inside = found.emitted_between(np.zeros(pairs.z.size), 0.0, sample.mass_thickness)
        met = sample.mixed_with_substrate(of, float(np.mean(inside / found.area)))
        found = depth_distribution(met, pairs.edges_kev, pairs.exponents, beam_kev)
    return found


def _foil_cross_sections(pairs: _Sources, beam_kev: float) -> Floats:
    """Return Bethe's relativistic cross-section, by the factor that `_BETHE` holds."""
    gamma = 1 + beam_kev / _REST_KEV
    beta2 = 1 - 1 / gamma**2
    energy = _REST_KEV * beta2 / 2  # m v² / 2
    logarithm = np.log(energy / pairs.edges_kev) - np.log(1 - beta2) - beta2
    return np.asarray(np.maximum(logarithm, 0) / (energy * pairs.edges_kev), np.float64)


@lru_cache(maxsize=1024)
def _exciting_lines_of(z: int, beam_kev: float) -> tuple[Line, ...]:
    return tuple(
        line
        for line in lines_of(z)
        if line.weight > 0.02
        and line.energy_kev > 0.5
        and edge_kev(z, line.level) < beam_kev
        and fluorescence_yield(z, line.level) > 0
    )


def _exciting_lines(of: Material, beam_kev: float) -> tuple[Line, ...]:
    present = of.z[of.mass_fractions > 0]
    return tuple(line for z in present for line in _exciting_lines_of(int(z), beam_kev))


def _generated(of: Material, lines: tuple[Line, ...], beam_kev: float) -> tuple[Floats, Floats]:
    """Return the photons that lines of a material generate in it, and their mean depth."""
    pairs = _sources(lines, beam_kev)
    if pairs.z.size == 0:
        return np.zeros(0), np.zeros(0)
    depths = depth_distribution(of, pairs.edges_kev, pairs.exponents, beam_kev)
    photons = pairs.factors * pairs.cross_sections(beam_kev) * depths.area
    fractions = np.array([of.fraction_of(line.z) for line in lines])
    total = _sum_by_line(pairs, photons, len(lines))
    weighted = _sum_by_line(pairs, photons * depths.mean_depth, len(lines))
    return fractions * total, weighted / total
