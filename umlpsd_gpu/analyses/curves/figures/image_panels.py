"""Images of a map of curves, each with its key below, in rows of four."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from umlpsd_gpu.analyses.curves.map_files import pixel_size_m
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.scale_bar import round_below
from umlpsd_gpu.plotting.si_units import si_scale, si_text

# an image, and its colour bar or legend below
Panel = tuple[Axes, Axes]

OUTSIDE = "#e4e4e4"  # wherever a value is not defined
# inches
FULL_WIDTH, GAP, MOST_HEIGHT, LEAST_HEIGHT = 10.0, 0.24, 3.2, 0.5
TITLE_HEIGHT, KEY_GAP, KEY_HEIGHT, TICKS_HEIGHT, KEY_INSET = 0.42, 0.07, 0.09, 0.34, 0.14
LEAST_ROWS_WITH_BAR = 6
# A quantity whose 1 % and 99 % quantiles differ by more than this factor has a logarithmic scale.
LARGE_RANGE = 20.0
TAILS = 4.0


def image_panels(study: CurveStudy, n_panels: int, n_cols: int = 4) -> tuple[Figure, list[Panel]]:
    """Return a figure with images and their keys.

    Parameters
    ----------
    study : CurveStudy
        With a grid.
    n_panels : int
    n_cols : int
        Panels in a row.

    Returns
    -------
    figure, panels
    """
    assert study.map.shape is not None
    rows, cols = study.map.shape
    size = pixel_size_m(study.map) or (1.0, 1.0)
    n_cols = min(n_cols, n_panels)
    width = FULL_WIDTH / n_cols - GAP
    height = width * rows * size[1] / (cols * size[0])
    height, width = min(max(height, LEAST_HEIGHT), MOST_HEIGHT), width
    row_height = TITLE_HEIGHT + height + KEY_GAP + KEY_HEIGHT + TICKS_HEIGHT
    n_rows = -(-n_panels // n_cols)
    full_height = n_rows * row_height
    figure = Figure(figsize=(FULL_WIDTH, full_height))

    def axes_at(left: float, top: float, width: float, height: float) -> Axes:
        bottom = full_height - top - height
        place = left / FULL_WIDTH, bottom / full_height, width / FULL_WIDTH, height / full_height
        return figure.add_axes(place)

    panels = []
    for place in range(n_panels):
        row, col = divmod(place, n_cols)
        left, top = GAP / 2 + col * (width + GAP), row * row_height + TITLE_HEIGHT
        below = top + height + KEY_GAP
        key = axes_at(left + KEY_INSET, below, width - 2 * KEY_INSET, KEY_HEIGHT)
        panels.append((axes_at(left, top, width, height), key))
    return figure, panels


def finish_image(axes: Axes, study: CurveStudy, with_bar: bool = True) -> None:
    """Set the aspect of an image, remove its ticks and draw a scale bar.

    Parameters
    ----------
    axes : Axes
    study : CurveStudy
    with_bar : bool
    """
    assert study.map.shape is not None
    size = pixel_size_m(study.map)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_aspect(1.0 if size is None else size[1] / size[0])
    if with_bar and size is not None and study.map.shape[0] >= LEAST_ROWS_WITH_BAR:
        _draw_scale_bar(axes, study.map.shape, size[0])


def draw_values(
    panel: Panel,
    study: CurveStudy,
    values: np.ndarray,
    title: str,
    unit: str = "",
    cmap: str = "viridis",
    limits: tuple[float | None, float | None] = (None, None),
    may_be_log: bool = True,
) -> None:
    """Draw values of all pixels as an image with a colour bar.

    Parameters
    ----------
    panel : (Axes, Axes)
    study : CurveStudy
    values : ndarray, shape (n_curves,)
        NaN where not defined.
    title, unit : str
    cmap : str
    limits : (float or None, float or None)
        Of the colours, in ``unit``. Default: the 1 % and 99 % quantiles, but at most four times the
        distance of the quartiles beyond these: a few extreme pixels must not hide the differences
        between the others.
    may_be_log : bool
        Whether the scale is logarithmic where the quantiles differ by a factor of 20.
    """
    assert study.map.shape is not None
    axes, key = panel
    factor, unit = si_scale(values, unit)
    image = factor * values.reshape(study.map.shape).astype(np.float64)
    known = image[np.isfinite(image)]
    quantiles = np.percentile(known, [1, 99]) if known.size else np.array([0.0, 1.0])
    free = may_be_log and limits == (None, None)
    is_log = bool(free and quantiles[0] > 0 and quantiles[1] > LARGE_RANGE * quantiles[0])
    if known.size and not is_log:
        quantiles = _without_tails(known, quantiles)
    low, high = (
        float(found if given is None else factor * given)
        for found, given in zip(quantiles, limits, strict=True)
    )
    high = high if high > low else low + max(1e-3, 1e-3 * abs(low))
    drawn = axes.imshow(
        image,
        cmap=matplotlib.colormaps[cmap].with_extremes(bad=OUTSIDE),
        norm=LogNorm(low, high) if is_log else Normalize(low, high),
        interpolation="nearest",
    )
    axes.set_title(f"{title} ({unit})" if unit else title)
    assert axes.figure is not None
    bar = axes.figure.colorbar(drawn, cax=key, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=7)
    bar.locator = MaxNLocator(4)
    if is_log:
        bar.locator = LogLocator(subs=(1.0, 3.0) if high < 300 * low else (1.0,), numticks=5)
        if high < 300 * low:
            bar.formatter = StrMethodFormatter("{x:g}")
    bar.update_ticks()
    bar.ax.xaxis.set_minor_locator(NullLocator())


def _without_tails(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the ends of the colours, at most `TAILS` times the quartiles' distance beyond them."""
    lower, upper = np.percentile(values, [25, 75])
    reach = TAILS * (upper - lower)
    if reach == 0:
        return ends
    return np.array([max(ends[0], lower - reach), min(ends[1], upper + reach)])


