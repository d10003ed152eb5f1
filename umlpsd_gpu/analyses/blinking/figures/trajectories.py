"""Figure: the trajectories of each cluster."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.blinking.figures.cluster_sizes import cluster_sizes
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.decimate import (
    decimate_band,
    decimate_line,
    decimate_rows,
    mean_and_sd,
    squared_distances,
)
from umlpsd_gpu.plotting.style import cluster_colour, thin_grid

TITLE = "Trajectories by cluster"
CAPTION = (
    "Left: raw traces that fit their cluster best (largest silhouette; for a single cluster, "
    "closest to the mean). Middle: mean of the scaled traces at the chosen scale, with a band of "
    "± 1 standard deviation over the traces. Right: all scaled traces of the cluster, one per row, "
    "best fit at the top (an even selection of more than 1000 traces)."
)
# more rows than the figure has pixels would not be visible
MAX_HEAT_ROWS = 1000


def draw_trajectories(study: Study) -> Figure:
    """Draw typical raw traces, the mean scaled trace and a heat map of every cluster.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Figure
    """
    sizes = cluster_sizes(study)
    n_raw = 3 if len(sizes) <= 3 else 2 if len(sizes) <= 6 else 1
    height = {3: 2.3, 2: 1.6, 1: 1.15}[n_raw]
    layout = ConstrainedLayoutEngine(h_pad=0.015, w_pad=0.06, hspace=0)
    figure = Figure(figsize=(10, 0.9 + height * len(sizes)), layout=layout)
    # enough grid rows for each cluster to be divided evenly among its raw traces
    n_rows = math.lcm(*(min(n_raw, size) for size in sizes.values()))
    grid = GridSpec(n_rows * len(sizes), 3, figure=figure, width_ratios=[5, 3, 3])
    for row, (cluster, size) in enumerate(sizes.items()):
        best_first = _sort_best_first(study, cluster)
        is_last = row == len(sizes) - 1
        top, bottom = n_rows * row, n_rows * (row + 1)
        step = n_rows // min(n_raw, size)
        raw = [figure.add_subplot(grid[i : i + step, 0]) for i in range(top, bottom, step)]
        raw[0].set_title(f"Cluster {cluster} ({size} trace{'s' * (size != 1)})", loc="left")
        _draw_raw(raw, study, best_first, cluster, is_last)
        mean, heat = (figure.add_subplot(grid[top:bottom, column]) for column in (1, 2))
        _draw_mean(mean, study, best_first, cluster)
        _draw_heat(heat, study, best_first)
        for axes in (mean, heat):
            axes.set_xlabel("Time (s)" if is_last else "")
            axes.tick_params(labelbottom=is_last)
        if row == 0:
            mean.set_title(f"Mean of the scaled traces, {study.decision.scale}", loc="left")
            heat.set_title("Every scaled trace", loc="left")
    return figure


def _sort_best_first(study: Study, cluster: int) -> np.ndarray:
    """Return the traces of a cluster, best fit first: by silhouette, or distance to the mean."""
    members = np.flatnonzero(study.labels == cluster)
    silhouette = study.silhouette[members]
    if np.isfinite(silhouette).all():
        return members[np.argsort(-silhouette, kind="stable")]
    rows = _scaled_rows(study, members)
    mean, _ = mean_and_sd(study.scaled, rows)
    distance = squared_distances(study.scaled, rows, mean)
    return members[np.argsort(distance, kind="stable")]


def _scaled_rows(study: Study, traces: np.ndarray) -> np.ndarray:
    """Return the rows of ``study.scaled`` of traces, given by their index among all traces."""
    rows: np.ndarray = np.cumsum(study.clustered)[traces] - 1
    return rows


def _draw_raw(
    panels: list[Axes], study: Study, best_first: np.ndarray, cluster: int, is_last: bool
) -> None:
    for axes, trace in zip(panels, best_first, strict=False):
        axes.plot(
            *decimate_line(lambda frame: frame * study.traces.dt_s, study.traces.values[trace]),
            color=cluster_colour(cluster),
            linewidth=0.45,
            rasterized=True,
            # not in a legend, but in the numbers beside the figure
            label=f"_{study.traces.ids[trace]}",
        )
        axes.yaxis.set_major_locator(MaxNLocator(2))
        axes.set_xlim(0, study.traces.n_frames * study.traces.dt_s)
        axes.tick_params(labelbottom=False, bottom=False)
        thin_grid(axes)
    panels[-1].tick_params(bottom=True, labelbottom=is_last)
    panels[-1].set_xlabel("Time (s)" if is_last else "")
    panels[len(panels) // 2].set_ylabel("Counts")


def _duration_s(study: Study) -> float:
    return study.traces.n_frames * study.traces.dt_s


def _draw_mean(axes: Axes, study: Study, best_first: np.ndarray, cluster: int) -> None:
    duration_s, n_samples = _duration_s(study), study.scaled.shape[1]

    def time_s(sample: np.ndarray) -> np.ndarray:
        times: np.ndarray = (sample + 0.5) * duration_s / n_samples
        return times

    mean, sd = mean_and_sd(study.scaled, _scaled_rows(study, best_first))
    colour = cluster_colour(cluster)
    low = mean - sd
    band = decimate_band(time_s, low, np.add(mean, sd, out=sd))
    name, is_dense = f"_Cluster {cluster}", n_samples > 500
    shade: dict[str, Any] = {
        "color": colour,
        "alpha": 0.25,
        "linewidth": 0,
        "label": f"{name} ± SD",
    }
    axes.fill_between(*band, rasterized=True, **shade)
    line = decimate_line(time_s, mean)
    axes.plot(*line, color=colour, linewidth=1.5, rasterized=is_dense, label=name)
    axes.set_xlim(0, duration_s)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1])
    thin_grid(axes)


def _draw_heat(axes: Axes, study: Study, best_first: np.ndarray) -> None:
    n_shown = min(len(best_first), MAX_HEAT_ROWS)
    shown = best_first[np.linspace(0, len(best_first) - 1, n_shown).round().astype(int)]
    axes.imshow(
        decimate_rows(study.scaled, _scaled_rows(study, shown)),
        aspect="auto",
        cmap="cividis",
        vmin=0,
        vmax=1,
        extent=(0, _duration_s(study), len(best_first), 0),
        rasterized=True,
    )
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
