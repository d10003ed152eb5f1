"""Figure: the metrics of the sweeps against the number of clusters."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.plotting.style import ACCENT, thin_grid, whole_numbers
from umlpsd_gpu.scale import Scale

PANELS = {
    "silhouette": ("Mean silhouette", "SS"),
    "calinski_harabasz": ("Calinski–Harabasz index", "CH"),
    "ssd": ("Sum of squared distances", "SSD / SSD at smallest K"),
    "misclassified_percent": ("Silhouettes below 0", "%Mscl (% of traces)"),
}
# limits of the possible values, also for the bands
LIMITS = {
    "silhouette": (-1, 1),
    "calinski_harabasz": (0, np.inf),
    "ssd": (0, np.inf),
    "misclassified_percent": (0, 100),
}
Colour = tuple[float, float, float, float]
CHOSEN: dict[str, Any] = {"color": "black", "marker": "o", "linewidth": 2.2, "markersize": 4}
DECIDED: dict[str, Any] = {"color": ACCENT, "linestyle": (0, (4, 3)), "linewidth": 1.1}
TITLE = "Metrics of the sweep against the number of clusters K"
CAPTION = (
    "Mean over the K-means epochs at every smoothing scale. Black: the chosen scale, with a band "
    "of ± 1 standard deviation over the epochs. Dashed: the chosen K. SSD is divided by its mean "
    "at the smallest K; infinite CH (clusters without spread) is left out. %EM(θ) is the share of "
    "traces with a silhouette below θ, at the chosen scale."
)


def draw_profiles(study: Study) -> Figure:
    """Draw SS, CH, normalised SSD and %Mscl of all scales, and %EM of the chosen one.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(2, 3)
    colours = _scale_colours(study)
    for axes, (metric, labels) in zip(panels.flat, PANELS.items(), strict=False):
        for sweep in study.sweeps:
            if sweep.scale != study.decision.scale:
                mean, _ = _mean_and_sd(sweep, metric)
                few = "." if len(mean) <= 3 else ""
                style = _line(sweep.scale) | {"color": colours[sweep.scale], "marker": few}
                axes.plot(sweep.k_values, mean, label=f"_{sweep.scale}", **style)
        _draw_chosen(axes, study.sweep_at(study.decision.scale), metric)
        _finish(axes, study, *labels)
    thresholds = _draw_em(panels[1, 1], study)
    _draw_legends(panels[1, 2], study, colours, thresholds)
    panels[0, 2].set_ylim(bottom=0)
    return figure


def _scale_colours(study: Study) -> dict[str, Colour]:
    """Return a colour for each scale, darker for coarser smoothing."""
    frames = {s.scale: Scale.parse(s.scale).n_frames_averaged for s in study.sweeps}
    norm = LogNorm(1, max(2, *frames.values(), 2) * 1.6)
    cmap = matplotlib.colormaps["viridis_r"]
    return {scale: cmap(0.15 + 0.85 * float(norm(n))) for scale, n in frames.items()}


def _line(scale: str) -> dict[str, Any]:
    style = {"raw": ":", "bin": "-", "wavelet": "--"}[Scale.parse(scale).kind]
    return {"linewidth": 1.0, "linestyle": style, "alpha": 0.9}


def _mean_and_sd(sweep: Sweep, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and SD over the epochs where the metric is finite; NaN where it never is."""
    # CH is infinite where every trace lies on its centroid: one such epoch would hide the others
    finite = np.ma.masked_invalid(getattr(sweep, metric))
    mean, sd = finite.mean(axis=1).filled(np.nan), finite.std(axis=1).filled(np.nan)
    if metric != "ssd":
        return mean, sd
    first = mean[0] if mean[0] > 0 else np.nan
    return mean / first, sd / first


def _draw_chosen(axes: Axes, sweep: Sweep, metric: str) -> None:
    mean, sd = _mean_and_sd(sweep, metric)
    low, high = np.clip([mean - sd, mean + sd], *LIMITS[metric])
    # names with an underscore are for the numbers beside a figure, and not in legends
    band: dict[str, Any] = {
        "color": "black",
        "alpha": 0.18,
        "linewidth": 0,
        "label": f"_{sweep.scale} ± SD",
    }
    axes.fill_between(sweep.k_values, low, high, **band)
    axes.plot(sweep.k_values, mean, zorder=5, label=f"_{sweep.scale}", **CHOSEN)


def _draw_em(axes: Axes, study: Study) -> list[Line2D]:
    sweep = study.sweep_at(study.decision.scale)
    cmap = matplotlib.colormaps["cividis"]
    lines = []
    for i, threshold in enumerate(sweep.thresholds):
        mean = sweep.below_percent[i].mean(axis=1)
        colour = cmap(0.9 * i / max(1, len(sweep.thresholds) - 1))
        lines += axes.plot(
            sweep.k_values, mean, ".-", color=colour, linewidth=1.0, label=f"{threshold:.1f}"
        )
    _finish(axes, study, f"Silhouettes below θ, {sweep.scale}", "%EM (% of traces)")
    return lines


def _finish(axes: Axes, study: Study, title: str, label: str) -> None:
    k_values = np.concatenate([sweep.k_values for sweep in study.sweeps])
    axes.axvline(study.decision.k_opt, label="_K_opt", **DECIDED)
    axes.set_title(title)
    axes.set_xlabel("Number of clusters K")
    axes.set_ylabel(label)
    axes.set_xlim(k_values.min() - 0.5, k_values.max() + 0.5)
    whole_numbers(axes)
    thin_grid(axes)


def _draw_legends(
    axes: Axes, study: Study, colours: dict[str, Colour], thresholds: list[Line2D]
) -> None:
    axes.axis("off")
    handles = [
        Line2D([], [], label=sweep.scale, **CHOSEN)
        if sweep.scale == study.decision.scale
        else Line2D([], [], color=colours[sweep.scale], label=sweep.scale, **_line(sweep.scale))
        for sweep in study.sweeps
    ]
    k_opt = rf"$K_\mathrm{{opt}}$ = {study.decision.k_opt}"
    decided = Line2D([], [], label=k_opt, **DECIDED)
    axes.add_artist(
        axes.legend(
            handles=[*handles, decided],
            loc="upper left",
            ncols=3,
            title="Smoothing scale (black: chosen)",
            alignment="left",
            borderaxespad=0,
        )
    )
    axes.legend(
        handles=thresholds,
        loc="lower left",
        ncols=4,
        title="%EM threshold θ",
        alignment="left",
        borderaxespad=0,
    )
