"""Plot of a metric of the sweep against the number of clusters."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from umlpsd_gpu.analyses.blinking.plots.new_axes import axes_or_new, draw_grid
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.plotting.style import ACCENT, whole_numbers
from umlpsd_gpu.scale import Scale

METRICS = {
    "silhouette": "Mean silhouette ⟨SS⟩",
    "calinski_harabasz": "Calinski–Harabasz index",
    "ssd": "Sum of squared distances",
    "misclassified_percent": "Silhouettes below 0 (% of traces)",
    "smallest_cluster_silhouette": "Least cluster silhouette",
    "separation": "Cluster margin (σ)",
    "least_separation": "Margin of the worst cluster (σ)",
}
LINES = {"raw": ":", "bin": "-", "wavelet": "--"}
# More scales than this need a wider figure for their legend
FEW_SCALES = 6


def plot_metrics(
    sweeps: Sweep | Sequence[Sweep],
    metric: str = "silhouette",
    decision: KDecision | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot a metric against the number of clusters K, averaged over the epochs.

    Parameters
    ----------
    sweeps : Sweep or sequence of Sweep
        One per smoothing scale.
    metric : str
        ``"silhouette"``, ``"calinski_harabasz"``, ``"ssd"``, ``"misclassified_percent"``,
        ``"smallest_cluster_silhouette"``, ``"separation"`` or ``"least_separation"``.
    decision : KDecision, optional
        Its scale is drawn in black, its K as a dashed line.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The band is ± 1 standard deviation over the epochs, of the black line only. Where a metric
        is not finite in any epoch there is no point.

    Raises
    ------
    SettingsError
        If there is no sweep, or the metric is not known.

    Examples
    --------
    >>> from umlpsd_gpu import plot_metrics, preprocess, sweep
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"PEB": 6, "PBB": 6}, n_frames=500).traces
    >>> found = sweep(preprocess(traces, frames_per_bin=20), k_values=range(1, 5), n_epochs=5)
    >>> axes = plot_metrics(found)
    >>> axes.get_xlabel()
    'Number of clusters K'
    """
    several = [sweeps] if isinstance(sweeps, Sweep) else list(sweeps)
    if not several:
        raise SettingsError("a plot of metrics needs at least one sweep, got none")
    if metric not in METRICS:
        raise SettingsError(f"metric '{metric}' is not known; choose from {', '.join(METRICS)}")
    chosen = several[0].scale if decision is None and len(several) == 1 else None
    chosen = chosen if decision is None else decision.scale
    width = 6.0 if len(several) <= 1 else 7.0 if len(several) <= FEW_SCALES else 7.8
    with axes_or_new(ax, (width, 3.8)) as axes:
        colours = _scale_colours([sweep.scale for sweep in several])
        for sweep in several:
            _draw_line(axes, sweep, metric, colours[sweep.scale], sweep.scale == chosen)
        if decision is not None:
            label = rf"$K_\mathrm{{opt}}$ = {decision.k_opt}"
            axes.axvline(decision.k_opt, color=ACCENT, linestyle=(0, (4, 3)), label=label)
        ks = np.concatenate([sweep.k_values for sweep in several])
        axes.set_xlim(ks.min() - 0.5, ks.max() + 0.5)
        whole_numbers(axes)
        axes.set_xlabel("Number of clusters K")
        axes.set_ylabel(METRICS[metric])
        draw_grid(axes)
        if len(several) > 1 or decision is not None:
            axes.legend(
                loc="upper left",
                bbox_to_anchor=(1.0, 1.02),
                ncols=1 if len(several) <= FEW_SCALES else 2,
                fontsize="small",
                frameon=False,
                title="Scale",
                alignment="left",
            )
    return axes


def _draw_line(
    axes: Axes, sweep: Sweep, metric: str, colour: tuple[float, ...], is_chosen: bool
) -> None:
    mean, sd = _mean_and_sd(getattr(sweep, metric))
    if not is_chosen:
        axes.plot(
            *(sweep.k_values, mean),
            color=colour,
            linewidth=1.0,
            linestyle=_line_style(sweep.scale),
            label=sweep.scale,
        )
        return
    axes.fill_between(
        sweep.k_values, mean - sd, mean + sd, color="black", alpha=0.18, linewidth=0, zorder=4
    )
    axes.plot(
        *(sweep.k_values, mean),
        color="black",
        marker="o",
        markersize=4,
        linewidth=2,
        label=sweep.scale,
        zorder=5,
    )


def _mean_and_sd(values: Array) -> tuple[Array, Array]:
    finite = np.ma.masked_invalid(values)
    mean: Array = finite.mean(axis=1).filled(np.nan)
    sd: Array = finite.std(axis=1).filled(np.nan)
    return mean, sd


def _scale_colours(names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Return light to dark from fine to coarse smoothing."""
    n_frames = {name: _n_frames(name) for name in names}
    norm = LogNorm(1, max(2, *n_frames.values(), 2) * 1.6)
    colours = matplotlib.colormaps["viridis_r"]
    return {name: colours(0.15 + 0.85 * float(norm(n))) for name, n in n_frames.items()}


def _n_frames(name: str) -> int:
    try:
        return Scale.parse(name).n_frames_averaged
    except SettingsError:  # a sweep of other curves may have any name
        return 1


def _line_style(name: str) -> str:
    try:
        return LINES[Scale.parse(name).kind]
    except SettingsError:
        return "-"
