"""Figure: exponent, elongation and symmetry of the super-ellipses."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.plotting.style import cluster_colour

TITLE = "Shapes"
CAPTION = (
    "Super-ellipses of the particles that count: exponent p (2 with L = 1: circle; larger: "
    "straight sides, sharp corners; smaller: hollow sides) with 95 % intervals of up to 300 "
    "particles; elongation L; order of the symmetry d. Circles and irregular particles are left "
    "out."
)
N_INTERVALS = 300


def shown_rows(study: ParticleStudy) -> np.ndarray:
    """Return the rows of the particles that are super-ellipses and count.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    ndarray of int
    """
    outcomes = np.array(study.table.outcomes)
    is_shape = (outcomes == "super-ellipse") | (outcomes == "")
    rows: np.ndarray = np.flatnonzero(study.table.is_counted & is_shape & (study.table["p"] > 0))
    return rows


def draw_shape_parameters(study: ParticleStudy) -> Figure:
    """Draw p against L, and the numbers of d.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    rows = shown_rows(study)
    classes = np.maximum(study.classes.labels[rows], 1)
    _draw_scatter(left, study, rows, classes)
    orders = study.table["d"][rows]
    edges = np.arange(0.5, max(7, np.ceil(orders.max())) + 1)
    numbers = range(1, study.classes.k + 1)
    right.hist(
        [orders[classes == k] for k in numbers],
        edges,
        stacked=True,
        color=[cluster_colour(k) for k in numbers],
        edgecolor="white",
        lw=0.5,
    )
    right.set_xlabel("order of the symmetry d")
    right.set_ylabel("particles")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _draw_scatter(axes: Axes, study: ParticleStudy, rows: np.ndarray, classes: np.ndarray) -> None:
    p, l_ratio = study.table["p"][rows], study.table["l_ratio"][rows]
    low, high = study.table["p_low"][rows], study.table["p_high"][rows]
    for k in range(1, study.classes.k + 1):
        own = np.flatnonzero(classes == k)
        some = own[:: max(1, own.size // N_INTERVALS + 1)] if own.size > N_INTERVALS else own
        top = np.where(np.isfinite(high[some]), high[some], p[some] * 3)
        axes.vlines(l_ratio[some], low[some], top, color=cluster_colour(k), alpha=0.25, lw=0.6)
        axes.plot(l_ratio[own], p[own], ".", ms=3, color=cluster_colour(k), alpha=0.7)
    axes.set_yscale("log")
    axes.axhline(2, color="#999999", lw=0.8, ls=(0, (4, 3)), zorder=0)
    axes.set_ylim(np.nanpercentile(p, 0.5) / 1.5, np.nanpercentile(p, 99.5) * 1.5)
    axes.set_xlabel("elongation L")
    axes.set_ylabel("exponent p")
