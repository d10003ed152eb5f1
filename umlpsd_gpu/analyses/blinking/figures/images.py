"""Figure: positions of the traces in the time-averaged image of each movie."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from umlpsd_gpu.analyses.blinking.figures.cluster_sizes import cluster_sizes
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.scale_bar import round_below
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour

MAX_MOVIES = 6
TITLE = "Positions of the clusters"
LEGEND_GAPS: dict[str, Any] = {"handlelength": 1.0, "handletextpad": 0.6, "columnspacing": 1.2}
# dark colours of clusters would not be visible on a dark image
HALO = withStroke(linewidth=2.1, foreground=(1, 1, 1, 0.5))


def caption(study: Study) -> str:
    """Return the caption.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
    """
    marks = (
        "pixels coloured by cluster"
        if _is_pixels(study)
        else "emitters circled in the colour of their cluster"
    )
    text = f"Time-averaged image (counts, 1st to 99.7th percentile), {marks}."
    if not study.clustered.all():
        text += " Grey: not clustered (not finite or constant)."
    if len(study.movies) > MAX_MOVIES:
        text += f" The first {MAX_MOVIES} of {len(study.movies)} movies are shown."
    return text


def draw_images(study: Study) -> Figure:
    """Draw the images of up to six movies.

    Parameters
    ----------
    study : Study
        With at least one movie.

    Returns
    -------
    Figure
    """
    movies = study.movies[:MAX_MOVIES]
    n_columns = min(3, len(movies))
    n_rows = -(-len(movies) // n_columns)
    width = {1: 5.6, 2: 4.6, 3: 3.4}[n_columns]
    n_y, n_x = np.max([movie.mean_image.shape for movie in movies], axis=0)
    height = min(max(width * n_y / n_x, 1.2), 2 * width)
    handles = _legend(study)
    n_across = min(len(handles), _n_entries_across(handles, n_columns * width))
    n_down = -(-len(handles) // n_across)
    figure = Figure(
        figsize=(n_columns * width, n_rows * (height + 0.3) + 0.3 + 0.18 * n_down),
        layout="constrained",
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False).flat
    for axes, movie in zip(panels, movies, strict=False):
        _draw_movie(axes, study, movie)
    for axes in list(panels)[len(movies) :]:
        axes.axis("off")
    figure.legend(handles=handles, loc="outside lower center", ncols=n_across, **LEGEND_GAPS)
    return figure


def _n_entries_across(handles: list[Line2D], width: float) -> int:
    """Return how many entries of the legend, all as wide as the widest, fit the width in inches."""
    n_letters = max(len(str(handle.get_label())) for handle in handles)
    # letters of 8 points are about 0.06 in wide, a swatch with its gaps (LEGEND_GAPS) 0.31 in
    return max(1, int(width / (0.06 * n_letters + 0.31)))


def _is_pixels(study: Study) -> bool:
    return study.settings.traces.mode == "pixels"


def _draw_movie(axes: Axes, study: Study, movie: MovieSummary) -> None:
    finite = movie.mean_image[np.isfinite(movie.mean_image)]
    low, high = np.percentile(finite, [1, 99.7]) if finite.size else (0.0, 1.0)
    axes.imshow(
        movie.mean_image, cmap="gray", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest"
    )
    here = np.array([source == movie.name for source in study.traces.source])
    placed = here & np.isfinite(study.traces.rows) & np.isfinite(study.traces.cols)
    if _is_pixels(study):
        _colour_pixels(axes, study, placed, movie.mean_image.shape)
    else:
        _circle_emitters(axes, study, placed, movie.mean_image.shape)
    if movie.pixel_size_um is not None:
        draw_scale_bar(axes, movie.mean_image.shape, movie.pixel_size_um)
    # a dollar sign in a file name must not start a formula
    axes.set_title(_shorten(movie.name), fontsize=8.5, parse_math=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _colours(labels: np.ndarray) -> np.ndarray:
    return np.array([cluster_colour(c) if c else _grey() for c in labels.tolist()])


def _grey() -> tuple[float, float, float]:
    value = int(FLAGGED[1:3], 16) / 255
    return value, value, value


def _circle_emitters(axes: Axes, study: Study, placed: np.ndarray, shape: tuple[int, ...]) -> None:
    """Draw circles around the boxes of the photometry, also visible in a large image."""
    if not placed.any():
        return
    diameter_px = max(2 * study.settings.traces.box_radius_px + 3, 0.015 * max(shape))
    size = np.full(int(placed.sum()), diameter_px)
    axes.add_collection(
        EllipseCollection(
            size,
            size,
            np.zeros_like(size),
            units="xy",
            offsets=np.column_stack([study.traces.cols[placed], study.traces.rows[placed]]),
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=_colours(study.labels[placed]),
            linewidths=1.3,
            path_effects=[HALO],
        ),
        autolim=False,
    )


def _colour_pixels(axes: Axes, study: Study, placed: np.ndarray, shape: tuple[int, ...]) -> None:
    overlay = np.zeros((*shape, 4))
    rows = np.rint(study.traces.rows[placed]).astype(int)
    cols = np.rint(study.traces.cols[placed]).astype(int)
    overlay[rows, cols, :3] = _colours(study.labels[placed])
    overlay[rows, cols, 3] = 0.75
    axes.imshow(overlay, interpolation="nearest")


def draw_scale_bar(
    axes: Axes,
    shape: tuple[int, ...],
    pixel_size_um: float,
    colours: tuple[str, str] = ("white", "black"),
    fontsize: float | None = None,
) -> None:
    """Draw a scale bar of 1, 2 or 5 × 10^n µm, up to a fifth of the width, at the lower right.

    Parameters
    ----------
    axes : Axes
    shape : tuple of int
        Rows and columns of the image.
    pixel_size_um : float
    colours : tuple of str
        Of the bar and its rim.
    fontsize : float, optional
        Of the label, in points.
    """
    n_rows, n_cols = shape
    length_um = round_below(0.2 * n_cols * pixel_size_um)
    length_px, thick_px = length_um / pixel_size_um, 0.012 * n_rows
    left, top = 0.96 * n_cols - length_px, 0.95 * n_rows - thick_px
    colour, rim = colours
    edge = [withStroke(linewidth=1.4, foreground=rim)]
    axes.add_patch(Rectangle((left, top), length_px, thick_px, facecolor=colour, path_effects=edge))
    axes.text(
        left + length_px,
        top - 0.015 * n_rows,
        f"{length_um:g} µm",
        color=colour,
        fontweight="bold",
        fontsize=fontsize,
        ha="right",  # a bar may be shorter than its label
        va="bottom",
        path_effects=edge,
    )


def _legend(study: Study) -> list[Line2D]:
    ring: dict[str, Any] = {"linestyle": "", "markersize": 7}
    ring["marker"] = "s" if _is_pixels(study) else "o"
    if not _is_pixels(study):
        ring |= {"markerfacecolor": "none", "markeredgewidth": 1.5}
    handles = [
        Line2D([], [], color=cluster_colour(c), label=f"Cluster {c} ({n})", **ring)
        for c, n in cluster_sizes(study).items()
    ]
    n_flagged = int((~study.clustered).sum())
    if n_flagged:
        handles.append(Line2D([], [], color=FLAGGED, label=f"Not clustered ({n_flagged})", **ring))
    return handles


def _shorten(name: str, n_letters: int = 44) -> str:
    if len(name) <= n_letters:
        return name
    return f"{name[: n_letters // 2]}…{name[-(n_letters // 2 - 1) :]}"
