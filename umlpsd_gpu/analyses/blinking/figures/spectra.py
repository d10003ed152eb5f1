"""Figures: power spectra and power-law exponents by cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.blinking.figures.cluster_sizes import cluster_sizes
from umlpsd_gpu.analyses.blinking.plots.spectra import mean_power_law
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.style import cluster_colour, darkened, thin_grid

PSD_TITLE = "Power spectral densities by cluster"
PSD_CAPTION = (
    "Mean power spectral density of the raw traces of each cluster, with a band of ± 1 standard "
    "error. Dashed: power law with the mean exponent ⟨β⟩ of the cluster over the fitted range, "
    "scaled to the mean spectrum."
)
BETA_TITLE = "Power-law exponents by cluster"
BETA_CAPTION = (
    "Left: exponent β of every trace. Box: middle half of the values; line: median; whiskers: up "
    "to 1.5 box heights (no box below 5 traces); diamond: mean ⟨β⟩; rings: outliers, which fit no "
    "cluster. Right: the same values as a stacked histogram."
)
MEAN_LAWS = {
    "power_law": "Mean power law",
    "power_law_floor": "Mean power law + floor",
    "power_law_knee": "Mean power law, knee + floor",
    "auto": "Mean power law, knee + floor",
}
MAX_POINTS, MIN_FOR_BOX = 2000, 5
RING: dict[str, Any] = {"s": 24, "facecolors": "none", "edgecolors": "0.15", "linewidths": 0.7}
DASHED: dict[str, Any] = {"linewidth": 1.4, "linestyle": (0, (4, 2))}


def draw_psd(study: Study) -> Figure:
    """Draw the mean spectrum ± standard error and the mean power law of every cluster.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Figure
    """
    n_legend_rows = len(study.clusters.clusters) // 2 + 1
    figure = Figure(figsize=(6.4, 4.6 + 0.2 * n_legend_rows), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    clusters, freqs_hz = study.clusters, study.spectrum.freqs_hz
    for i, cluster in enumerate(clusters.clusters.tolist()):
        colour, mean = cluster_colour(cluster), clusters.psd_mean[i]
        low, high = mean - clusters.psd_stderr[i], mean + clusters.psd_stderr[i]
        positive = low > 0
        axes.fill_between(
            freqs_hz,
            low,
            high,
            where=positive,
            color=colour,
            alpha=0.25,
            linewidth=0,
            # not in the legend, but in the numbers beside the figure
            label=f"_Cluster {cluster} ± standard error",
        )
        label = _psd_label(study, i)
        axes.plot(freqs_hz, mean, color=colour, linewidth=1.7, alpha=0.6, label=label)
        members = study.labels == study.clusters.clusters[i]
        fitted = mean_power_law(
            study.spectrum.freqs_hz, study.clusters.psd_mean[i], study.fit, members
        )
        if fitted is not None:
            law = f"_Cluster {cluster}: mean power law"
            axes.plot(*fitted, zorder=4, color=darkened(colour, 0.8), label=law, **DASHED)
    handles, _ = axes.get_legend_handles_labels()
    law = MEAN_LAWS[study.fit.model]
    handles.append(Line2D([], [], label=law, color="0.35", **DASHED))
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    axes.set_xlabel("Frequency (Hz)")
    # log_welch keeps its published factor, 1/4π of the one-sided density
    unit = "counts²/Hz ÷ 4π" if study.spectrum.method == "log_welch" else "counts²/Hz"
    axes.set_ylabel(f"Power spectral density ({unit})")
    thin_grid(axes)
    return figure


def draw_betas(study: Study) -> Figure:
    """Draw the exponents of every cluster as points with a box, and as histograms.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Figure
    """
    sizes = cluster_sizes(study)
    figure = Figure(figsize=(min(10.0, 5.2 + 0.55 * len(sizes)), 4.2), layout="constrained")
    strip, histogram = figure.subplots(1, 2, sharey=True, width_ratios=[1.2 + 0.3 * len(sizes), 2])
    fitted = {c: (study.labels == c) & np.isfinite(study.fit.beta) for c in sizes}
    betas = {c: study.fit.beta[members] for c, members in fitted.items()}
    is_outlier = {c: study.outliers.is_outlier[members] for c, members in fitted.items()}
    _draw_strips(strip, betas, is_outlier)
    means = study.clusters.beta_mean
    strip.plot(
        range(len(means)),
        means,
        "D",
        color="white",
        markeredgecolor="black",
        markersize=5,
        zorder=6,
        label="_Mean of each cluster",
    )
    strip.set_xticks(range(len(sizes)), [f"{c}\nn = {len(b)}" for c, b in betas.items()])
    strip.set_xlabel("Cluster")
    strip.set_ylabel("Power-law exponent β")
    _draw_histograms(histogram, betas)
    for axes in (strip, histogram):
        thin_grid(axes)
    return figure


def _psd_label(study: Study, i: int) -> str:
    clusters = study.clusters
    label = f"Cluster {clusters.clusters[i]}"
    if not np.isfinite(clusters.beta_mean[i]):
        return f"{label}: no exponent"
    label += f": ⟨β⟩ = {clusters.beta_mean[i]:.2f}"
    if np.isfinite(clusters.beta_stderr[i]):
        label += f" ± {clusters.beta_stderr[i]:.2f}"
    return f"{label} (n = {clusters.n_beta[i]})"


def _draw_strips(
    axes: Axes, betas: dict[int, np.ndarray], is_outlier: dict[int, np.ndarray]
) -> None:
    """Draw a box and a column of points for each cluster, with rings around outliers."""
    rng = np.random.default_rng(0)
    for i, (cluster, beta) in enumerate(betas.items()):
        colour = cluster_colour(cluster)
        shown = np.arange(len(beta))
        if len(beta) > MAX_POINTS:
            shown = rng.choice(len(beta), MAX_POINTS, replace=False)
        place = i + rng.uniform(-0.3, 0.3, len(shown))
        ringed = is_outlier[cluster][shown]
        axes.scatter(
            place,
            beta[shown],
            s=9,
            color=colour,
            alpha=0.5,
            linewidths=0,
            rasterized=True,
            label=f"_Cluster {cluster}",
        )
        axes.scatter(
            place[ringed], beta[shown][ringed], label=f"_Cluster {cluster}: outliers", **RING
        )
        if len(beta) >= MIN_FOR_BOX:
            axes.boxplot(
                beta,
                positions=[i],
                widths=0.62,
                label=f"_Cluster {cluster}: median",
                showfliers=False,
                boxprops={"color": colour, "linewidth": 1.3},
                whiskerprops={"color": colour, "linewidth": 1.1},
                capprops={"color": colour, "linewidth": 1.1},
                medianprops={"color": "black", "linewidth": 1.6},
            )
    axes.set_xlim(-0.6, len(betas) - 0.4)


def _draw_histograms(axes: Axes, betas: dict[int, np.ndarray]) -> None:
    pooled = np.concatenate(list(betas.values()))
    if pooled.size:
        edges = np.histogram_bin_edges(pooled, bins=min(40, max(5, int(2 * pooled.size**0.5))))
        axes.hist(
            list(betas.values()),
            edges.tolist(),
            stacked=True,
            orientation="horizontal",
            color=[cluster_colour(cluster) for cluster in betas],
            edgecolor="white",
            linewidth=0.4,
            label=[f"_Cluster {cluster}" for cluster in betas],
        )
    axes.set_xlabel("Traces")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
