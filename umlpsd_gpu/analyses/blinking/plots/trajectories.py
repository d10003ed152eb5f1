"""Plots of trajectories: single ones, and the mean of every cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from umlpsd_gpu.analyses.blinking.plots.new_axes import axes_or_new
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.plotting.decimate import decimate_band, decimate_line
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour
from umlpsd_gpu.traces.traces import Traces

N_SHOWN = 6
# Distance of two baselines, in heights of what is drawn on them
STEP, CLUSTER_STEP = 1.12, 1.22
ROW_IN, FRAME_IN = 0.62, 0.75


def plot_traces(
    traces: Traces,
    which: Sequence[int] | Array | None = None,
    labels: Array | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot trajectories against time, one above the other.

    Parameters
    ----------
    traces : Traces
    which : sequence of int, or of bool, optional
        Traces to show, from the top down. Default: six, evenly chosen.
    labels : ndarray, shape (n_traces,), int, optional
        Cluster of each trace, from 1, for the colours; 0 is grey.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The bar at the right is as high as the number beside it, in counts (or 1 for scaled
        traces). NaN leaves a gap.

    Raises
    ------
    TracesError
        If no trace is chosen, or there is not one label per trace.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> from umlpsd_gpu import plot_traces
    >>> simulated = simulate_traces({"PEB": 2, "PBB": 2}, n_frames=500)
    >>> axes = plot_traces(simulated.traces, which=[0, 3])
    >>> axes.get_xlabel()
    'Time (s)'
    """
    shown = _chosen(traces, which)
    numbers = _one_label_each(labels, traces.n_traces)
    values = np.asarray(traces.values[shown], dtype=np.float64)
    low, high = np.nanmin(values, axis=1), np.nanmax(values, axis=1)
    step = STEP * (float(np.nanmax(high - low)) or 1.0)
    time_s = traces.dt_s * np.arange(traces.n_frames)
    with axes_or_new(ax, (6.4, FRAME_IN + ROW_IN * len(shown))) as axes:
        for place, trace in enumerate(shown):
            base = (len(shown) - 1 - place) * step
            colour = cluster_colour(1) if labels is None else _colour(numbers[trace])
            line = decimate_line(time_s, values[place] - low[place] + base)
            axes.plot(*line, color=colour, linewidth=0.6)
        places = step * np.arange(len(shown))[::-1]
        axes.set_yticks(places + 0.3 * step, [traces.ids[trace] for trace in shown])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(-0.06 * step, len(shown) * step)
        axes.set_xlim(0, traces.n_frames * traces.dt_s)
        axes.set_xlabel("Time (s)")
        _draw_height_bar(axes, step, _unit(traces))
    return axes


