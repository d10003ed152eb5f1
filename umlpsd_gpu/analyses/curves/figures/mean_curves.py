"""Figure: the mean curve of every cluster, linear and logarithmic."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from umlpsd_gpu.analyses.curves.figures.summary_curves import (
    BAND,
    SummaryCurve,
    absolute,
    cluster_sizes,
    summary_curves,
)
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.decimate import decimate_band, decimate_line
from umlpsd_gpu.plotting.si_units import si_scale
from umlpsd_gpu.plotting.style import cluster_colour, thin_grid

TITLE = "Mean curves by cluster"
CAPTION = (
    "Geometric mean of the currents of each cluster (arithmetic within the noise) with a band from "
    f"the {BAND[0]} % to the {BAND[1]} % quantile over its curves. Left: each cluster on its own "
    "linear scale. Right: |I| of all clusters on a logarithmic scale, down to the noise of one "
    "curve (dotted). Backward sweeps are dashed. Thin lines: more than half of the curves are "
    "saturated, and their currents are predicted from curves that are not."
)
MOST_PANELS = 8
STYLES = {"forward": "-", "backward": (0, (4, 1.5))}


def draw_mean_curves(study: CurveStudy) -> Figure:
    """Draw mean curves with bands: one linear panel for each cluster, one logarithmic for all.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    Figure
    """
    curves = summary_curves(study)
    shown = list(curves)[:MOST_PANELS]
    n_cols = 1 if len(shown) == 1 else 2
    n_rows = -(-len(shown) // n_cols)
    figure = Figure(figsize=(10, max(3.6, 1.9 * n_rows)), layout="constrained")
    grid = figure.add_gridspec(n_rows, n_cols + 2)
    bias = study.conditioned.bias
    for place, cluster in enumerate(shown):
        axes = figure.add_subplot(grid[place // n_cols, place % n_cols])
        _draw_linear(axes, study, cluster, curves[cluster])
        if place + n_cols >= len(shown):
            axes.set_xlabel("Bias (V)")
        else:
            axes.tick_params(labelbottom=False)
    axes = figure.add_subplot(grid[:, n_cols:])
    noise = float(np.median(study.conditioned.noise[study.conditioned.is_usable]))
    for cluster, sweeps in curves.items():
        for sweep in sweeps:
            _draw(axes, bias, absolute(sweep, noise / 10), cluster, 1.0)
    axes.axhline(noise, color="0.4", linestyle=":", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylim(bottom=noise / 3)
    axes.set_xlim(bias[0], bias[-1])
    axes.set_xlabel("Bias (V)")
    axes.set_ylabel("|I| (A)")
    thin_grid(axes)
    handles = [
        Line2D([], [], color=cluster_colour(cluster), label=f"Cluster {cluster}")
        for cluster in curves
    ]
    handles.append(Line2D([], [], color="0.4", linestyle=":", linewidth=1, label="noise"))
    # below the curves, most of which have their minimum there, nothing would be free
    figure.legend(handles=handles, loc="outside upper right", ncols=min(6, len(handles)))
    return figure


def _draw_linear(axes: Axes, study: CurveStudy, cluster: int, sweeps: list[SummaryCurve]) -> None:
    ends = np.concatenate([np.append(sweep.low, sweep.high) for sweep in sweeps])
    factor, unit = si_scale(ends, "A")
    for sweep in sweeps:
        _draw(axes, study.conditioned.bias, sweep, cluster, factor)
    n = cluster_sizes(study)[cluster]
    axes.set_title(f"Cluster {cluster} ({n} curve{'s' * (n != 1)})", loc="left")
    axes.set_ylabel(f"I ({unit})")
    axes.set_xlim(study.conditioned.bias[0], study.conditioned.bias[-1])
    thin_grid(axes)


def _draw(axes: Axes, bias: np.ndarray, curve: SummaryCurve, cluster: int, factor: float) -> None:
    colour = cluster_colour(cluster)
    band = decimate_band(bias, factor * curve.low, factor * curve.high)
    axes.fill_between(*band, color=colour, alpha=0.22, linewidth=0)
    line = STYLES.get(curve.sweep, "-")
    values = factor * curve.mean
    for is_bound, width in ((False, 1.6), (True, 0.7)):
        part = np.where(_widened(curve.is_bound == is_bound), values, np.nan)
        if np.isfinite(part).any():
            axes.plot(*decimate_line(bias, part), color=colour, linestyle=line, linewidth=width)


def _widened(mask: np.ndarray) -> np.ndarray:
    """Return a mask with one point more at each side, so that parts of a line meet."""
    wider = mask.copy()
    wider[1:] |= mask[:-1]
    return wider
