"""Figure: rank correlation of the quantities with the height of the sample."""

from __future__ import annotations

from matplotlib.figure import Figure

from umlpsd_gpu.analyses.curves.rank_correlation import correlate_with_height
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.style import ACCENT, FLAGGED

TITLE = "Correlation with the topography"
CAPTION = (
    "Spearman's rank correlation of each quantity with the height, over the pixels in which it is "
    "valid, with 95 % intervals that take into account that neighbouring pixels are alike. Orange: "
    "the interval excludes 0."
)


def draw_height_correlation(study: CurveStudy) -> Figure:
    """Draw the correlation of every quantity with the height.

    Parameters
    ----------
    study : CurveStudy
        With topography, and a quantity that is valid.

    Returns
    -------
    Figure
    """
    found = sorted(correlate_with_height(study), key=lambda each: each.rho)
    figure = Figure(figsize=(10, 0.9 + 0.22 * len(found)), layout="constrained")
    axes = figure.add_subplot()
    for place, each in enumerate(found):
        colour = ACCENT if each.low > 0 or each.high < 0 else FLAGGED
        axes.plot([each.low, each.high], [place, place], color=colour, linewidth=1.6)
        axes.plot(each.rho, place, "o", color=colour, markersize=4)
    axes.axvline(0, color="0.4", linewidth=0.8)
    labels = [f"{each.title}  (n = {each.n:,})" for each in found]
    axes.set_yticks(range(len(found)), labels)
    axes.set_xlim(-1, 1)
    axes.set_ylim(-0.7, len(found) - 0.3)
    axes.set_xlabel("Spearman's ρ with the height")
    axes.grid(True, axis="x")
    return figure
