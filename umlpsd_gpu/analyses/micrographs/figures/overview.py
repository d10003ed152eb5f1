"""Figure: the micrograph, and which component prevails where."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.plotting.scale_bar import bare, draw_scale_bar
from umlpsd_gpu.plotting.style import cluster_colour

TITLE = "Micrograph and local spectra"
WIDTH, TITLE_HEIGHT, LEGEND_HEIGHT = 10.0, 0.35, 0.25
# Most pixels of the shown image along a side
MOST_SHOWN = 1200
PERCENTILES = 0.5, 99.5


def caption(study: MicrographStudy) -> str:
    """Return the caption.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    str
    """
    first = "The image without its data bar" if study.micrograph.n_bar_rows else "The image"
    if study.k == 1:
        return f"{first}. Its spectrum is the same everywhere."
    return (
        f"{first}, and the component with the largest share in each window, the paler the smaller "
        "its share. Each window is drawn at its centre."
    )


def draw_overview(study: MicrographStudy) -> Figure:
    """Draw the micrograph and the prevailing component of each window.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    Figure
    """
    image = study.micrograph.image
    n_panels = 1 + (study.k > 1)
    height = WIDTH / 2 * image.shape[0] / image.shape[1] + TITLE_HEIGHT + LEGEND_HEIGHT
    below = LEGEND_HEIGHT / height
    layout = ConstrainedLayoutEngine(compress=True, rect=(0, below, 1, 1 - below))
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    panels = figure.subplots(1, 2, squeeze=False)[0]
    _draw_image(panels[0], study)
    panels[0].set_title("Image")
    if n_panels == 2:
        _draw_prevailing(panels[1], study)
    else:
        panels[1].axis("off")
    return figure


def _draw_image(axes: Axes, study: MicrographStudy) -> None:
    image = study.micrograph.image
    stride = -(-max(image.shape) // MOST_SHOWN)
    low, high = np.percentile(image[::stride, ::stride], PERCENTILES)
    axes.imshow(
        image[::stride, ::stride],
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=(0, image.shape[1], image.shape[0], 0),
    )
    bare(axes)
    size = study.micrograph.pixel_size_m
    if size is None:
        draw_scale_bar(axes, image.shape, 1.0, "{:g} px")
    else:
        draw_scale_bar(axes, image.shape, size, "m")


def _draw_prevailing(axes: Axes, study: MicrographStudy) -> None:
    shares = study.maps / np.maximum(study.maps.sum(axis=0), np.finfo(float).tiny)
    prevailing = shares.argmax(axis=0)
    largest = shares.max(axis=0)[:, :, None]
    colours = np.array([to_rgb(cluster_colour(number + 1)) for number in range(study.k)])
    # from white where no component prevails to the full colour where one is alone
    least = 1 / study.k
    depth = np.clip((largest - least) / (1 - least), 0, 1)
    shown = 1 - depth * (1 - colours[prevailing])
    own = study.settings.micrograph
    first = (own.window - own.step_px) / 2
    n_rows, n_columns = study.grid
    image = study.micrograph.image
    right, bottom = first + n_columns * own.step_px, first + n_rows * own.step_px
    axes.imshow(shown, interpolation="nearest", extent=(first, right, bottom, first))
    axes.set_xlim(0, image.shape[1])
    axes.set_ylim(image.shape[0], 0)
    axes.set_aspect("equal")
    bare(axes)
    axes.set_title("Prevailing component")
    handles = [
        Line2D([], [], linestyle="", marker="s", color=cluster_colour(n + 1), label=str(n + 1))
        for n in range(study.k)
    ]
    legend = axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=study.k,
        handletextpad=0.1,
        borderaxespad=0.2,
    )
    # in the layout it would make this panel smaller than the image
    legend.set_in_layout(False)
