"""Figure: maps of the quantities of every curve."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from umlpsd_gpu.analyses.curves.figures.image_panels import (
    Panel,
    draw_values,
    finish_image,
    image_panels,
    shaded_labels,
)
from umlpsd_gpu.analyses.curves.quantities.transport_models import MODELS
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.style import PALETTE

TITLE = "Maps of quantities"
CAPTION = (
    "Quantities that are valid in at least {share:.0%} of the curves; light grey: not valid there. "
    "Colours leave out extreme values, and are on a logarithmic scale where the others differ by "
    "more than a factor of 20. Errors are in curves.csv and in the maps as OME-TIFF."
)
LEAST_SHARE = 0.05
MOST_PANELS = 20
LINE_LENGTH = 30
MODEL = "transport_model"
# They say how other quantities were found, or repeat them
NOT_DRAWN = ("transport_support", "midgap", "edge_negative", "edge_positive")


def shown_quantities(study: CurveStudy) -> dict[str, Quantity]:
    """Return the quantities that are valid in enough curves to be drawn.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    dict of str to Quantity
    """
    least = max(1, LEAST_SHARE * np.count_nonzero(study.conditioned.is_usable))
    valid = {
        name: quantity
        for name, quantity in study.quantities.items()
        if np.count_nonzero(quantity.is_valid) >= least and name not in NOT_DRAWN
    }
    return dict(list(valid.items())[:MOST_PANELS])


def caption() -> str:
    """Return the caption.

    Returns
    -------
    str
    """
    return CAPTION.format(share=LEAST_SHARE)


def draw_quantity_maps(study: CurveStudy) -> Figure:
    """Draw a map of every quantity that is valid in enough curves.

    Parameters
    ----------
    study : CurveStudy
        With a grid.

    Returns
    -------
    Figure
    """
    shown = shown_quantities(study)
    figure, panels = image_panels(study, len(shown))
    for panel, (name, quantity) in zip(panels, shown.items(), strict=True):
        if name == MODEL:
            _draw_models(panel, study, quantity)
        else:
            values = np.where(quantity.is_valid, quantity.values, np.nan)
            title = "\n".join(textwrap.wrap(quantity.title, LINE_LENGTH))
            if np.nanmax(values) < 0:
                # so that a logarithmic scale is possible
                values, title = -values, f"−{title}"
            draw_values(panel, study, values, title, quantity.unit)
        panel[0].title.set_fontsize(8.5)
        finish_image(panel[0], study, with_bar=panel is panels[0])
    return figure


def _draw_models(panel: Panel, study: CurveStudy, quantity: Quantity) -> None:
    shape = study.map.shape
    assert shape is not None
    numbers = np.where(quantity.is_valid, quantity.values, -1).astype(int)
    names = {0: "none fits"} | {place: model.name for place, model in enumerate(MODELS, start=1)}
    present = [number for number in names if (numbers == number).any()]
    colours = {number: "#9a9a9a" if number == 0 else PALETTE[number - 1] for number in present}
    axes, key = panel
    axes.imshow(shaded_labels(numbers.reshape(shape), colours, None), interpolation="nearest")
    axes.set_title("Transport model")
    key.axis("off")
    handles = [
        Line2D([], [], linestyle="", marker="s", markersize=5, color=colours[n], label=names[n])
        for n in present
    ]
    key.legend(
        handles=handles,
        loc="upper center",
        ncols=2,
        fontsize=6.5,
        handletextpad=0.1,
        columnspacing=0.6,
        labelspacing=0.2,
        borderaxespad=0.1,
    )
