"""The figure of a validation of a result: what was found again, against the truth."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.plotting.figures import FigurePlan
from umlpsd_gpu.plotting.style import FLAGGED, PALETTE, cluster_colour, thin_grid
from umlpsd_gpu.validation.like_result import RecoveredQuantity, ResultValidation
from umlpsd_gpu.validation.rates import NORMAL_975

CAPTION = (
    "Left: in how many data sets each number of components was found; the true one is blue. Right: "
    "what was found in each data set (points) less the truth, for quantities with a stated error; "
    "grey bands are the stated 95 % intervals (median over the data sets)."
)
# Points of one quantity are spread over this part of its row
SPREAD = 0.5
ROW_INCHES, LEAST_INCHES = 0.34, 2.4


def plans_of(validation: ResultValidation) -> list[FigurePlan]:
    """Return the figures of a validation.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    list of FigurePlan
    """
    return [FigurePlan("recovery", "What is found again", CAPTION, draw_recovery)]


def draw_recovery(validation: ResultValidation) -> Figure:
    """Draw the numbers of components that were found, and the deviations from the truth.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    Figure
    """
    shown = [each for each in validation.quantities if each.coverage is not None]
    height = max(LEAST_INCHES, 0.9 + ROW_INCHES * len(shown))
    figure = Figure(figsize=(10, height), layout="constrained")
    if not shown:
        _draw_numbers(figure.add_subplot(), validation)
        return figure
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.6))
    _draw_numbers(left, validation)
    _draw_deviations(right, shown)
    return figure


def _draw_numbers(axes: Axes, validation: ResultValidation) -> None:
    times = Counter(validation.k_found)
    decided = [k for k in times if k is not None]
    lowest, highest = min([validation.k_true, *decided]), max([validation.k_true, *decided])
    numbers = list(range(lowest, highest + 1))
    colours = [PALETTE[0] if k == validation.k_true else FLAGGED for k in numbers]
    names = [str(k) for k in numbers]
    heights = [times[k] for k in numbers]
    if None in times:
        names, heights, colours = [*names, "?"], [*heights, times[None]], [*colours, "#d0d0d0"]
    bars = axes.bar(range(len(names)), heights, color=colours, width=0.6)
    axes.bar_label(bars, fontsize=8)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.8, len(names) - 0.2)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("Components found" + (" (?: undecided)" if None in times else ""))
    axes.set_ylabel("Data sets")


def _draw_deviations(axes: Axes, shown: list[RecoveredQuantity]) -> None:
    groups = list(dict.fromkeys(each.group for each in shown))
    for row, quantity in enumerate(shown):
        half = NORMAL_975 * float(np.nanmedian(quantity.errors))
        axes.barh(row, 2 * half, left=-half, height=0.62, color="#e2e2e2")
        n = len(quantity.found)
        places = row + SPREAD * (np.arange(n) / max(1, n - 1) - 0.5) * (n > 1)
        colour = cluster_colour(1 + groups.index(quantity.group))
        deviations = quantity.found - quantity.truth
        axes.plot(deviations, places, "o", color=colour, markersize=3, alpha=0.8, linewidth=0)
    axes.axvline(0, color="black", linewidth=0.8)
    names = [f"{each.group.partition(' (')[0]}: {each.name}" for each in shown]
    axes.set_yticks(range(len(shown)), names)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel("Found less truth")
    thin_grid(axes)
    axes.grid(False, axis="y")
