"""The curves of one item as a figure."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.items.item import Curve, Item
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.plotting.decimate import decimate_line
from umlpsd_gpu.plotting.publication import (
    FORMATS,
    JOURNALS,
    MM_PER_INCH,
    publication_style,
    render_vector,
)
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour

PANEL_MM = 42.0
# Lines beside the item's own are as many at most
DASHES = ("--", ":", "-.", (0, (1, 3)))


def render_item(item: Item, file_name: str | Path) -> bytes:
    """Return a figure of the curves of an item, at the width of a column.

    Parameters
    ----------
    item : Item
    file_name : path
        Its suffix says the format: ``.pdf`` or ``.svg``.

    Returns
    -------
    bytes

    Raises
    ------
    SettingsError
        If the item has no curves, or the suffix is another one.
    """
    file_format = Path(file_name).suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        raise SettingsError(
            f"{file_name} must end with {' or '.join(f'.{known}' for known in FORMATS)}"
        )
    if not item.curves:
        raise SettingsError(f"{item.title} has no curve to draw; leave --out away")
    journal = JOURNALS["nature"]
    with publication_style(journal):
        size_mm = journal.double_mm if len(item.curves) > 1 else journal.single_mm
        figure = Figure(
            figsize=(size_mm / MM_PER_INCH, PANEL_MM * 1.15 / MM_PER_INCH), layout="constrained"
        )
        panels = figure.subplots(1, len(item.curves), squeeze=False)[0]
        colour = cluster_colour(item.cluster) if item.cluster else FLAGGED
        for axes, curve in zip(panels, item.curves, strict=True):
            _draw_curve(axes, curve, colour)
        cluster = f", cluster {item.cluster}" if item.cluster else ""
        figure.suptitle(f"{item.title}{cluster}", parse_math=False)
        return render_vector(figure, file_format)


def _draw_curve(axes: Axes, curve: Curve, colour: tuple[float, float, float] | str) -> None:
    if curve.is_logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    # drawn as pixels, a trace of a million frames is a small file
    line = decimate_line(curve.x, curve.y)
    axes.plot(*line, color=colour, linewidth=0.6, label=curve.name, rasterized=len(line[0]) > 4000)
    for (name, x, y), dashes in zip(curve.others, DASHES * len(curve.others), strict=False):
        axes.plot(*decimate_line(x, y), color="0.25", linewidth=0.7, linestyle=dashes, label=name)
    axes.set_xlabel(curve.x_label)
    axes.set_ylabel(curve.y_label)
    axes.set_title(curve.title)
    if curve.others:
        axes.legend()
