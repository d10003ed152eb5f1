"""Plots of values on the image of a movie."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from umlpsd_gpu.analyses.blinking.figures.images import draw_scale_bar
from umlpsd_gpu.analyses.blinking.plots.new_axes import axes_or_new
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.maps.images import image_of
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour

OUTSIDE = "#f2f2f2"
# What a study knows of every trace: its label on a colour bar and its colours
QUANTITIES = {
    "cluster": ("Cluster", ""),
    "beta": ("Power-law exponent β", "viridis"),
    "silhouette": ("Silhouette", "cividis"),
    "label_uncertainty": ("Label uncertainty", "magma"),
    "outlier_score": ("Outlier score (σ)", "inferno"),
}
MOST_NAMED = 12
WIDTH_IN, LEAST_HEIGHT_IN = 4.6, 1.6
# The dark end of a colour map, and dark cluster colours, would be lost on a dark image
BRIGHT_SHARE = 0.3
HALO = withStroke(linewidth=2.2, foreground=(1, 1, 1, 0.5))


def plot_map(
    values: Array,
    rows: Array,
    cols: Array,
    shape: tuple[int, int],
    label: str = "",
    cmap: str = "viridis",
    pixel_size_um: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot one value per pixel as an image.

    Parameters
    ----------
    values : ndarray, shape (n_pixels,)
        Floating point: colours with a bar, from the 1st to the 99th percentile; NaN is left out.
        Whole numbers: clusters from 1, with a legend; 0 is grey.
    rows, cols : ndarray, shape (n_pixels,)
        Positions in pixels, whole numbers from 0.
    shape : (n_rows, n_cols)
        Of the image.
    label : str
        Of the colour bar or legend, with its unit.
    cmap : str
        Colour map of matplotlib, for floating point.
    pixel_size_um : float, optional
        Given: a scale bar is drawn.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TracesError
        If the positions are no pixels of the image, or two of them are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import plot_map
    >>> rows, cols = np.divmod(np.arange(12), 4)
    >>> axes = plot_map(np.linspace(0.8, 1.6, 12), rows, cols, (3, 4), label="β")
    >>> len(axes.get_images())
    1
    """
    numbers = np.asarray(values)
    rows, cols = (np.asarray(places, dtype=np.float64) for places in (rows, cols))
    with axes_or_new(ax, _size_in(shape)) as axes:
        if np.issubdtype(numbers.dtype, np.integer):
            _draw_clusters(axes, image_of(numbers.astype(np.int64), rows, cols, shape), label)
        else:
            image = image_of(numbers.astype(np.float64), rows, cols, shape)
            low, high = _limits(image)
            colours = matplotlib.colormaps[cmap].with_extremes(bad=OUTSIDE)
            drawn = axes.imshow(image, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
            _draw_bar(axes, drawn, label)
        _finish(axes, shape, pixel_size_um)
    return axes


def plot_study_map(
    study: Study, quantity: str = "cluster", movie: int = 0, ax: Axes | None = None
) -> Axes:
    """Plot a result of a study where it lies in a movie.

    Parameters
    ----------
    study : Study
        Of movies: imported traces have no place.
    quantity : {"cluster", "beta", "silhouette", "label_uncertainty", "outlier_score"}
    movie : int
        Which of the study's movies, from 0.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Pixels are an image; emitters are circled on the time-averaged image (1st to 99.7th
        percentile). Traces without a value are grey.

    Raises
    ------
    SettingsError
        If the quantity or the movie is not known.
    TracesError
        If the study is of imported traces.

    Examples
    --------
    >>> import tempfile
    >>> from umlpsd_gpu import open_movie, plot_study_map, run_study
    >>> from umlpsd_gpu import Settings
    >>> from umlpsd_gpu.simulate.movie import simulate_movie
    >>> settings = Settings().with_values(
    ...     {"sweep.k_max": 4, "sweep.n_epochs": 3, "preprocess.scales": ["W20"],
    ...      "decision.n_surrogates": 0, "decision.n_resamples": 0})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = simulate_movie(f"{folder}/m.tif", n_frames=400, n_emitters=6,
    ...                            n_rows=64, n_cols=64)
    ...     study = run_study(open_movie(truth.path), settings)
    >>> axes = plot_study_map(study, "beta")
    >>> axes.get_title()
    'm.tif'
    """
    if quantity not in QUANTITIES:
        raise SettingsError(
            f"quantity '{quantity}' is not known; choose from {', '.join(QUANTITIES)}"
        )
    if not study.movies:
        raise TracesError("the study is of imported traces, which have no place in a movie")
    if not 0 <= movie < len(study.movies):
        raise SettingsError(
            f"movie {movie} was asked for, but the study has movies 0…{len(study.movies) - 1}"
        )
    shown = study.movies[movie]
    here = np.array([source == shown.name for source in study.traces.source])
    values, (label, cmap) = _values(study, quantity)[here], QUANTITIES[quantity]
    rows, cols = study.traces.rows[here], study.traces.cols[here]
    n_rows, n_cols = shown.mean_image.shape
    with axes_or_new(ax, _size_in((n_rows, n_cols))) as axes:
        if study.settings.traces.mode == "pixels":
            place = (values, rows, cols, (n_rows, n_cols), label, cmap or "viridis")
            plot_map(*place, pixel_size_um=shown.pixel_size_um, ax=axes)
        else:
            box_px = 2 * study.settings.traces.box_radius_px + 1
            diameter_px = max(box_px + 2, 0.02 * max(n_rows, n_cols))
            _draw_image(axes, shown.mean_image)
            _circle(axes, values, rows, cols, diameter_px, label, cmap)
            _finish(axes, (n_rows, n_cols), shown.pixel_size_um)
        # a file name may hold a dollar sign, which is no mathematics
        axes.set_title(shown.name, parse_math=False)
    return axes


def _values(study: Study, quantity: str) -> Array:
    found: dict[str, Array] = {
        "cluster": study.labels.astype(np.int64),
        "beta": study.fit.beta,
        "silhouette": study.silhouette,
        "label_uncertainty": study.label_uncertainty,
        "outlier_score": study.outliers.score,
    }
    return found[quantity]


def _size_in(shape: tuple[int, int]) -> tuple[float, float]:
    height = WIDTH_IN * shape[0] / max(1, shape[1])
    return WIDTH_IN + 1.2, min(max(height, LEAST_HEIGHT_IN), 2 * WIDTH_IN) + 0.3


def _limits(values: Array) -> tuple[float, float]:
    """Return percentiles: a few extreme pixels must not hide the differences of the others."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [1, 99]) if finite.size else (0.0, 1.0)
    return float(low), max(float(high), float(low) + 1e-3)


def _draw_clusters(axes: Axes, image: Array, label: str) -> None:
    colours = np.empty((*image.shape, 3))
    colours[:] = to_rgb(OUTSIDE)
    numbers = np.unique(image[image > 0]).tolist()
    for number in numbers:
        colours[image == number] = cluster_colour(number)
    axes.imshow(colours, interpolation="nearest")
    _draw_legend(axes, numbers, label, "s")


def _draw_legend(axes: Axes, numbers: list[int], label: str, marker: str) -> None:
    ring: dict[str, Any] = {"linestyle": "", "marker": marker, "markersize": 7}
    if marker == "o":
        ring |= {"markerfacecolor": "none", "markeredgewidth": 1.6}
    handles = [
        Line2D([], [], color=cluster_colour(number), label=str(number), **ring)
        for number in numbers[:MOST_NAMED]
    ]
    axes.legend(
        handles=handles,
        title=label or None,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.02),
        frameon=False,
        alignment="left",
    )


def _draw_bar(axes: Axes, drawn: Any, label: str) -> None:
    assert axes.figure is not None
    # inside the axes' own frame, so that it is as high as the image
    place = axes.inset_axes((1.02, 0.0, 0.04, 1.0))
    bar = axes.figure.colorbar(drawn, cax=place, label=label)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)


def _draw_image(axes: Axes, image: Array) -> None:
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, [1, 99.7]) if finite.size else (0.0, 1.0)
    axes.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")


def _circle(
    axes: Axes,
    values: Array,
    rows: Array,
    cols: Array,
    diameter_px: float,
    label: str,
    cmap: str,
) -> None:
    """Draw circles around emitters, coloured by their values."""
    size = np.full(values.size, diameter_px)
    circles = EllipseCollection(
        *(size, size, np.zeros_like(size)),
        units="xy",
        offsets=np.column_stack([cols, rows]),
        offset_transform=axes.transData,
        facecolors="none",
        linewidths=1.4,
    )
    if cmap:
        low, high = _limits(values)
        bright = matplotlib.colormaps[cmap](np.linspace(BRIGHT_SHARE, 1, 256))
        scale = ScalarMappable(
            Normalize(low, high), ListedColormap(bright).with_extremes(bad=FLAGGED)
        )
        circles.set_edgecolor(list(map(tuple, scale.to_rgba(np.ma.masked_invalid(values)))))
        _draw_bar(axes, scale, label)
    else:
        circles.set_path_effects([HALO])
        circles.set_edgecolor([cluster_colour(c) if c else FLAGGED for c in values.tolist()])
        _draw_legend(axes, np.unique(values[values > 0]).tolist(), label, "o")
    axes.add_collection(circles, autolim=False)


def _finish(axes: Axes, shape: tuple[int, int], pixel_size_um: float | None) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if pixel_size_um is not None:
        draw_scale_bar(axes, shape, pixel_size_um)
