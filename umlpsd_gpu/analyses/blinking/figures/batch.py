"""Figures of a batch of movies: exponents by cluster, durations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.protocol import BatchRow
from umlpsd_gpu.plotting.figures import FigurePlan
from umlpsd_gpu.plotting.style import cluster_colour, thin_grid, whole_numbers

MOST_ERROR_BARS = 200  # [I] for more movies, error bars would overlap


def batch_figures(rows: Sequence[BatchRow]) -> Iterator[FigurePlan]:
    """Yield the figures of a batch.

    Parameters
    ----------
    rows : sequence of BatchRow
        Movies that have studies.

    Yields
    ------
    FigurePlan
    """
    yield FigurePlan(
        "exponents",
        "Exponents by movie and cluster",
        "Mean exponent ⟨β⟩ of each cluster, for movies with a study, in the order of the table. "
        "In every movie cluster 1 is the largest, so the same number can be another class in "
        "another movie. Bars: standard error.",
        _draw_exponents,
    )
    yield FigurePlan(
        "seconds",
        "Time of a study",
        "Wall time for each movie, from reading to the finished study, in seconds.",
        _draw_seconds,
    )


def _draw_exponents(rows: Sequence[BatchRow]) -> Figure:
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    axes = figure.subplots()
    points = [
        (i, c["cluster"], c["beta_mean"], c["beta_stderr"] or 0.0)
        for i, row in enumerate(rows, start=1)
        for c in row.summary["clusters"]
        if c["beta_mean"] is not None
    ]
    for cluster in sorted({point[1] for point in points}):
        place, _, beta, stderr = np.array([p for p in points if p[1] == cluster]).T
        bars = stderr if len(rows) <= MOST_ERROR_BARS else None
        axes.errorbar(
            *(place, beta, bars),
            fmt="o",
            markersize=4 if len(rows) <= MOST_ERROR_BARS else 2,
            elinewidth=0.8,
            color=cluster_colour(cluster),
            label=f"cluster {cluster}",
            rasterized=len(rows) > MOST_ERROR_BARS,
        )
    axes.set_xlabel("Movie")
    axes.set_ylabel("⟨β⟩")
    axes.set_xlim(0.3, len(rows) + 0.7)
    whole_numbers(axes)
    thin_grid(axes)
    if points:
        figure.legend(loc="outside right upper")
    return figure


def _draw_seconds(rows: Sequence[BatchRow]) -> Figure:
    figure = Figure(figsize=(5.6, 3.0), layout="constrained")
    axes = figure.subplots()
    seconds = [row.seconds for row in rows if row.seconds is not None]
    axes.hist(seconds, bins=min(40, max(5, len(seconds) // 5)), color=cluster_colour(1))
    axes.set_xlim(left=0)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("Seconds")
    axes.set_ylabel("Movies")
    thin_grid(axes)
    return figure
