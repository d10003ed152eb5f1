"""Figure: map and power spectrum of each component, with its spots."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.plotting.scale_bar import bare, draw_scale_bar
from umlpsd_gpu.plotting.style import cluster_colour

TITLE = "Components"
CAPTION = (
    "Maps: amplitude of each component in the windows, on one scale. Spectra: amplitudes on a "
    "logarithmic scale, zero frequency in the middle; rings mark the spots in the table, and only "
    "the part that holds them is shown."
)
PANEL, PER_ROW = 2.5, 4
# Part of the frequencies that is shown beyond the farthest spot
MARGIN = 1.4
# Shown range of amplitudes, in decades
DECADES = 2.5
# Diameter of the rings, in steps of the transform
RING = 6.0


def draw_components(study: MicrographStudy) -> Figure:
    """Draw map and spectrum of each component.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    Figure
    """
    n_columns = min(PER_ROW, study.k)
    n_rows = -(-study.k // n_columns)
    ratio = study.grid[0] / study.grid[1]
    heights = [min(2.0, ratio), 1.0] * n_rows
    width = PANEL * n_columns
    figure = Figure(figsize=(width, PANEL * sum(heights) + 0.6 * n_rows), layout="constrained")
    panels = figure.subplots(
        2 * n_rows, n_columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes in panels.ravel():
        axes.axis("off")
    highest = float(study.maps.max())
    for number in range(study.k):
        row, column = divmod(number, n_columns)
        _draw_map(panels[2 * row, column], study, number, highest)
        _draw_spectrum(panels[2 * row + 1, column], study, number)
    return figure


def _draw_map(axes: Axes, study: MicrographStudy, number: int, highest: float) -> None:
    axes.axis("on")
    axes.imshow(study.maps[number], cmap="viridis", vmin=0, vmax=highest, interpolation="nearest")
    axes.set_title(f"{number + 1}", color=cluster_colour(number + 1), fontweight="bold")
    bare(axes)


def _draw_spectrum(axes: Axes, study: MicrographStudy, number: int) -> None:
    axes.axis("on")
    spectrum = study.spectra[number]
    n = spectrum.shape[0]
    spots = [spot for spot in study.spots if spot.component == number + 1]
    reach = MARGIN * max((n / spot.spacing_px for spot in study.spots), default=n / 2)
    reach = min(n // 2, int(np.ceil(reach)) + 2)
    middle = slice(n // 2 - reach, n // 2 + reach)
    shown = spectrum[middle, middle]
    largest = float(shown.max())
    logarithm = np.log10(np.maximum(shown, largest * 10.0**-DECADES))
    axes.imshow(logarithm, cmap="magma", interpolation="nearest")
    ring = RING * PANEL * 72 / shown.shape[0]
    for spot in spots:
        angle = np.radians(spot.angle_deg)
        length = n / spot.spacing_px
        for sign in (1, -1):
            column = reach + sign * length * np.cos(angle)
            row = reach - sign * length * np.sin(angle)
            axes.plot(column, row, "o", mfc="none", mec="#56B4E9", mew=0.9, ms=ring)
    axes.set_xlim(-0.5, shown.shape[1] - 0.5)
    axes.set_ylim(shown.shape[0] - 0.5, -0.5)
    bare(axes)
    if study.micrograph.pixel_size_m is None:
        draw_scale_bar(axes, shown.shape, study.frequency_step, "{:g} / px")
    else:
        draw_scale_bar(axes, shown.shape, study.frequency_step * 1e-9, "{:g} / nm")
