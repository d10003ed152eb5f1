"""Figure: spectrum of every component, its uncertainty, and the lines of its elements."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.spectrum_images.quantified import Quantified
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour
from umlpsd_gpu.xrays.elements import atomic_number
from umlpsd_gpu.xrays.lines import lines_of

TITLE = "Spectra of the components"
CAPTION = (
    "Counts of each component in all pixels, on a logarithmic scale. Dark band: 95 % intervals "
    "from counting; pale band: range of factorisations that fit as well. Elements found in a "
    "component are named at their lines. Last: the residual of the 1 % of the pixels that fit "
    "worst, in standard deviations."
)
WIDTH, HEIGHT = 10.0, 1.9
# Lines that are named: those of at least this share of the photons of their level
LEAST_WEIGHT = 0.3
LEAST_GAP = 0.012  # of the width of the figure, between two names
FEWEST_COUNTS = 0.5


def draw_spectra(study: SpectrumImageStudy) -> Figure:
    """Draw the spectra of all components and the residual.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    Figure
    """
    n_panels = study.k + 1
    figure = Figure(figsize=(WIDTH, HEIGHT * n_panels + 0.4), layout="constrained")
    panels = figure.subplots(n_panels, 1, sharex=True, squeeze=False)[:, 0]
    for number in range(study.k):
        _draw_component(panels[number], study, number)
    _draw_residual(panels[-1], study)
    panels[-1].set_xlabel("energy (keV)")
    energies = study.recorded.axis.energies_kev
    panels[-1].set_xlim(max(0.0, float(energies[0])), _end_of(study))
    return figure


def _end_of(study: SpectrumImageStudy) -> float:
    """Return the energy beyond which there are hardly any counts."""
    cumulated = np.cumsum(study.recorded.total_spectrum)
    last = int(np.searchsorted(cumulated, 0.9995 * cumulated[-1]))
    energies = study.recorded.axis.energies_kev
    return float(energies[min(energies.size - 1, int(1.05 * last) + 5)])


def _draw_component(axes: Axes, study: SpectrumImageStudy, number: int) -> None:
    energies = study.recorded.axis.energies_kev
    total = study.factors.maps[:, number].sum()
    counts = total * study.factors.components[number]
    error = total * study.uncertainty.component_errors[number]
    lowest = total * study.uncertainty.lowest_components[number]
    highest = total * study.uncertainty.highest_components[number]
    colour = cluster_colour(number + 1)
    floor = np.full(energies.size, FEWEST_COUNTS)
    axes.fill_between(
        energies,
        np.maximum(lowest, floor),
        np.maximum(highest, floor),
        color=colour,
        alpha=0.2,
        lw=0,
    )
    low, high = np.maximum(counts - 1.96 * error, floor), np.maximum(counts + 1.96 * error, floor)
    axes.fill_between(energies, low, high, color=colour, alpha=0.45, lw=0)
    axes.plot(energies, np.maximum(counts, floor), color=colour, lw=0.9)
    axes.set_yscale("log")
    top = float(counts.max())
    axes.set_ylim(max(FEWEST_COUNTS, top * 1e-5), top * 8)
    axes.set_ylabel("counts")
    each = study.quantified[number]
    name = f"{number + 1}" + (f": {each.formula}" if each.formula else "")
    axes.set_title(name, loc="left", color=colour, fontweight="bold")
    _name_lines(axes, each, _end_of(study), top)


def _name_lines(axes: Axes, each: Quantified, end_kev: float, top: float) -> None:
    """Write the symbols of elements above their strongest lines, without overlaps."""
    wanted = []
    for symbol in each.elements:
        for line in lines_of(atomic_number(symbol)):
            if line.energy_kev < end_kev and line.weight >= LEAST_WEIGHT:
                wanted.append((line.energy_kev, symbol))
    last = -1.0
    for energy, symbol in sorted(wanted):
        if energy - last < LEAST_GAP * end_kev:
            continue
        last = energy
        axes.axvline(energy, color=FLAGGED, lw=0.4, zorder=0)
        axes.text(energy, top * 5, symbol, fontsize=6.5, ha="center", va="center")


def _draw_residual(axes: Axes, study: SpectrumImageStudy) -> None:
    energies = study.recorded.axis.energies_kev
    residuals = study.residuals
    with np.errstate(divide="ignore", invalid="ignore"):
        z = residuals.worst_residual / np.sqrt(np.maximum(residuals.worst_expected, 1.0))
    axes.plot(energies, z, color="black", lw=0.6)
    axes.axhspan(-2, 2, color=FLAGGED, alpha=0.25, lw=0)
    axes.set_ylabel("residual (σ)")
    limit = max(6.0, float(np.abs(z).max()) * 1.1)
    axes.set_ylim(-limit, limit)
    axes.set_title("residual of the worst pixels", loc="left")
