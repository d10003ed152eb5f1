"""Figure: maps of a crystal assembly: clusters, exponents and Pearson correlations."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.blinking.figures.images import draw_scale_bar
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.maps.images import image_of
from umlpsd_gpu.maps.result import AssemblyMaps
from umlpsd_gpu.plotting.style import cluster_colour

# an image, and its colour bar or legend below
Panel = tuple[Axes, Axes]

TITLE = "Maps of the assembly"
OUTSIDE = "#e4e4e4"  # of the mask, and wherever a value is not defined
SMALL_DOMAINS = "#9a9a9a"
# [I] Pearson domains below this share of the pixels are drawn alike: there may be thousands
SMALL_SHARE = 0.01
MARGIN_PX = 1
MOST_NAMED = 8
# inches
WIDTH, GAP, LEAST_HEIGHT = 2.3, 0.24, 0.3
KEY_INSET = 0.12  # the last number of one colour bar must not meet the first of the next
TITLE_HEIGHT, KEY_GAP, KEY_HEIGHT, TICKS_HEIGHT = 0.3, 0.07, 0.09, 0.3
LEAST_ROWS_WITH_BAR = 6  # in a lower image a scale bar would cover the pixels
BAR_COLOURS = "black", "white"  # white is invisible on the grey outside the mask
LEAST_UNCERTAINTY = 0.05  # of a scale, where every pixel is certain
SWATCH: dict[str, Any] = {"linestyle": "", "marker": "s", "markersize": 6}
LEGEND: dict[str, Any] = {"handletextpad": 0.2, "columnspacing": 0.9, "borderaxespad": 0.3}


def caption(maps: AssemblyMaps) -> str:
    """Return the caption.

    Parameters
    ----------
    maps : AssemblyMaps

    Returns
    -------
    str
    """
    return (
        "Top: K-means clusters, then exponent β, silhouette and label uncertainty of every pixel. "
        "Bottom: domains of neighbouring pixels with a Pearson correlation (PCC) ≥ "
        f"{maps.threshold:g}, in the colour of the cluster with which they share most pixels (dark "
        f"grey: domains below {SMALL_SHARE:.0%} of the pixels); mean PCC with the neighbours; PCC "
        "with the pixel marked ×, for raw traces and for traces without their trend (moving "
        f"average over {maps.detrend_frames} frames). Light grey: outside the mask, or not defined."
    )


def draw_maps(study: Study) -> Figure:
    """Draw the maps, cropped to the mask.

    Parameters
    ----------
    study : Study
        With maps.

    Returns
    -------
    Figure
    """
    maps = study.maps
    assert maps is not None
    n_rows, n_cols = _crop(study, np.ones(study.traces.n_traces)).shape
    height = min(max(WIDTH * n_rows / n_cols, LEAST_HEIGHT), 2 * WIDTH)
    figure, panels = _grid(height)
    _draw_clusters(panels[:4], study)
    _draw_pearson(panels[4:], study, maps)
    for axes, _ in panels:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_aspect("auto" if height == LEAST_HEIGHT else "equal")
        if maps.pixel_size_um is not None and n_rows >= LEAST_ROWS_WITH_BAR:
            draw_scale_bar(axes, (n_rows, n_cols), maps.pixel_size_um, BAR_COLOURS, fontsize=7.5)
    return figure


def _grid(height: float) -> tuple[Figure, list[Panel]]:
    """Return two rows of four panels, each an image with its key right below."""
    row_height = TITLE_HEIGHT + height + KEY_GAP + KEY_HEIGHT + TICKS_HEIGHT
    full_width, full_height = 4 * (WIDTH + GAP), 2 * row_height
    figure = Figure(figsize=(full_width, full_height))

    def axes_at(left: float, top: float, width: float, height: float) -> Axes:
        bottom = full_height - top - height
        place = left / full_width, bottom / full_height, width / full_width, height / full_height
        return figure.add_axes(place)

    panels = []
    for row in range(2):
        for col in range(4):
            left, top = GAP / 2 + col * (WIDTH + GAP), row * row_height + TITLE_HEIGHT
            below = top + height + KEY_GAP
            key = axes_at(left + KEY_INSET, below, WIDTH - 2 * KEY_INSET, KEY_HEIGHT)
            panels.append((axes_at(left, top, WIDTH, height), key))
    return figure, panels


def _draw_clusters(panels: list[Panel], study: Study) -> None:
    _draw_labels(panels[0], study, study.labels, "K-means clusters")
    _draw_values(panels[1], study, study.fit.beta, "Exponent β", "viridis")
    _draw_values(panels[2], study, study.silhouette, "Silhouette", "cividis", top=1)
    uncertainty = study.label_uncertainty
    top = max(LEAST_UNCERTAINTY, np.nanmax(np.append(uncertainty, 0)))
    _draw_values(panels[3], study, uncertainty, "Label uncertainty", "magma", 0, float(top))


def _draw_pearson(panels: list[Panel], study: Study, maps: AssemblyMaps) -> None:
    domains = _number_like_clusters(maps.raw.domains_neighbours, study.labels)
    _draw_labels(panels[0], study, domains, f"Pearson domains, PCC ≥ {maps.threshold:g}")
    correlations = {
        "PCC with neighbours": maps.raw.neighbours,
        "PCC with pixel ×": maps.raw.reference,
        "PCC with pixel ×, detrended": maps.detrended.reference,
    }
    # one scale for all; 0.999 is used if no correlation is defined
    low = float(np.nanmin(np.append(np.concatenate(list(correlations.values())), 0.999)))
    for panel, (title, values) in zip(panels[1:], correlations.items(), strict=True):
        _draw_values(panel, study, values, title, "inferno", low, 1)
        if "×" in title:
            _mark_reference(panel[0], study, maps.reference_index)


def _corner(study: Study) -> tuple[int, int, int, int]:
    """Return the rows and columns to show: first, and one after the last."""
    assert study.maps is not None
    ends = []
    for places, n in zip((study.traces.rows, study.traces.cols), study.maps.shape, strict=True):
        ends += [max(0, int(places.min()) - MARGIN_PX), min(n, int(places.max()) + MARGIN_PX + 1)]
    return ends[0], ends[1], ends[2], ends[3]


def _crop(study: Study, values: np.ndarray) -> np.ndarray:
    assert study.maps is not None
    top, bottom, left, right = _corner(study)
    image = image_of(values, study.traces.rows, study.traces.cols, study.maps.shape)
    return image[top:bottom, left:right]


def _draw_values(
    panel: Panel,
    study: Study,
    values: np.ndarray,
    title: str,
    cmap: str,
    bottom: float | None = None,
    top: float | None = None,
) -> None:
    image = _crop(study, np.asarray(values, dtype=np.float64))
    shown = image[np.isfinite(image)]
    # a few extreme pixels must not hide the differences between the others
    low, high = np.percentile(shown, [1, 99]) if shown.size else (0.0, 1.0)
    low, high = (low if bottom is None else bottom), (high if top is None else top)
    axes, key = panel
    drawn = axes.imshow(
        image,
        cmap=matplotlib.colormaps[cmap].with_extremes(bad=OUTSIDE),
        vmin=low,
        vmax=max(high, low + 1e-3),
        interpolation="nearest",
    )
    axes.set_title(title)
    assert axes.figure is not None
    bar = axes.figure.colorbar(drawn, cax=key, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=7)
    bar.locator = MaxNLocator(4)
    bar.update_ticks()


def _draw_labels(panel: Panel, study: Study, labels: np.ndarray, title: str) -> None:
    """Draw numbered areas; small areas have negative numbers and one grey."""
    image = _crop(study, labels.astype(np.int64))
    colours = np.empty((*image.shape, 3))
    colours[:] = to_rgb(OUTSIDE)
    colours[image < 0] = to_rgb(SMALL_DOMAINS)
    numbers = np.unique(image[image > 0]).tolist()
    for number in numbers:
        colours[image == number] = cluster_colour(number)
    axes, key = panel
    axes.imshow(colours, interpolation="nearest")
    axes.set_title(title)
    handles = [
        Line2D([], [], color=cluster_colour(number), label=str(number), **SWATCH)
        for number in numbers[:MOST_NAMED]
    ]
    if (image < 0).any():
        handles.append(Line2D([], [], color=SMALL_DOMAINS, label="small", **SWATCH))
    key.axis("off")
    key.legend(handles=handles, loc="upper center", ncols=min(5, max(1, len(handles))), **LEGEND)


def _number_like_clusters(domains: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give large domains the number of the cluster with most common pixels; small ones −1."""
    sizes = np.bincount(domains)
    least = max(2, SMALL_SHARE * np.count_nonzero(domains))
    small = (sizes[domains] < least) & (domains > 0)
    large = (domains > 0) & ~small & (labels > 0)
    numbered = np.where(small, -1, 0)
    if large.any():
        _, compact = np.unique(domains[large], return_inverse=True)
        numbered[large] = 1 + match_labels(compact, labels[large].astype(np.intp) - 1)
    return numbered


def _mark_reference(axes: Axes, study: Study, reference: int) -> None:
    top, _, left, _ = _corner(study)
    axes.plot(
        study.traces.cols[reference] - left,
        study.traces.rows[reference] - top,
        marker="x",
        color="white",
        markersize=7,
        markeredgewidth=1.8,
        path_effects=[withStroke(linewidth=3.4, foreground="black")],
    )