def plot_clusters(
    traces: Traces, labels: Array, which: Sequence[int] | None = None, ax: Axes | None = None
) -> Axes:
    """Plot the mean trajectory of every cluster, one above the other.

    Parameters
    ----------
    traces : Traces
        Usually scaled by `preprocess`.
    labels : ndarray, shape (n_traces,), int
        Cluster of each trace, from 1; 0 is left out.
    which : sequence of int, optional
        Clusters to show, from the top down. Default: all.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The bands are ± 1 standard deviation over the traces. NaN is left out.

    Raises
    ------
    TracesError
        If no trace has a label above 0, or there is not one label per trace.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import plot_clusters, preprocess
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> simulated = simulate_traces({"PEB": 5, "PBB": 5}, n_frames=500)
    >>> labels = np.where(simulated.classes == "PEB", 1, 2)
    >>> axes = plot_clusters(preprocess(simulated.traces, frames_per_bin=20), labels)
    >>> axes.get_ylabel()
    'Scaled intensity'
    """
    numbers = _one_label_each(labels, traces.n_traces)
    clusters = np.unique(numbers[numbers > 0]).tolist() if which is None else list(which)
    if not clusters or not np.isin(clusters, numbers).all():
        raise TracesError(
            f"no trace has a label of {clusters or 'a cluster'}; labels are whole numbers from 1"
        )
    means, spreads = zip(*(_mean_and_sd(traces, numbers == c) for c in clusters), strict=True)
    low = min(float(np.nanmin(m - s)) for m, s in zip(means, spreads, strict=True))
    high = max(float(np.nanmax(m + s)) for m, s in zip(means, spreads, strict=True))
    if _unit(traces) == "":
        low, high = 0.0, 1.0
    step = CLUSTER_STEP * ((high - low) or 1.0)
    time_s = traces.dt_s * (np.arange(traces.n_frames) + 0.5)
    with axes_or_new(ax, (6.4, FRAME_IN + 1.6 * ROW_IN * len(clusters))) as axes:
        for place, cluster in enumerate(clusters):
            base = (len(clusters) - 1 - place) * step - low
            mean, sd, colour = means[place], spreads[place], cluster_colour(cluster)
            bottom, top = np.clip([mean - sd, mean + sd], low, high)
            band = decimate_band(time_s, bottom + base, top + base)
            axes.fill_between(*band, color=colour, alpha=0.25, linewidth=0)
            axes.plot(*decimate_line(time_s, mean + base), color=colour, linewidth=1.4)
            axes.axhline(low + base, color=colour, linewidth=0.6, alpha=0.5, zorder=0)
            n_traces = int(np.count_nonzero(numbers == cluster))
            axes.text(
                *(1.01, base + (low + high) / 2, f"Cluster {cluster}\nn = {n_traces}"),
                transform=axes.get_yaxis_transform(),
                color=colour,
                va="center",
                fontsize="small",
            )
        bases = step * np.arange(len(clusters))
        ticks = np.stack([bases, bases + high - low], axis=1).ravel()
        axes.set_yticks(ticks, [_round(low), _round(high)] * len(clusters))
        axes.set_ylim(-0.04 * step, bases[-1] + 1.04 * (high - low))
        axes.set_xlim(0, traces.n_frames * traces.dt_s)
        axes.set_xlabel("Time (s)")
        axes.set_ylabel("Scaled intensity" if _unit(traces) == "" else "Intensity (counts)")
    return axes


def _chosen(traces: Traces, which: Sequence[int] | Array | None) -> list[int]:
    if which is None:
        n_shown = min(N_SHOWN, traces.n_traces)
        even = np.linspace(0, traces.n_traces - 1, n_shown).round().astype(int)
        return [int(trace) for trace in even]
    picked = np.asarray(which)
    picked = np.flatnonzero(picked) if picked.dtype == bool else picked.astype(int)
    if not picked.size or picked.min() < 0 or picked.max() >= traces.n_traces:
        raise TracesError(
            f"which must name at least one of the {traces.n_traces} traces, counted from 0, got "
            f"{np.asarray(which).tolist()}"
        )
    return [int(trace) for trace in picked]


def _one_label_each(labels: Array | None, n_traces: int) -> Array:
    numbers = np.zeros(n_traces, dtype=np.int64) if labels is None else np.asarray(labels)
    if numbers.shape != (n_traces,):
        raise TracesError(
            f"labels must hold one number for each of the {n_traces} traces, got the shape "
            f"{numbers.shape}"
        )
    return numbers


def _colour(cluster: int) -> tuple[float, float, float] | str:
    return cluster_colour(int(cluster)) if cluster > 0 else FLAGGED


def _unit(traces: Traces) -> str:
    return "" if traces.history and traces.history[-1].endswith("minmax") else "counts"


def _mean_and_sd(traces: Traces, members: Array) -> tuple[Array, Array]:
    values = np.ma.masked_invalid(np.asarray(traces.values[members], dtype=np.float64))
    mean: Array = values.mean(axis=0).filled(np.nan)
    sd: Array = values.std(axis=0).filled(np.nan)
    return mean, sd


def _draw_height_bar(axes: Axes, step: float, unit: str) -> None:
    """Draw a bar of 1, 2 or 5 × 10^n, about half a step high, to the right of the axes."""
    wanted = 0.6 * step
    decade = 10.0 ** np.floor(np.log10(wanted))
    height = decade * max(m for m in (1, 2, 5) if m * decade <= wanted)
    across = axes.get_yaxis_transform()
    axes.plot(
        [1.015, 1.015], [0, height], color="black", linewidth=1.5, transform=across, clip_on=False
    )
    axes.text(
        *(1.03, height / 2, f"{height:g} {unit}".strip()),
        transform=across,
        va="center",
        fontsize="small",
    )


def _round(value: float) -> str:
    """Write a number of counts with three digits, never as a power of ten."""
    return f"{float(f'{value:.3g}'):,g}" if abs(value) < 1e6 else f"{value:.3g}"
