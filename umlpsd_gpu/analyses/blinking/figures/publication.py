"""Figures 1 to 4 for a paper: data, metrics, clusters with their spectra, and maps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from umlpsd_gpu.analyses.blinking.figures import maps, profiles
from umlpsd_gpu.analyses.blinking.plots.maps import plot_study_map
from umlpsd_gpu.analyses.blinking.plots.spectra import plot_exponents, plot_power_spectra
from umlpsd_gpu.analyses.blinking.plots.trajectories import plot_clusters, plot_traces
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.figures import FigurePlan
from umlpsd_gpu.plotting.publication import (
    MM_PER_INCH,
    Journal,
    add_panel_letter,
    fit_journal,
    keep_legible,
    thin_out,
)
from umlpsd_gpu.traces.traces import Traces

# Typical traces that are shown, all clusters together; and clusters with their mean
MOST_TRACES, MOST_MEANS = 6, 6
# Lines of the plots are drawn for figures of a screen
THINNER = 0.6


def publication_plans(study: Study, journal: Journal) -> Iterator[FigurePlan]:
    """Yield the figures for a paper.

    Parameters
    ----------
    study : Study
    journal : Journal

    Yields
    ------
    FigurePlan
        Figure 4 only for studies with maps.
    """
    yield FigurePlan(
        "figure_1",
        "Traces and where they are",
        "Time-averaged image with the cluster of each trace, and the typical traces of each "
        "cluster (largest silhouettes).",
        partial(draw_data, journal=journal),
    )
    yield FigurePlan(
        "figure_2", profiles.TITLE, profiles.CAPTION, partial(draw_metrics, journal=journal)
    )
    yield FigurePlan(
        "figure_3",
        "Clusters, their power spectra and exponents",
        "Mean scaled traces of the clusters with ± 1 standard deviation; mean power spectral "
        "densities with ± 1 standard error and mean power laws (dashed); exponents β of all "
        "traces with ⟨β⟩ (diamond).",
        partial(draw_clusters, journal=journal),
    )
    if study.maps is not None:
        yield FigurePlan(
            "figure_4", maps.TITLE, maps.caption(study.maps), partial(draw_maps, journal=journal)
        )


def draw_data(study: Study, journal: Journal) -> Figure:
    """Draw the image of the first movie with the clusters, and typical traces.

    Parameters
    ----------
    study : Study
    journal : Journal

    Returns
    -------
    Figure
        Without a movie only the traces.
    """
    figure = _new_figure(journal, 72.0)
    width_ratios = [1.0, 1.25] if study.movies else [1.0]
    panels = figure.subplots(1, len(width_ratios), squeeze=False, width_ratios=width_ratios)[0]
    if study.movies:
        plot_study_map(study, "cluster", ax=panels[0])
    plot_traces(study.traces, typical_traces(study), study.labels, ax=panels[-1])
    return _finish(figure, panels, journal)


def draw_metrics(study: Study, journal: Journal) -> Figure:
    """Draw the metrics of the sweeps.

    Parameters
    ----------
    study : Study
    journal : Journal

    Returns
    -------
    Figure
    """
    figure = profiles.draw_profiles(study)
    fit_journal(figure, journal)
    _letter(figure.axes[:5], journal)
    return figure


def draw_clusters(study: Study, journal: Journal) -> Figure:
    """Draw mean traces, spectra and exponents of the clusters.

    Parameters
    ----------
    study : Study
    journal : Journal

    Returns
    -------
    Figure
    """
    figure = _new_figure(journal, 62.0)
    panels = figure.subplots(1, 3, width_ratios=[1.15, 1.1, 0.8])
    clusters = study.clusters.clusters[:MOST_MEANS].tolist()
    plot_clusters(_scaled_traces(study), study.labels[study.clustered], clusters, ax=panels[0])
    plot_power_spectra(study.spectrum, study.labels, study.fit, ax=panels[1])
    plot_exponents(study.fit, study.labels, ax=panels[2])
    return _finish(figure, panels, journal)


def draw_maps(study: Study, journal: Journal) -> Figure:
    """Draw the maps of a crystal assembly.

    Parameters
    ----------
    study : Study
        With maps.
    journal : Journal

    Returns
    -------
    Figure
    """
    figure = maps.draw_maps(study)
    fit_journal(figure, journal)
    return figure


def typical_traces(study: Study) -> list[int]:
    """Return the traces with the largest silhouettes, as many of each cluster.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of int
        Ordered by cluster; for a single cluster, which has no silhouettes, its first traces.
    """
    clusters = study.clusters.clusters.tolist()
    n_each = max(1, MOST_TRACES // len(clusters))
    chosen: list[int] = []
    for cluster in clusters[:MOST_TRACES]:
        members = np.flatnonzero(study.labels == cluster)
        order = np.argsort(-np.nan_to_num(study.silhouette[members], nan=-2.0), kind="stable")
        chosen += members[order[:n_each]].tolist()
    return chosen


def _scaled_traces(study: Study) -> Traces:
    """Return the scaled traces as such, so that they are plotted over time."""
    traces, n_samples = study.traces, study.scaled.shape[1]
    kept = study.clustered
    return Traces(
        values=study.scaled,
        dt_s=traces.n_frames * traces.dt_s / n_samples,
        rows=traces.rows[kept],
        cols=traces.cols[kept],
        source=tuple(np.array(traces.source, dtype=object)[kept]),
        ids=tuple(np.array(traces.ids, dtype=object)[kept]),
        history=(*traces.history, f"{study.decision.scale}, minmax"),
    )


def _new_figure(journal: Journal, height_mm: float) -> Figure:
    size = journal.double_mm / MM_PER_INCH, height_mm / MM_PER_INCH
    return Figure(figsize=size, layout="constrained")


def _finish(figure: Figure, panels: list[Axes], journal: Journal) -> Figure:
    thin_out(figure, THINNER)
    keep_legible(figure)
    _letter(panels, journal)
    return figure


def _letter(panels: list[Axes], journal: Journal) -> None:
    for axes, letter in zip(panels, "abcdefgh", strict=False):
        add_panel_letter(axes, letter, journal)
