"""Figure: map of every component, all counts, and where the factorisation does not fit."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.plotting.scale_bar import bare, draw_scale_bar
from umlpsd_gpu.plotting.style import cluster_colour

TITLE = "Maps of the components"
CAPTION = (
    "Counts of each component in every pixel; all counts; and z of the residual: how many standard "
    "deviations the scatter of a pixel's spectrum is above that of counting."
)
PER_ROW, PANEL = 5, 2.1
Z_RANGE = 6.0


def draw_maps(study: SpectrumImageStudy) -> Figure:
    """Draw all maps.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    Figure
    """
    n_panels = study.k + 2
    n_columns = min(PER_ROW, n_panels)
    n_rows = -(-n_panels // n_columns)
    shape = study.recorded.total_image.shape
    height = PANEL * min(2.0, max(0.3, shape[0] / shape[1])) + 0.75
    figure = Figure(figsize=(PANEL * n_columns, height * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes in panels[n_panels:]:
        axes.axis("off")
    for number in range(study.k):
        each = study.quantified[number]
        title = f"{number + 1}" + (f": {each.formula}" if each.formula else "")
        _draw(panels[number], study, study.maps[number], title, "viridis")
        panels[number].title.set_color(cluster_colour(number + 1))
    _draw(panels[study.k], study, study.recorded.total_image, "all counts", "gray")
    z = study.residuals.sample_z.reshape(shape)
    _draw(panels[study.k + 1], study, z, "z of the residual", "coolwarm", (-Z_RANGE, Z_RANGE))
    return figure


def _draw(
    axes: Axes,
    study: SpectrumImageStudy,
    values: np.ndarray,
    title: str,
    cmap: str,
    limits: tuple[float, float] | None = None,
) -> None:
    low, high = limits or (0.0, float(np.percentile(values, 99.8)) or 1.0)
    drawn = axes.imshow(values, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    axes.set_title(title, fontsize=8.5 if len(title) < 24 else 7)
    bare(axes)
    if study.recorded.pixel_size_m is not None:
        draw_scale_bar(axes, values.shape, study.recorded.pixel_size_m, "m")
    assert axes.figure is not None
    bar = axes.figure.colorbar(drawn, ax=axes, orientation="horizontal", pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=7)