def shaded_labels(
    labels: np.ndarray, colours: dict[int, Any], height: np.ndarray | None
) -> np.ndarray:
    """Return an image of labels whose brightness follows the topography.

    Parameters
    ----------
    labels : ndarray, shape (n_rows, n_cols), int
    colours : dict of int to colour
    height : ndarray, shape (n_rows, n_cols), or None

    Returns
    -------
    ndarray, shape (n_rows, n_cols, 3)
    """
    image = np.empty((*labels.shape, 3))
    image[:] = to_rgb(OUTSIDE)
    for label, colour in colours.items():
        image[labels == label] = to_rgb(colour)
    if height is None or not np.isfinite(height).any():
        return image
    low, high = np.nanpercentile(height, [2, 98])
    shade = np.clip((height - low) / (high - low), 0, 1) if high > low else np.ones(height.shape)
    shade = np.where(np.isfinite(shade), shade, 1.0)
    # from 60 % of the brightness in valleys to a tenth of white on hills
    dark = image * (0.6 + 0.4 * shade[:, :, None])
    shaded: np.ndarray = dark + 0.12 * shade[:, :, None] * (1 - dark)
    return shaded


def _draw_scale_bar(axes: Axes, shape: tuple[int, int], pixel_m: float) -> None:
    n_rows, n_cols = shape
    length_m = round_below(0.25 * n_cols * pixel_m)
    length, thick = length_m / pixel_m, 0.02 * n_rows
    # pixel centres are whole numbers, so that the image ends half a pixel before its size
    left, top = 0.96 * n_cols - 0.5 - length, 0.94 * n_rows - 0.5 - thick
    edge = [withStroke(linewidth=1.4, foreground="white")]
    axes.add_patch(Rectangle((left, top), length, thick, facecolor="black", path_effects=edge))
    axes.text(
        left + length,
        top - 0.02 * n_rows,
        si_text(length_m, "m"),
        fontweight="bold",
        fontsize=7.5,
        ha="right",
        va="bottom",
        path_effects=edge,
    )
