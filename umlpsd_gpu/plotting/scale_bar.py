"""Images with their scales: a bar of a round length, in the sample or among frequencies."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from umlpsd_gpu.plotting.si_units import si_text

BAR_SHARE, BAR_MARGIN, BAR_THICKNESS = 0.3, 0.05, 0.018


def round_below(value: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not larger than a value.

    Parameters
    ----------
    value : float
        Positive.

    Returns
    -------
    float
    """
    decade = 10.0 ** np.floor(np.log10(value))
    return float(decade * max(m for m in (1, 2, 5) if m * decade <= value * (1 + 1e-9)))


def draw_scale_bar(axes: Axes, shape: tuple[int, int], per_pixel: float, text: str) -> None:
    """Draw a scale bar at the lower right of an image.

    Parameters
    ----------
    axes : Axes
    shape : (n_rows, n_columns)
        Of the image.
    per_pixel : float
        Length of a pixel in the unit of the text.
    text : str
        With a place for the length, as ``"{:g} 1/nm"``; or ``"m"``: a length in metres.
    """
    n_rows, n_columns = shape
    length = round_below(BAR_SHARE * n_columns * per_pixel)
    width, height = length / per_pixel, BAR_THICKNESS * n_rows
    left = (1 - BAR_MARGIN) * n_columns - width
    top = (1 - BAR_MARGIN) * n_rows - height
    edge = [withStroke(linewidth=1.6, foreground="black")]
    axes.add_patch(
        Rectangle((left, top), width, height, facecolor="white", edgecolor="black", linewidth=0.5)
    )
    axes.text(
        left + width / 2,
        top - 0.01 * n_rows,
        si_text(length, "m") if text == "m" else text.format(length),
        color="white",
        fontsize=8,
        fontweight="bold",
        ha="center",
        va="bottom",
        path_effects=edge,
    )


def bare(axes: Axes) -> None:
    """Remove ticks and frame of an image.

    Parameters
    ----------
    axes : Axes
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
