"""The plots of an explorer as Bokeh models; the scripts of the page fill them with data.

Names of models and columns are what the scripts look for. Colours are set there as well, because
they follow the reader's light or dark theme.
"""

from __future__ import annotations

import re
from typing import Any

from bokeh.document import Document
from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    ColumnDataSource,
    DataRange1d,
    HoverTool,
    PanTool,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from umlpsd_gpu.explorer.parts import Curves, Explorer, Panel

HEIGHT_MAP, HEIGHT = 440, 260
OUR_ID = re.compile(r"^p\d+$")


def plot_document(explorer: Explorer) -> Any:
    """Return the Bokeh document of all plots as JSON.

    Parameters
    ----------
    explorer : Explorer

    Returns
    -------
    dict
        As ``Document.from_json`` of BokehJS takes it; its roots have the names of the plots. The
        same explorer gives the same ids.
    """
    plots = [_map_plot(explorer), _histogram()]
    if explorer.labellings is not None:
        plots.append(_metric_plot())
    plots += [_panel_plot(panel, number) for number, panel in enumerate(explorer.panels)]
    document = Document(title="")
    for plot in plots:
        document.add_root(plot)
    return _with_own_ids(document.to_json(deferred=False))


def _with_own_ids(values: Any) -> Any:
    """Return plain values with Bokeh's ids, which count all models of a process, numbered anew."""
    numbers: dict[str, str] = {}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: numbers.setdefault(part, f"m{len(numbers) + 1}")
                if key == "id" and isinstance(part, str) and OUR_ID.match(part)
                else renamed(part)
                for key, part in value.items()
            }
        return [renamed(part) for part in value] if isinstance(value, list) else value

    return renamed(values)


def new_plot(name: str, height: int, **options: Any) -> Any:
    """Return an empty plot in the style of the pages.

    Parameters
    ----------
    name : str
        By which the scripts of a page find it.
    height : int
        In pixels; it is as wide as the page allows.
    **options
        Of `bokeh.plotting.figure`.

    Returns
    -------
    bokeh.plotting.figure
    """
    plot = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        toolbar_location="above",
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        **{"tools": [], "min_border": 4, **options},
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = False
    return plot


def named_source(name: str, *columns: str) -> ColumnDataSource:
    """Return empty columns, which the scripts of a page fill.

    Parameters
    ----------
    name : str
        By which the scripts find them.
    *columns : str

    Returns
    -------
    bokeh.models.ColumnDataSource
    """
    return ColumnDataSource({column: [] for column in columns}, name=name)


def _map_plot(explorer: Explorer) -> Any:
    """Return the picture with its items, or a plane of two values where there is no picture."""
    select = BoxSelectTool(renderers=[])
    on_picture = bool(explorer.pictures)
    ranges: dict[str, Any] = {}
    if on_picture:
        # equal scales, and the first row at the top
        ranges = {
            "match_aspect": True,
            "x_range": DataRange1d(range_padding=0),
            "y_range": DataRange1d(range_padding=0, flipped=True),
        }
    plot = new_plot(
        "map",
        HEIGHT_MAP,
        tools=[PanTool(), WheelZoomTool(), select, ResetTool(), SaveTool()],
        active_drag=select,
        x_axis_label=explorer.x_label,
        y_axis_label=explorer.y_label,
        **ranges,
    )
    plot.grid.visible = not on_picture
    image = named_source("map-image", "image", "x", "y", "dw", "dh")
    plot.image_rgba(
        "image", "x", "y", "dw", "dh", source=image, origin="bottom_left", name="picture"
    )
    if not explorer.is_pixels:
        plot.scatter(
            "x",
            "y",
            source=named_source("map-items", "x", "y", "colour", "alpha"),
            size=11,
            fill_color="colour",
            line_color="colour",
            fill_alpha=0.15,
            line_alpha="alpha",
            line_width=2,
        )
    plot.scatter(
        "x",
        "y",
        source=named_source("map-outliers", "x", "y"),
        size=7 if explorer.is_pixels else 17,
        fill_color=None,
        line_width=1.5,
        line_dash=[3, 2],
        name="accent",
    )
    for size, width, role in ((22, 5, "halo"), (22, 2.5, "ink")):
        plot.scatter(
            "x",
            "y",
            source=named_source(f"map-chosen-{role}", "x", "y"),
            marker="circle_cross" if explorer.is_pixels else "circle",
            size=size,
            fill_color=None,
            line_width=width,
            name=role,
        )
    return plot


