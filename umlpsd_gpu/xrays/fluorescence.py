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

from functools import lru_cache

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
    keys = tuple(energies.tolist())
    ionised = np.array([_ionisation(line.z, line.level, keys) for line in lines]) / attenuation
    yields = np.array([fluorescence_yield(line.z, line.level) * line.weight for line in lines])
    return np.asarray(yields * ((generated * ionised * escape).sum(axis=1)), np.float64)


@lru_cache(maxsize=4096)
def _ionisation(z: int, level: str, energies_kev: tuple[float, ...]) -> Floats:
    """Return the attenuation of photons by ionisation of a level, in cm²/g, by jumps of edges."""
    energies = np.array(energies_kev)
    above = energies > edge_kev(z, level)
    if not above.any():
        return np.zeros(len(energies))
    share = np.where(above, 1 - 1 / jump_ratio(z, level), 0.0)
    for higher in LEVELS[: LEVELS.index(level)]:
        if (edge := edge_kev(z, higher)) > 0:
            share = np.where(energies > edge, share / jump_ratio(z, higher), share)
    return np.asarray(mass_attenuation(z, energies) * share, np.float64)
