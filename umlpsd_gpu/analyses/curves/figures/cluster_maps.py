"""Figure: clusters over the topography, and how sure they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from umlpsd_gpu.analyses.curves.figures.image_panels import (
    OUTSIDE,
    Panel,
    draw_values,
    finish_image,
    image_panels,
    shaded_labels,
)
from umlpsd_gpu.analyses.curves.figures.summary_curves import cluster_sizes
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.style import cluster_colour

TITLE = "Clusters on the sample"
SATURATED, OUTLIER = "#b0b0b0", "black"
MOST_NAMED = 8
LEAST_UNCERTAINTY = 0.05  # of a scale, where every pixel is certain
SWATCH: dict[str, Any] = {"linestyle": "", "marker": "s", "markersize": 6}
LEGEND: dict[str, Any] = {
    "handletextpad": 0.0,
    "columnspacing": 0.5,
    "borderaxespad": 0.2,
    "fontsize": 7.5,
}


def caption(study: CurveStudy) -> str:
    """Return the caption.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    str
    """
    first = "Clusters of the pixels"
    if study.map.height is not None:
        first += ", brighter where the sample is higher, and the topography"
    if study.clustering.labels.max() > 1:
        first += "; silhouette and label uncertainty of every pixel"
    return (
        f"{first}; outliers (black) and curves "
        "that are saturated in a part (grey). Light grey: not clustered."
    )


def draw_cluster_maps(study: CurveStudy) -> Figure:
    """Draw the maps of clusters, topography, silhouette, label uncertainty and flags.

    Parameters
    ----------
    study : CurveStudy
        With a grid.

    Returns
    -------
    Figure
    """
    clustering, height = study.clustering, study.map.height
    has_height = height is not None and bool(np.isfinite(height).any())
    is_divided = bool(clustering.labels.max() > 1)
    n_panels = 2 + has_height + 2 * is_divided
    figure, panels = image_panels(study, n_panels, n_cols=4 if n_panels == 4 else 3)
    left = iter(panels)
    _draw_clusters(next(left), study)
    if has_height:
        assert height is not None
        above_lowest = height - np.nanmin(height)
        draw_values(next(left), study, above_lowest, "Topography", "m", "gray", may_be_log=False)
    if is_divided:
        limits = None, 1.0
        draw_values(next(left), study, clustering.silhouette, "Silhouette", "", "cividis", limits)
        uncertainty = clustering.label_uncertainty
        top = max(LEAST_UNCERTAINTY, float(np.nanmax(np.append(uncertainty, 0))))
        draw_values(next(left), study, uncertainty, "Label uncertainty", "", "magma", (0.0, top))
    _draw_flags(next(left), study)
    for axes, _ in panels:
        finish_image(axes, study)
    return figure


def _draw_clusters(panel: Panel, study: CurveStudy) -> None:
    shape, height = study.map.shape, study.map.height
    assert shape is not None
    colours = {cluster: cluster_colour(cluster) for cluster in cluster_sizes(study)}
    labels = study.clustering.labels.reshape(shape)
    relief = None if height is None else height.reshape(shape)
    axes, key = panel
    axes.imshow(shaded_labels(labels, colours, relief), interpolation="nearest")
    axes.set_title(f"Clusters, {study.clustering.decision.scale}")
    named = {str(cluster): colour for cluster, colour in list(colours.items())[:MOST_NAMED]}
    _draw_key(key, named | ({"none": OUTSIDE} if (labels == 0).any() else {}))


def _draw_flags(panel: Panel, study: CurveStudy) -> None:
    shape = study.map.shape
    assert shape is not None
    conditioned = study.conditioned
    saturated = np.logical_or.reduce(
        [mask.any(axis=1) for mask in conditioned.is_saturated.values()]
    )
    flags = np.where(conditioned.is_usable, 1, 0)
    flags = np.where(saturated & conditioned.is_usable, 2, flags)
    flags = np.where(study.clustering.outliers.is_outlier, 3, flags)
    colours = {1: "white", 2: SATURATED, 3: OUTLIER}
    axes, key = panel
    axes.imshow(shaded_labels(flags.reshape(shape), colours, None), interpolation="nearest")
    axes.set_title("Outliers and saturated curves")
    _draw_key(key, {"outlier": OUTLIER, "saturated": SATURATED, "not clustered": OUTSIDE})


def _draw_key(key: Any, colours: dict[str, Any]) -> None:
    handles = [
        Line2D([], [], color=colour, label=name, **SWATCH) for name, colour in colours.items()
    ]
    key.axis("off")
    key.legend(handles=handles, loc="upper center", ncols=min(6, len(handles)), **LEGEND)
