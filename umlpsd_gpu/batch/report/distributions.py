"""Figures: how numbers are distributed over the studies of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.batch.report.outlying import FEWEST, RULE, Spread
from umlpsd_gpu.batch.report.table import MovieRow
from umlpsd_gpu.plotting.figures import FigurePlan
from umlpsd_gpu.plotting.style import ACCENT, cluster_colour, thin_grid, whole_numbers

# Shades of one blue: sure, likely, unsure
SURENESS = (
    (0.9, "#08519c", "0.9 or more"),
    (0.5, "#6baed6", "0.5 to 0.9"),
    (0.0, "#c6dbef", "less"),
)
K_NAME = "k_opt"
LIMITS: dict[str, Any] = {"color": ACCENT, "linestyle": (0, (4, 3)), "linewidth": 1.1}
MOST_BINS = 60


def distribution_plans(
    rows: Sequence[MovieRow], spreads: Sequence[Spread], inputs: str
) -> Iterator[FigurePlan]:
    """Yield a figure for each number that is judged.

    Parameters
    ----------
    rows : sequence of MovieRow
        With a result.
    spreads : sequence of Spread
    inputs : str
        What the inputs are called, in the plural.

    Yields
    ------
    FigurePlan
    """
    for spread in spreads:
        if not np.isfinite(spread.median):
            continue
        heading = spread.column.heading
        n_out = int(spread.is_outlying.sum())
        told = (
            f" Dashed: limits, beyond which {n_out or 'none'} are outlying ({RULE})."
            if np.isfinite(spread.low)
            else f" Fewer than {FEWEST}: none is called outlying."
        )
        if spread.column.name == K_NAME:
            sure = [row.summary.get("confidence") for row in rows]
            shades = ", shaded by the confidence of the decision" * any(
                value is not None for value in sure
            )
            yield FigurePlan(
                "clusters",
                f"Distribution of {heading}",
                f"{heading} of {len(rows)} {inputs}{shades}.{told}",
                partial(_draw_counts, spread=spread, sure=sure, inputs=inputs),
            )
        else:
            yield FigurePlan(
                f"distribution_{spread.column.name}",
                f"Distribution of {heading}",
                f"{heading} of {int(np.isfinite(spread.values).sum())} {inputs}; vertical line: "
                f"median.{told}",
                partial(_draw_histogram, spread=spread, inputs=inputs),
            )


def _draw_counts(shown: Any, spread: Spread, sure: Sequence[float | None], inputs: str) -> Figure:
    figure, axes = _new_axes()
    known = np.isfinite(spread.values)
    k = spread.values[known].astype(int)
    confidence = np.array([value or 0.0 for value in sure])[known]
    has_confidence = any(value is not None for value in sure)
    k_values = np.arange(k.min(), k.max() + 1)
    below, upper = np.zeros(k_values.size), np.inf
    for least, colour, label in SURENESS if has_confidence else SURENESS[:1]:
        chosen = (confidence >= least) & (confidence < upper) if has_confidence else k >= 0
        counts = np.array([np.count_nonzero(chosen & (k == value)) for value in k_values])
        if counts.any():
            axes.bar(k_values, counts, 0.7, bottom=below, color=colour, label=label)
        below, upper = below + counts, least
    _draw_limits(axes, spread)
    axes.set_xlim(min(k.min(), 1) - 0.6, max(4, k.max()) + 0.6)
    whole_numbers(axes, 16)
    _finish(axes, spread, inputs)
    if has_confidence:
        figure.legend(title="Confidence", loc="outside right upper")
    return figure


def _draw_histogram(shown: Any, spread: Spread, inputs: str) -> Figure:
    figure, axes = _new_axes()
    values = spread.values[np.isfinite(spread.values)]
    n_bins = len(np.histogram_bin_edges(values, "auto")) - 1 if np.ptp(values) > 0 else 1
    edges = np.histogram_bin_edges(values, min(MOST_BINS, max(5, n_bins)))
    axes.hist(values, edges.tolist(), color=cluster_colour(1), edgecolor="white", linewidth=0.4)
    outlying = spread.values[spread.is_outlying]
    if outlying.size:
        # each outlying study is seen, however high the others' bars are
        axes.plot(
            *(outlying, np.zeros(outlying.size), "|"),
            color=ACCENT,
            markersize=11,
            markeredgewidth=1.6,
            clip_on=False,
            zorder=5,
            label="outlying",
        )
    axes.axvline(spread.median, color="black", linewidth=1.0)
    _draw_limits(axes, spread)
    _finish(axes, spread, inputs)
    return figure


def _new_axes() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.0), layout="constrained")
    return figure, figure.subplots()


def _draw_limits(axes: Axes, spread: Spread) -> None:
    known = spread.values[np.isfinite(spread.values)]
    for limit in (spread.low, spread.high):
        # a limit far from all values would squeeze them
        if known.min() - spread.sd <= limit <= known.max() + spread.sd:
            axes.axvline(limit, **LIMITS)


def _finish(axes: Axes, spread: Spread, inputs: str) -> None:
    axes.set_xlabel(spread.column.heading)
    axes.set_ylabel(inputs.capitalize())
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    thin_grid(axes)
    axes.grid(False, axis="x")
