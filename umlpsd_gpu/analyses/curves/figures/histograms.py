"""Figure: how the currents of each cluster are distributed at every bias."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_hex
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.curves.figures.summary_curves import cluster_sizes
from umlpsd_gpu.analyses.curves.quantities.readings import main_sweep
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.style import cluster_colour, darkened

TITLE = "Histograms of log |I| against bias"
CAPTION = (
    "Share of the curves of each cluster by bias and current ({sweep} sweep), on a logarithmic "
    "scale of shade; white: none. Currents below a third of the noise are in the lowest row, and "
    "saturated points where they are clipped. Dotted: noise."
)
MOST_PANELS = 9
MOST_BIAS_BINS, N_CURRENT_BINS = 128, 90


def caption(study: CurveStudy) -> str:
    """Return the caption.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    str
    """
    return CAPTION.format(sweep=main_sweep(study.conditioned))


def draw_histograms(study: CurveStudy) -> Figure:
    """Draw a histogram of log |I| against bias for every cluster.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    Figure
    """
    conditioned = study.conditioned
    sweep = main_sweep(conditioned)
    usable = conditioned.is_usable
    noise = float(np.median(conditioned.noise[usable]))
    size = np.maximum(np.abs(conditioned.current[sweep]), noise / 3)
    top = float(np.max(size[usable])) * 1.3
    edges = np.geomspace(noise / 3, top, N_CURRENT_BINS + 1)
    shown = dict(list(cluster_sizes(study).items())[:MOST_PANELS])
    n_cols = min(3, len(shown))
    n_rows = -(-len(shown) // n_cols)
    figure = Figure(figsize=(10, 0.5 + 2.7 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_cols, sharex=True, sharey=True, squeeze=False)
    for axes in panels.ravel()[len(shown) :]:
        axes.set_axis_off()
    bias_edges = _edges(conditioned.bias)
    for axes, (cluster, n) in zip(panels.ravel(), shown.items(), strict=False):
        members = study.clustering.labels == cluster
        share = _shares(conditioned.bias, size[members], bias_edges, edges)
        colour = cluster_colour(cluster)
        ends = to_hex(colour), to_hex(darkened(colour, 0.35))
        shades = LinearSegmentedColormap.from_list("cluster", ["#f4f4f4", *ends])
        image = axes.pcolormesh(
            bias_edges,
            edges,
            np.ma.masked_equal(share.T, 0),
            cmap=shades,
            norm=LogNorm(1e-3, 0.5),
            rasterized=True,
        )
        axes.axhline(noise, color="0.3", linestyle=":", linewidth=0.9)
        axes.set_yscale("log")
        axes.set_title(f"Cluster {cluster} ({n} curve{'s' * (n != 1)})", loc="left")
        bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=28)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=2, labelsize=7)
    for axes in panels[:, 0]:
        axes.set_ylabel("|I| (A)")
    for axes in panels[-1]:
        axes.set_xlabel("Bias (V)")
    return figure


def _edges(bias: np.ndarray) -> np.ndarray:
    step = (bias[-1] - bias[0]) / (bias.size - 1)
    n_bins = min(bias.size, MOST_BIAS_BINS)
    edges: np.ndarray = np.linspace(bias[0] - step / 2, bias[-1] + step / 2, n_bins + 1)
    return edges


def _shares(
    bias: np.ndarray, size: np.ndarray, bias_edges: np.ndarray, edges: np.ndarray
) -> np.ndarray:
    """Return the share of currents of each bias bin in each bin of current."""
    everywhere = np.broadcast_to(bias, size.shape)
    counts, _, _ = np.histogram2d(everywhere.ravel(), size.ravel(), [bias_edges, edges])
    total = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = counts / np.maximum(total, 1)
    return shares
