"""Figure: typical particles of each class, cut out of their images."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.particles.class_features import compared_matrix, feature_matrix
from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.plotting.scale_bar import bare
from umlpsd_gpu.plotting.style import cluster_colour

TITLE = "Classes"
CAPTION = (
    "The particles nearest to the middle of each class, all on one scale; the number of particles "
    "and its share at the left."
)
N_SHOWN, SIDE = 10, 0.95
# Half the side of a cutting over the largest radius of all that are shown
MARGIN = 1.25


def draw_gallery(study: ParticleStudy) -> Figure:
    """Draw a row of particles for each class.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Figure
    """
    classes = range(1, study.classes.k + 1)
    figure = Figure(figsize=(SIDE * (N_SHOWN + 1.2), SIDE * len(classes) + 0.1))
    panels = figure.subplots(len(classes), N_SHOWN, squeeze=False)
    figure.subplots_adjust(0.12, 0.02, 0.995, 0.98, 0.05, 0.06)
    n_counted = int(np.count_nonzero(study.table.is_counted))
    chosen = {number: _typical(study, number) for number in classes}
    rows = np.concatenate(list(chosen.values()))
    half_nm = MARGIN / 2 * float(np.nanmax(study.table["feret_max_nm"][rows]))
    for number in classes:
        for axes in panels[number - 1]:
            axes.axis("off")
        for axes, row in zip(panels[number - 1], chosen[number], strict=False):
            _draw_particle(axes, study, int(row), half_nm)
        n = int(np.count_nonzero(study.classes.labels == number))
        panels[number - 1, 0].text(
            -0.12,
            0.5,
            f"{number}\n{n:,}\n{100 * n / n_counted:.0f} %",
            transform=panels[number - 1, 0].transAxes,
            ha="right",
            va="center",
            fontsize=9,
            color=cluster_colour(number),
            fontweight="bold",
        )
    return figure


def _typical(study: ParticleStudy, number: int) -> np.ndarray:
    """Return the rows of the particles nearest to the middle of a class."""
    member = np.flatnonzero(study.classes.labels == number)
    name = study.settings.particle.features
    features = feature_matrix(study.table, name)[member]
    known = np.isfinite(features).all(axis=1)
    member, features = member[known], features[known]
    scaled = compared_matrix(features, name) if len(features) else features
    distance = np.square(scaled - np.median(scaled, axis=0)).sum(axis=1) if len(scaled) else []
    nearest: np.ndarray = member[np.argsort(distance, kind="stable")[:N_SHOWN]]
    return nearest


def _draw_particle(axes: Axes, study: ParticleStudy, row: int, half_nm: float) -> None:
    table = study.table
    image = study.images[int(table["image"][row]) - 1]
    half = half_nm / image.nm_per_px
    middle = table["row_px"][row], table["column_px"][row]
    # only the part that is shown is drawn
    part = tuple(
        slice(max(int(at - half) - 1, 0), min(int(at + half) + 3, n))
        for at, n in zip(middle, image.grey.shape, strict=True)
    )
    top, left = (each.start for each in part)
    extent = left - 0.5, part[1].stop - 0.5, part[0].stop - 0.5, top - 0.5
    axes.axis("on")
    axes.imshow(
        image.grey[part], cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=extent
    )
    mask = image.labels[part] == int(table["label"][row])
    places = np.arange(left, part[1].stop), np.arange(top, part[0].stop)
    axes.contour(*places, mask, [0.5], colors="#56B4E9", linewidths=0.8)
    axes.set_xlim(middle[1] - half, middle[1] + half)
    axes.set_ylim(middle[0] + half, middle[0] - half)
    bare(axes)
