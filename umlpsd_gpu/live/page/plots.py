"""The plots of the live page as Bokeh models without data; the scripts of the page fill them."""

from __future__ import annotations

from typing import Any

from bokeh.document import Document
from bokeh.models import (
    BoxZoomTool,
    DataRange1d,
    HoverTool,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)

from umlpsd_gpu.report.plots import named_source, new_plot

HEIGHT, MAP_HEIGHT = 230, 420


def plot_documents() -> dict[str, Any]:
    """Return each plot as a Bokeh document of its own, so that it can wait for its data.

    Returns
    -------
    dict
        By the name of the plot; as ``Document.from_json`` of BokehJS takes it.
    """
    plots = [
        _map(),
        _curve("trace", "Time (s)", "Intensity (counts)"),
        _curve("processed", "Time (s)", "Intensity, scaled to 0…1"),
        _spectrum(),
        _probability(),
        _metrics(),
        _mean_traces(),
        _cluster_spectra(),
        _betas(),
    ]
    return {plot.name: _document(plot) for plot in plots}


def _document(plot: Any) -> Any:
    document = Document(title="")
    document.add_root(plot)
    return document.to_json(deferred=False)


def _zoomable(name: str, x_label: str, y_label: str, **options: Any) -> Any:
    """Return a plot whose zoom stays when its data change, until it is reset."""
    zoom = BoxZoomTool()
    return new_plot(
        name,
        HEIGHT,
        tools=[zoom, PanTool(), WheelZoomTool(), ResetTool(), SaveTool()],
        active_drag=zoom,
        x_axis_label=x_label,
        y_axis_label=y_label,
        **options,
    )


def _map() -> Any:
    plot = new_plot(
        "map",
        MAP_HEIGHT,
        tools=[pan := PanTool(), WheelZoomTool(), ResetTool(), SaveTool()],
        active_drag=pan,
        x_axis_label="column (px)",
        y_axis_label="row (px)",
        match_aspect=True,
        x_range=DataRange1d(range_padding=0),
        # the first row at the top
        y_range=DataRange1d(range_padding=0, flipped=True),
    )
    plot.grid.visible = False
    image = named_source("map-image", "image", "x", "y", "dw", "dh")
    plot.image_rgba("image", "x", "y", "dw", "dh", source=image, origin="bottom_left")
    pixels = named_source("map-pixels", "x", "y", "colour")
    plot.rect("x", "y", 1, 1, source=pixels, fill_color="colour", line_color=None, fill_alpha=0.8)
    plot.scatter(
        "x",
        "y",
        source=named_source("map-emitters", "x", "y", "colour"),
        size=11,
        fill_color="colour",
        line_color="colour",
        fill_alpha=0.15,
        line_width=2,
    )
    for width, role in ((5, "halo"), (2.5, "ink")):
        plot.scatter(
            "x",
            "y",
            source=named_source(f"map-chosen-{role}", "x", "y"),
            size=22,
            fill_color=None,
            line_width=width,
            name=role,
        )
    return plot


def _curve(name: str, x_label: str, y_label: str) -> Any:
    plot = _zoomable(name, x_label, y_label)
    drawn = plot.line(
        "x", "y", source=named_source(f"{name}-data", "x", "y"), line_width=1.3, name="cluster"
    )
    plot.add_tools(_tips([drawn], x_label, y_label))
    return plot


def _tips(renderers: list[Any], x_label: str, y_label: str, *more: tuple[str, str]) -> HoverTool:
    tips = [*more, (x_label, "$x{0.0000a}"), (y_label, "$y{0.0000a}")]
    return HoverTool(renderers=renderers, tooltips=tips, mode="mouse")


