"""Figure: micrographs with the outlines of their particles, coloured by class."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from skimage.segmentation import find_boundaries

from umlpsd_gpu.analyses.particles.result import AnalysedImage, ParticleStudy
from umlpsd_gpu.plotting.scale_bar import bare, draw_scale_bar
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour

TITLE = "Particles"
# Images that are drawn, the first ones
MOST_IMAGES, PER_ROW, WIDTH = 4, 2, 10.0
# Opacity of the colour of a class inside its particles
INSIDE = 0.3


def caption(study: ParticleStudy) -> str:
    """Return the caption, which says what is not shown.

    Parameters
    ----------
    study : ParticleStudy
    """
    n = len(study.images)
    shown = f"The first {MOST_IMAGES} of {n} images. " if n > MOST_IMAGES else ""
    colour = "by class" if study.classes.k > 1 else "in blue"
    return (
        f"{shown}Outlines of the particles that count {colour}; grey: particles that don't, whose "
        "reasons are in particles.csv. Label images and ImageJ ROI sets of all images are in the "
        "folder labels."
    )


def draw_overlay(study: ParticleStudy) -> Figure:
    """Draw the images with outlines.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Figure
    """
    images = study.images[:MOST_IMAGES]
    n_columns = min(PER_ROW, len(images))
    n_rows = -(-len(images) // n_columns)
    ratio = max(image.grey.shape[0] / image.grey.shape[1] for image in images)
    width = WIDTH if n_columns > 1 else 0.75 * WIDTH
    height = width / n_columns * min(ratio, 1.5) * n_rows + 0.4
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes in panels[len(images) :]:
        axes.axis("off")
    for number, (axes, image) in enumerate(zip(panels, images, strict=False), start=1):
        _draw_image(axes, study, image, number)
    if study.classes.k > 1:
        handles = [
            Line2D([], [], color=cluster_colour(k), label=f"class {k}")
            for k in range(1, study.classes.k + 1)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)))
    return figure


def _draw_image(axes: Axes, study: ParticleStudy, image: AnalysedImage, number: int) -> None:
    own = study.table["image"] == number
    labels = study.table["label"][own].astype(int)
    is_counted, classes = study.table.is_counted[own], study.classes.labels[own]
    # colour number of each label: 0 nothing, 1 does not count, 2… classes
    colours = np.zeros(int(image.labels.max()) + 1, dtype=int)
    colours[labels] = np.where(is_counted, 1 + np.maximum(classes, 1), 1)
    palette: list[Any] = [FLAGGED, *(cluster_colour(k) for k in range(1, study.classes.k + 1))]
    axes.imshow(image.grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    edge = find_boundaries(image.labels, mode="inner")
    shown = colours[image.labels]
    # a row for each colour number: inside a particle, and on its edge
    inside = np.array([(0.0, 0.0, 0.0, 0.0), *(to_rgba(colour, INSIDE) for colour in palette)])
    on_edge = np.array([(0.0, 0.0, 0.0, 0.0), *(to_rgba(colour) for colour in palette)])
    rgba = np.round(255 * np.concatenate([inside, on_edge])).astype(np.uint8)
    axes.imshow(rgba[shown + len(inside) * edge], interpolation="nearest")
    axes.set_title(image.name, fontsize=9)
    bare(axes)
    draw_scale_bar(axes, image.grey.shape, image.nm_per_px * 1e-9, "m")
