"""Figure: Pearson correlations of the domains, compared with the clusters."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.maps.result import AssemblyMaps
from umlpsd_gpu.plotting.style import PALETTE, thin_grid

TITLE = "Pearson correlation and the clusters"
TREATMENTS = {"raw": ("Raw", PALETTE[0], "o"), "detrended": ("Detrended", PALETTE[1], "s")}
MOST_CLUSTERS_WRITTEN = 8


def caption(maps: AssemblyMaps) -> str:
    """Return the caption.

    Parameters
    ----------
    maps : AssemblyMaps

    Returns
    -------
    str
    """
    text = (
        "Left: Pearson correlation (PCC) of the mean traces of the clusters; raw below the "
        "diagonal, detrended above. Next: agreement of the clusters with domains of correlated "
        "neighbours (adjusted Rand index; 1: equal, 0: chance) at every threshold; dashed: the "
        "threshold of the map."
    )
    if maps.has_matrix:
        text += " Right: mean correlation of pairs of pixels against distance, ± standard error."
    return text


def draw_pearson(study: Study) -> Figure:
    """Draw correlations between clusters, agreement by threshold, correlation by distance.

    Parameters
    ----------
    study : Study
        With maps.

    Returns
    -------
    Figure
    """
    maps = study.maps
    assert maps is not None
    n_panels = 3 if maps.has_matrix else 2
    figure = Figure(figsize=(3.35 * n_panels, 3.3), layout="constrained")
    panels = figure.subplots(1, n_panels)
    _draw_between(panels[0], maps)
    _draw_agreement(panels[1], maps)
    if maps.has_matrix:
        _draw_distance(panels[2], maps)
    return figure


def _draw_between(axes: Axes, maps: AssemblyMaps) -> None:
    shown = np.tril(maps.raw.between_domains) + np.triu(maps.detrended.between_domains, 1)
    clusters = maps.domains.clusters.tolist()
    cmap = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#e4e4e4")
    axes.imshow(shown, cmap=cmap, vmin=-1, vmax=1)
    if len(clusters) <= MOST_CLUSTERS_WRITTEN:
        for (i, j), pcc in np.ndenumerate(shown):
            colour = "white" if abs(pcc) > 0.6 else "black"
            text = f"{pcc:.2f}".replace("-", "−") if np.isfinite(pcc) else "–"
            axes.text(j, i, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(clusters)), [str(c) for c in clusters])
    axes.set_yticks(range(len(clusters)), [str(c) for c in clusters])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Cluster")
    axes.set_ylabel("Cluster")
    axes.set_title("PCC of mean traces")


def _draw_agreement(axes: Axes, maps: AssemblyMaps) -> None:
    for name, (label, colour, _) in TREATMENTS.items():
        agreement = getattr(maps, name).agreement_by_threshold
        axes.plot(maps.thresholds, agreement, color=colour, label=label)
    axes.axvline(maps.threshold, color="0.3", linestyle=(0, (4, 3)), linewidth=1.1)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.05, 1.05)
    axes.set_xlabel("PCC threshold")
    axes.set_ylabel("Adjusted Rand index")
    axes.set_title("Clusters and Pearson domains")
    axes.legend(loc="upper left")
    thin_grid(axes)


def _draw_distance(axes: Axes, maps: AssemblyMaps) -> None:
    scale = maps.pixel_size_um or 1.0
    for name, (label, colour, marker) in TREATMENTS.items():
        pearson = getattr(maps, name)
        distance, mean = scale * pearson.distance_px, pearson.distance_mean
        stderr = np.nan_to_num(pearson.distance_stderr)
        axes.fill_between(
            distance, mean - stderr, mean + stderr, color=colour, alpha=0.25, linewidth=0
        )
        axes.plot(distance, mean, color=colour, marker=marker, markersize=2.5, label=label)
    axes.set_xlim(left=0)
    axes.set_xlabel("Distance (µm)" if maps.pixel_size_um else "Distance (px)")
    axes.set_ylabel("Mean PCC of pairs")
    axes.set_title("Correlation against distance")
    axes.legend(loc="upper right")
    thin_grid(axes)
