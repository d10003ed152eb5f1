"""Everything that a result has about one item, drawn on a figure of matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.exports.contents import Column, Contents, Curves, Frame, Places, Table
from umlpsd_gpu.plotting.style import cluster_colour, darkened, thin_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# columns that the title shows where a table has them, with the text before the number
SHOWN = (
    *(("cluster", "cluster"), ("class", "class"), ("beta", "β"), ("silhouette", "silhouette")),
    *(("label_uncertainty", "label uncertainty"), ("outlier_score", "outlier score")),
    *(("equivalent_diameter_nm", "diameter"), ("aspect_ratio", "aspect ratio")),
    *(("outcome", "shape"), ("reason", "left out"), ("flag", "not clustered")),
)
MAX_POINTS = 20_000
MARGIN_PX = 12  # around a particle
NOTHING_HERE = "Click an emitter, a pixel or a particle"


def draw_item(figure: Figure, contents: Contents, places: Places, row: int) -> None:
    """Draw the curves of an item, with what was fitted to them; or the image of a particle.

    Parameters
    ----------
    figure : Figure
        What is on it is removed.
    contents : Contents
    places : Places
        Of the item and others.
    row : int
        Its row in the table of items, from 0.
    """
    found = contents.table_of(places.table)
    sets = [each for each in contents.curves if each.table == places.table and row in each.index]
    figure.clear()
    figure.suptitle(title_of(found, row), fontsize=9, wrap=True)
    if not sets:
        _draw_area(figure.subplots(), contents, places, row)
        return
    colour = _colour(found, row)
    for axes, curves in zip(figure.subplots(len(sets), 1, squeeze=False)[:, 0], sets, strict=True):
        _draw(axes, curves, int(np.flatnonzero(curves.index == row)[0]), colour)


def draw_place(figure: Figure, contents: Contents, frame: Frame, row: int, col: int) -> None:
    """Draw all curves of a result whose pixels have none of their own, as component spectra.

    Parameters
    ----------
    figure : Figure
        What is on it is removed.
    contents : Contents
    frame : Frame
    row, col : int
        From 0, in the frame; the values of its images there are the title.
    """
    figure.clear()
    inside = 0 <= row < frame.shape[0] and 0 <= col < frame.shape[1]
    if not inside:
        figure.suptitle(NOTHING_HERE, fontsize=9)
        return
    values = (
        f"{image.name} {image.values[row, col]:.4g}"
        for image in contents.images_of(frame)
        if "error" not in image.name
    )
    figure.suptitle(f"row {row}, column {col}: " + "; ".join(values), fontsize=9, wrap=True)
    if not contents.curves:
        return
    curves = contents.curves[0]
    axes = figure.subplots()
    for number, name in enumerate(curves.ids):
        axes.plot(
            np.asarray(curves.x.values),
            np.asarray(curves.values[0].values[number]),
            color=cluster_colour(number + 1),
            label=name,
        )
    axes.legend()
    _finish(axes, curves)


def title_of(table: Table | None, row: int) -> str:
    """Return what is known of an item in a line.

    Parameters
    ----------
    table : Table or None
    row : int
        From 0.

    Returns
    -------
    str
    """
    if table is None:
        return f"item {row}"
    name = str(table["id"].values[row]) if "id" in table else f"{table.name} {row + 1}"
    return "; ".join([f"{name} (row {row})", *_facts(table, row)])


def _facts(table: Table, row: int) -> Iterator[str]:
    for column, text in SHOWN:
        if column not in table:
            continue
        value = table[column].values[row]
        if isinstance(value, str):
            if value:
                yield f"{text} {value}"
        elif column == "beta" and "beta_low" in table:
            low, high = (float(table[end].values[row]) for end in ("beta_low", "beta_high"))
            yield f"β {value:.3f} ({low:.3f} … {high:.3f})"
        elif np.isfinite(value):
            yield f"{text} {value:.4g} {table[column].unit}".rstrip()


def _draw(axes: Axes, curves: Curves, number: int, colour: tuple[float, float, float]) -> None:
    x = np.asarray(curves.x.values)
    # every n-th point of very long curves: the widget is some hundred pixels wide
    step = max(1, x.size // MAX_POINTS)
    for n, column in enumerate(curves.values):
        shade = darkened(colour, 1 / (1 + n))
        values = np.asarray(column.values[number])
        axes.plot(x[::step], values[::step], color=shade, linewidth=0.8, label=column.name)
    if curves.model is not None:
        axes.plot(x, curves.model(number), "--", color="black", linewidth=1.2, label="fit")
    if len(axes.get_lines()) > 1:
        axes.legend(fontsize=7)
    axes.set_title(curves.name.replace("_", " "), fontsize=8, loc="left")
    _finish(axes, curves)


def _finish(axes: Axes, curves: Curves) -> None:
    axes.set_xlabel(_axis_label(curves.x))
    axes.set_ylabel(_axis_label(curves.values[0]))
    if curves.is_logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    thin_grid(axes)


def _axis_label(column: Column) -> str:
    """Return a name without the unit that it ends with, and the unit."""
    name = column.name.removesuffix(f"_{column.unit.lower()}").replace("_", " ")
    return f"{name} ({column.unit})" if column.unit not in ("", name) else name


def _draw_area(axes: Axes, contents: Contents, places: Places, row: int) -> None:
    """Draw the image of an item that has an area, with its outline."""
    axes.axis("off")
    picture = next((i for i in contents.images_of(places.frame) if i.kind == "grey"), None)
    (found,) = np.flatnonzero(places.index == row)[:1].tolist() or [None]
    if picture is None or found is None or places.areas is None or places.areas_of is None:
        return
    mask = places.areas == places.areas_of[found]
    if not mask.any():
        return
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = tuple(slice(max(0, at[0] - MARGIN_PX), at[-1] + MARGIN_PX + 1) for at in (rows, cols))
    low, high = picture.shown_limits
    axes.imshow(picture.values[part], cmap="gray", vmin=low, vmax=high)
    colour = _colour(contents.table_of(places.table), row)
    axes.contour(mask[part], levels=[0.5], colors=[colour], linewidths=1.5)


def _colour(table: Table | None, row: int) -> tuple[float, float, float]:
    for name in ("cluster", "class"):
        if table is not None and name in table:
            cluster = int(float(table[name].values[row]))
            return cluster_colour(cluster) if cluster else (0.4, 0.4, 0.4)
    return cluster_colour(1)
