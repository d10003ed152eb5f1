"""The figures of a benchmark: the claim as bars, and scaling with the machine's limits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter, ScalarFormatter

from umlpsd_gpu.bench.claim import PAPER, PAPER_SECONDS, SCALES, ClaimTable
from umlpsd_gpu.bench.paper_protocol import ALL
from umlpsd_gpu.bench.result import BenchResult
from umlpsd_gpu.bench.roofline import Ceilings
from umlpsd_gpu.bench.scaling import AXES, Curve
from umlpsd_gpu.bench.timing import format_duration
from umlpsd_gpu.plotting.style import (
    ACCENT,
    FLAGGED,
    PALETTE,
    DrawnFigure,
    house_style,
    render,
    thin_grid,
)

CLAIM_CAPTION = (
    "Silhouette, Calinski–Harabasz and SSD of 14 K × 100 epochs; bars are medians, thin lines the "
    "range over rounds. Numbers on the right: gain from smoothing (raw over W80). The distance "
    "between groups is the gain from engines. Grey: results that disagree with the reference."
)
SCALING_CAPTION = (
    "Seconds (top, all cores) and peak memory in arrays (bottom) of a sweep of K 2…15 × 100 epochs "
    "on 204 traces of 125 samples, one size varied at a time. Dashed: the lower limit, "
    "which is the time for the sweep's products and sums alone at the best rates measured on this "
    "machine. p: exponent fitted to the upper half of the sizes (thin line)."
)
SCALE_COLOURS = dict(zip(SCALES, PALETTE, strict=False))
BAR_HEIGHT = 0.25


def draw_bench(result: BenchResult) -> tuple[DrawnFigure, ...]:
    """Draw every figure of a benchmark.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    tuple of DrawnFigure
    """
    with house_style():
        return tuple(
            DrawnFigure(name, title, caption, *render(figure))
            for name, title, caption, figure in _plans(result)
        )


def _plans(result: BenchResult) -> Iterator[tuple[str, str, str, Figure]]:
    yield "claim", "Gains from smoothing and from engines", CLAIM_CAPTION, draw_claim(result)
    title = "Scaling of the sweep on the CPU"
    yield "scaling", title, SCALING_CAPTION, draw_scaling(result.curves, result.ceilings)


def draw_claim(result: BenchResult) -> Figure:
    """Draw the times for all three metrics, a group of bars for each contender.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    Figure
    """
    groups = _groups(result.claim)
    figure = Figure(figsize=(8.5, 0.9 + 0.75 * len(groups)), layout="constrained")
    axes = figure.subplots()
    for place, (_, bars, ratio) in enumerate(groups):
        for i, scale in enumerate(SCALES):
            at = place + BAR_HEIGHT * (i - 1)
            _draw_bar(axes, at, scale, bars[scale], ratio is not None)
    longest = max(high for _, bars, _ in groups for _, _, high in bars.values())
    shortest = min(low for _, bars, _ in groups for _, low, _ in bars.values())
    axes.set_xscale("log")
    axes.set_xlim(shortest / 3, longest * 60)
    for place, (_, _, ratio) in enumerate(groups):
        text = "disagrees" if ratio is None else f"{ratio:.2g}×"
        axes.text(longest * 45, place, text, ha="right", va="center", fontsize=9, color=ACCENT)
    axes.set_yticks(range(len(groups)), [name for name, _, _ in groups])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Seconds for silhouette, Calinski–Harabasz and SSD, 14 K × 100 epochs")
    handles = [Patch(color=SCALE_COLOURS[scale], label=scale) for scale in SCALES]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(SCALES))
    axes.set_title("raw / W80", loc="right", color=ACCENT, fontsize=9)
    axes.grid(True, axis="x", which="major")
    return figure


def _groups(
    claim: ClaimTable,
) -> list[tuple[str, dict[str, tuple[float, float, float]], float | None]]:
    """Return name, median with range by scale, and raw / W80 (None: disagrees), paper first."""
    paper = {scale: (s, s, s) for scale, s in zip(SCALES, PAPER_SECONDS[ALL], strict=True)}
    groups: list[tuple[str, dict[str, tuple[float, float, float]], float | None]]
    groups = [(PAPER, paper, paper["raw"][0] / paper["W80"][0])]
    for row in claim.rows:
        if row.metric == ALL:
            bars = {scale: (m.median, m.low, m.high) for scale, m in row.seconds.items()}
            ratio = row.saved_by_smoothing("raw") if claim.agrees(row.who) else None
            groups.append((row.who.replace(", ", ",\n"), bars, ratio))
    return groups


def _draw_bar(
    axes: Axes, place: float, scale: str, bar: tuple[float, float, float], agrees: bool
) -> None:
    median, low, high = bar
    colour = SCALE_COLOURS[scale] if agrees else FLAGGED
    axes.barh(place, median, height=0.9 * BAR_HEIGHT, color=colour)
    axes.plot([low, high], [place, place], color="black", linewidth=0.8)
    axes.text(max(median, high) * 1.15, place, format_duration(median), va="center", fontsize=7.5)


def draw_scaling(curves: tuple[Curve, ...], ceilings: Ceilings) -> Figure:
    """Draw time with its lower limit, and memory, against each size.

    Parameters
    ----------
    curves : tuple of Curve
    ceilings : Ceilings

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    panels = figure.subplots(2, len(curves), sharex="col", sharey="row", squeeze=False)
    for column, curve in enumerate(curves):
        time, memory = panels[:, column]
        floors = np.array([point.work.floor_s(ceilings) for point in curve.points])
        megabytes = np.array([point.peak_bytes / 1e6 for point in curve.points])
        _draw_curve(time, curve, curve.seconds, curve.time_exponent, PALETTE[0])
        time.plot(curve.sizes, floors, "--", color="black", linewidth=1, label="lower limit")
        _draw_curve(memory, curve, megabytes, curve.memory_exponent, PALETTE[2])
        memory.set_xlabel(AXES[curve.axis])
        for axes in (time, memory):
            axes.set_xscale("log")
            axes.set_yscale("log")
            thin_grid(axes)
            axes.legend(loc="upper left")
        if curve.sizes[-1] < 100 * curve.sizes[0]:
            # powers of ten are too far apart for such a range
            memory.set_xticks(curve.sizes[:: max(1, len(curve.sizes) // 4)])
            memory.xaxis.set_major_formatter(ScalarFormatter())
            memory.xaxis.set_minor_formatter(NullFormatter())
    panels[0, 0].set_ylabel("Seconds")
    panels[1, 0].set_ylabel("Peak memory in arrays (MB)")
    for axes in panels.ravel():
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * 1.8)  # room for the legends
    return figure


def _draw_curve(axes: Axes, curve: Curve, values: np.ndarray, exponent: float, colour: str) -> None:
    sizes = curve.sizes
    axes.plot(sizes, values, "o", color=colour, markersize=4.5, label="sweep")
    upper = slice(len(sizes) // 2 if len(sizes) > 3 else 0, None)
    level = np.exp(np.mean(np.log(values[upper]) - exponent * np.log(sizes[upper])))
    line = level * sizes[upper] ** exponent
    label = f"p = {exponent:.2f}".replace("-", "−")
    axes.plot(sizes[upper], line, color=colour, linewidth=1, label=label)