def _histogram() -> Any:
    plot = new_plot(
        "histogram",
        HEIGHT,
        tools=[BoxSelectTool(dimensions="width", renderers=[]), ResetTool(), SaveTool()],
        y_axis_label="Number",
        y_range=DataRange1d(start=0),
    )
    for name, role in (("histogram-all", "soft"), ("histogram-brushed", "accent")):
        source = named_source(name, "left", "right", "top")
        plot.quad(
            "left", "right", "top", 0, source=source, line_color=None, fill_alpha=0.6, name=role
        )
    plot.add_layout(Span(dimension="height", line_width=2, name="histogram-chosen", location=None))
    return plot


def _metric_plot() -> Any:
    plot = new_plot(
        "metrics",
        HEIGHT,
        tools=[ResetTool(), SaveTool()],
        x_axis_label="Number of clusters K",
    )
    plot.xaxis.ticker.desired_num_ticks = 8
    plot.xaxis.ticker.mantissas = [1, 2, 5]
    others = named_source("metrics-others", "xs", "ys")
    plot.multi_line("xs", "ys", source=others, line_width=1, line_alpha=0.35, name="soft")
    chosen = named_source("metrics-chosen", "x", "y")
    plot.line("x", "y", source=chosen, line_width=2.5, name="ink")
    plot.scatter("x", "y", source=chosen, size=6, name="ink")
    at_k = named_source("metrics-k", "x", "y")
    plot.scatter("x", "y", source=at_k, size=13, fill_color=None, line_width=3, name="accent")
    return plot


def _panel_plot(panel: Panel, number: int) -> Any:
    zoom = BoxZoomTool()
    axis = "log" if panel.is_log else "linear"
    options: dict[str, Any] = {"x_axis_type": axis, "y_axis_type": axis}
    if panel.is_outline:
        options = {"match_aspect": True, "y_range": DataRange1d(flipped=True)}
    plot = new_plot(
        f"panel-{number}",
        HEIGHT,
        tools=[zoom, PanTool(), WheelZoomTool(), ResetTool(), SaveTool()],
        active_drag=zoom,
        x_axis_label=panel.x_label,
        y_axis_label=panel.y_label,
        **options,
    )
    hovered = []
    for place, curves in enumerate(panel.curves):
        label = {"legend_label": curves.name} if len(panel.curves) > 1 else {}
        label["name"] = _role(panel, place)
        drawn = _draw_curves(plot, curves, f"panel-{number}-{place}", label)
        if curves.kind != "band":
            hovered.append(drawn)
    tips = [(panel.x_label, "@x{0.0000a}"), (panel.y_label, "@y{0.0000a}")]
    plot.add_tools(HoverTool(renderers=hovered, tooltips=tips, mode="mouse"))
    if len(panel.curves) > 1:
        plot.legend.click_policy = "hide"
        plot.legend.background_fill_alpha = 0
        plot.legend.border_line_color = None
        plot.legend.padding = 2
        plot.legend.label_text_font_size = "11px"
    return plot


def _role(panel: Panel, place: int) -> str:
    """Return which colour a curve has: of its component, of the item's cluster, or of a fit."""
    curves = panel.curves[place]
    if curves.parts is not None and len(panel.curves) > 1:
        return f"part-{place}" if place else "ink"
    is_last = place == len(panel.curves) - 1 and len(panel.curves) > 1
    return "accent" if is_last or curves.kind == "band" else "cluster"


def _draw_curves(plot: Any, curves: Curves, name: str, label: dict[str, str]) -> Any:
    if curves.kind == "band":
        source = named_source(name, "x", "y", "top")
        return plot.varea("x", "y", "top", source=source, fill_alpha=0.25, **label)
    source = named_source(name, "x", "y")
    if curves.kind == "points":
        return plot.scatter("x", "y", source=source, size=5, **label)
    return plot.line("x", "y", source=source, line_width=1.3, **label)
