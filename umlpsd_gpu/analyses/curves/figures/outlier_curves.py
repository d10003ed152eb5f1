"""Figure: the curves that fit no cluster."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from umlpsd_gpu.analyses.curves.figures.summary_curves import summary_curves
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.si_units import si_scale
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour, thin_grid

TITLE = "Outliers"
CAPTION = (
    "Black: the curves with the largest outlier scores, of {n} outliers. In colour: band from the "
    "10 % to the 90 % quantile of the cluster that each was counted to. The scale is linear within "
    "the noise (between the dotted lines) and logarithmic beyond."
)
MOST_CURVES = 8


def caption(study: CurveStudy) -> str:
    """Return the caption.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    str
    """
    return CAPTION.format(n=int(study.clustering.outliers.is_outlier.sum()))


def draw_outliers(study: CurveStudy) -> Figure:
    """Draw the curves with the largest outlier scores, each before its cluster.

    Parameters
    ----------
    study : CurveStudy
        With at least one outlier.

    Returns
    -------
    Figure
    """
    clustering, conditioned = study.clustering, study.conditioned
    score = np.where(clustering.outliers.is_outlier, clustering.outliers.score, -np.inf)
    n_shown = min(MOST_CURVES, int(clustering.outliers.is_outlier.sum()))
    worst = np.argsort(-score, kind="stable")[:n_shown]
    n_cols = min(4, n_shown)
    n_rows = -(-n_shown // n_cols)
    figure = Figure(figsize=(10, 0.4 + 2.3 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_cols, sharex=True, sharey=True, squeeze=False)
    for axes in panels.ravel()[n_shown:]:
        axes.set_axis_off()
    curves = summary_curves(study)
    noise = float(np.median(conditioned.noise[conditioned.is_usable]))
    factor, unit = si_scale(
        np.concatenate([v[worst].ravel() for v in conditioned.current.values()]), "A"
    )
    most = factor * max(float(np.nanmax(np.abs(v[worst]))) for v in conditioned.current.values())
    for axes, curve in zip(panels.ravel(), worst.tolist(), strict=False):
        cluster = int(clustering.labels[curve])
        for sweep in curves[cluster]:
            ends = factor * sweep.low, factor * sweep.high
            colour = cluster_colour(cluster)
            axes.fill_between(conditioned.bias, *ends, color=colour, alpha=0.3, linewidth=0)
            values = factor * conditioned.current[sweep.sweep][curve]
            axes.plot(conditioned.bias, values, color="black", linewidth=0.8)
        for limit in (-noise, noise):
            axes.axhline(3 * factor * limit, color=FLAGGED, linestyle=":", linewidth=0.8)
        axes.set_yscale("symlog", linthresh=3 * factor * noise, linscale=0.6)
        axes.yaxis.set_major_locator(FixedLocator(_ticks(3 * factor * noise, most)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_title(f"{_place(study, curve)}, score {score[curve]:.1f}", loc="left")
        thin_grid(axes)
    for axes in panels[:, 0]:
        axes.set_ylabel(f"I ({unit})")
    for axes in panels[-1]:
        axes.set_xlabel("Bias (V)")
    return figure


def _ticks(linear: float, most: float) -> list[float]:
    """Return zero and at most three powers of ten on each side, beyond the linear part."""
    lowest, highest = int(np.ceil(np.log10(linear))), int(np.floor(np.log10(max(most, linear))))
    step = max(1, -(-(highest - lowest + 1) // 3))
    powers = [10.0**power for power in range(highest, lowest - 1, -step)]
    return [-power for power in powers] + [0.0] + powers[::-1]


def _place(study: CurveStudy, curve: int) -> str:
    if study.map.shape is None:
        return f"Curve {curve + 1}"
    row, col = divmod(curve, study.map.shape[1])
    return f"Row {row}, column {col}"
