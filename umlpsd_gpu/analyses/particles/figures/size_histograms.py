"""Figure: histograms of sizes with the log-normal distribution, by class."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import lognorm

from umlpsd_gpu.analyses.particles.result import MAIN_LENGTH, ParticleStudy
from umlpsd_gpu.plotting.style import PALETTE, cluster_colour

TITLE = "Sizes"
CAPTION = (
    "Diameters of the circles of equal area, every particle with its weight, and the log-normal "
    "distribution of the same geometric mean and standard deviation (line). d̄: mean ± standard "
    "deviation; σ/d̄: relative standard deviation."
)
PANEL_HEIGHT, WIDTH, PER_ROW = 2.8, 10.0, 3
FEWEST_BINS, MOST_BINS = 5, 40


def draw_size_histograms(study: ParticleStudy) -> Figure:
    """Draw a histogram of all particles, and one of each class.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Figure
    """
    groups = sorted({number for number, _ in study.sizes})
    n_columns = min(PER_ROW, len(groups))
    n_rows = -(-len(groups) // n_columns)
    width = WIDTH * (0.62 if n_columns == 1 else 1.0)
    figure = Figure(figsize=(width, PANEL_HEIGHT * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True).ravel()
    for axes in panels[len(groups) :]:
        axes.axis("off")
    for axes, group in zip(panels, groups, strict=False):
        _draw_histogram(axes, study, group)
    return figure


def _draw_histogram(axes: Axes, study: ParticleStudy, group: int) -> None:
    found = study.sizes[group, MAIN_LENGTH]
    member = study.table.is_counted & ((study.classes.labels == group) | (group == 0))
    lengths, weights = study.table[MAIN_LENGTH][member], study.table["weight"][member]
    known = np.isfinite(lengths)
    lengths, weights = lengths[known], weights[known]
    title = f"class {group}" if group else "all particles"
    if lengths.size < 2 or np.ptp(lengths) == 0:
        axes.set_title(f"{title}, N = {found.n}", fontsize=9)
        return
    edges = np.histogram_bin_edges(lengths, "fd")
    n_bins = int(np.clip(edges.size - 1, FEWEST_BINS, MOST_BINS))
    edges = np.linspace(lengths.min(), lengths.max(), n_bins + 1)
    colour = cluster_colour(group) if group else PALETTE[0]
    axes.hist(
        lengths,
        edges.tolist(),
        weights=weights,
        color=colour,
        alpha=0.75,
        edgecolor="white",
        lw=0.5,
    )
    mean, spread = found.values["geometric_mean"], np.log(found.values["geometric_sd"])
    if spread > 0:
        at = np.linspace(edges[0], edges[-1], 300)
        density = lognorm.pdf(at, spread, scale=mean)
        axes.plot(at, density * weights.sum() * (edges[1] - edges[0]), color="#222222", lw=1.2)
    values = found.values
    axes.set_title(f"{title}, N = {found.n:,}", fontsize=9)
    spread_percent = 100 * values["relative_sd"]
    text = f"d̄ = {values['mean']:.3g} ± {values['sd']:.2g} nm\nσ/d̄ = {spread_percent:.1f} %"
    axes.text(0.98, 0.96, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.set_xlabel("equivalent diameter (nm)")
    axes.set_ylabel("particles")
