"""Secondary fluorescence: characteristic lines of a sample that ionise its other atoms.

Castaing's model as S. J. B. Reed gives it, Br. J. Appl. Phys. 16, 913 (1965): the exciting photons
come from depths that are distributed exponentially, half of them go down. Their number and mean
depth are those of XPP here. With the attenuation µ of the exciting photons, their mean depth d and
the absorption χ of the excited ones, x = χ/µ and y = 1/(µ d), the share of photons that are
absorbed and whose successors get out is y/(x + y) · [ln(1 + x)/x + ln(1 + y)/y] / 2, in which
Castaing divides y/(x + y) by the like share of the primary photons. Fluorescence by the continuum
is left out; it is below 1 to 2 % for most lines.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.attenuation import mass_attenuation
from umlpsd_gpu.xrays.lines import Line, edge_kev, fluorescence_yield, jump_ratio
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.tables.load import LEVELS

Floats = NDArray[np.float64]


def fluoresced(
    of: Material,
    lines: tuple[Line, ...],
    exciting: tuple[Line, ...],
    generated: Floats,
    mean_depths: Floats,
    take_off_deg: float,
) -> Floats:
    """Return the photons of lines that leave a solid after fluorescence.

    Parameters
    ----------
    of : Material
    lines : tuple of Line
        Those whose photons are counted.
    exciting : tuple of Line
        Lines of the material.
    generated : ndarray, shape (n_exciting,)
        Their photons in the solid, for each electron.
    mean_depths : ndarray, shape (n_exciting,)
        Where they are generated, in g/cm².
    take_off_deg : float

    Returns
    -------
    ndarray, shape (n_lines,)
        For a mass fraction of 1 of each line's element, as `specific_emission` gives them.
    """
    if not exciting:
        return np.zeros(len(lines))
    energies = np.array([line.energy_kev for line in exciting])
    attenuation = of.attenuation(energies)
    own = of.attenuation([line.energy_kev for line in lines]) / np.sin(np.radians(take_off_deg))
    x = own[:, None] / attenuation
    y = 1 / (mean_depths * attenuation)
    escape = 0.5 * y / (x + y) * (np.log1p(x) / x + np.log1p(y) / y)
    ionised = np.array([_ionisation(line, exciting) for line in lines]) / attenuation
    yields = np.array([fluorescence_yield(line.z, line.level) * line.weight for line in lines])
    return np.asarray(yields * ((generated * ionised * escape).sum(axis=1)), np.float64)


@cache
def _ionisation(line: Line, exciting: tuple[Line, ...]) -> tuple[float, ...]:
    """Return the attenuation of each exciting line by ionisation of the level, in cm²/g."""
    energies = np.array([other.energy_kev for other in exciting])
    shares = [_share_of_level(line, energy) for energy in energies]
    return tuple((mass_attenuation(line.z, energies) * np.array(shares)).tolist())


def _share_of_level(line: Line, energy_kev: float) -> float:
    """Return the share of absorbed photons that ionise the line's level, by the jumps of edges."""
    if energy_kev <= edge_kev(line.z, line.level):
        return 0.0
    share = 1 - 1 / jump_ratio(line.z, line.level)
    for level in LEVELS[: LEVELS.index(line.level)]:
        if energy_kev > edge_kev(line.z, level) > 0:
            share /= jump_ratio(line.z, level)
    return share
