"""The figures of a study of curves, in the order of its report."""

from __future__ import annotations

from collections.abc import Sequence

from umlpsd_gpu.analyses.curves.figures import (
    cluster_maps,
    height_correlation,
    histograms,
    mean_curves,
    outlier_curves,
    quantity_maps,
)
from umlpsd_gpu.analyses.curves.rank_correlation import correlate_with_height
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.figures import FigurePlan


def figures_of(study: CurveStudy) -> Sequence[FigurePlan]:
    """Return the figures of a study; maps only of curves on a grid.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    sequence of FigurePlan
    """
    has_grid = study.map.shape is not None
    plans = []
    if has_grid:
        plans.append(
            FigurePlan(
                "cluster_maps",
                cluster_maps.TITLE,
                cluster_maps.caption(study),
                cluster_maps.draw_cluster_maps,
            )
        )
    plans.append(
        FigurePlan(
            "mean_curves", mean_curves.TITLE, mean_curves.CAPTION, mean_curves.draw_mean_curves
        )
    )
    plans.append(
        FigurePlan(
            "histograms",
            histograms.TITLE,
            histograms.caption(study),
            histograms.draw_histograms,
            is_slow=True,
        )
    )
    if study.clustering.outliers.is_outlier.any():
        caption = outlier_curves.caption(study)
        plans.append(
            FigurePlan("outliers", outlier_curves.TITLE, caption, outlier_curves.draw_outliers)
        )
    if has_grid and quantity_maps.shown_quantities(study):
        plans.append(
            FigurePlan(
                "quantity_maps",
                quantity_maps.TITLE,
                quantity_maps.caption(),
                quantity_maps.draw_quantity_maps,
                is_slow=True,
            )
        )
    if correlate_with_height(study):
        plans.append(
            FigurePlan(
                "height_correlation",
                height_correlation.TITLE,
                height_correlation.CAPTION,
                height_correlation.draw_height_correlation,
            )
        )
    return plans