def _spectrum() -> Any:
    x_label, y_label = "Frequency (Hz)", "PSD (counts²/Hz)"
    plot = _zoomable("spectrum", x_label, y_label, x_axis_type="log", y_axis_type="log")
    band = named_source("spectrum-band", "x", "y", "top")
    plot.varea("x", "y", "top", source=band, fill_alpha=0.25, name="accent")
    points = named_source("spectrum-points", "x", "y")
    drawn = plot.scatter("x", "y", source=points, size=5, name="cluster")
    fit = named_source("spectrum-fit", "x", "y")
    plot.line("x", "y", source=fit, line_width=1.6, name="accent")
    plot.add_tools(_tips([drawn], x_label, y_label))
    return plot


def _probability() -> Any:
    x_label, y_label = "Time of the movie (s)", "Probability of K"
    # room for the names of K at both ends and above a probability of 1
    ranges = {"x_range": DataRange1d(range_padding=0.2), "y_range": Range1d(start=0, end=1.15)}
    plot = _zoomable("probability", x_label, y_label, **ranges)
    curve = named_source("probability-data", "x", "y", "k")
    plot.line("x", "y", source=curve, line_width=1.6, name="cluster")
    drawn = plot.scatter("x", "y", source=curve, size=5, name="cluster")
    changes = named_source("probability-k", "x", "y", "text")
    plot.scatter("x", "y", source=changes, size=11, fill_color=None, line_width=2.5, name="accent")
    plot.text(
        "x",
        "y",
        "text",
        source=changes,
        y_offset=-9,
        text_align="center",
        text_font_size="12px",
        name="ink-text",
    )
    plot.add_tools(_tips([drawn], "Time (s)", "Probability", ("K", "@k")))
    return plot


def _metrics() -> Any:
    plot = _zoomable("metrics", "Number of clusters K", "")
    plot.xaxis.ticker.min_interval = 1
    curve = named_source("metrics-data", "x", "y")
    plot.line("x", "y", source=curve, line_width=2, name="cluster")
    drawn = plot.scatter("x", "y", source=curve, size=6, name="cluster")
    at_k = named_source("metrics-k", "x", "y")
    plot.scatter("x", "y", source=at_k, size=13, fill_color=None, line_width=3, name="accent")
    plot.add_tools(_tips([drawn], "K", "Value"))
    return plot


def _lines(plot: Any, name: str) -> Any:
    source = named_source(f"{name}-data", "xs", "ys", "colour", "cluster")
    return plot.multi_line("xs", "ys", source=source, line_color="colour", line_width=2)


def _mean_traces() -> Any:
    x_label, y_label = "Time (s)", "Mean of scaled traces"
    plot = _zoomable("mean-traces", x_label, y_label)
    drawn = _lines(plot, "mean-traces")
    plot.add_tools(_tips([drawn], x_label, y_label, ("Cluster", "@cluster")))
    return plot


def _cluster_spectra() -> Any:
    x_label, y_label = "Frequency (Hz)", "PSD (counts²/Hz)"
    plot = _zoomable("cluster-spectra", x_label, y_label, x_axis_type="log", y_axis_type="log")
    bands = named_source("cluster-bands", "xs", "ys", "colour", "cluster")
    plot.patches("xs", "ys", source=bands, fill_color="colour", fill_alpha=0.25, line_color=None)
    drawn = _lines(plot, "cluster-spectra")
    plot.add_tools(_tips([drawn], x_label, y_label, ("Cluster", "@cluster")))
    return plot


def _betas() -> Any:
    plot = _zoomable("betas", "Time of the movie (s)", "⟨β⟩")
    bars = named_source("betas-bars", "x", "low", "high", "colour")
    plot.segment(
        "x", "low", "x", "high", source=bars, line_color="colour", line_width=1.5, line_alpha=0.6
    )
    lines = named_source("betas-lines", "xs", "ys", "colour")
    plot.multi_line("xs", "ys", source=lines, line_color="colour", line_width=2)
    points = named_source("betas-data", "x", "y", "colour")
    drawn = plot.scatter("x", "y", source=points, size=6, fill_color="colour", line_color="colour")
    plot.add_tools(_tips([drawn], "Time (s)", "⟨β⟩"))
    return plot
