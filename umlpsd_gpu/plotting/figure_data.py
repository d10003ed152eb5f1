"""What a figure shows as numbers: lines, points, bars, bands and images of all its panels."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle, StepPatch

# Label that matplotlib gives to what has none
AUTOMATIC = re.compile(r"_?(child|nolegend|container|collection|image|patch|line)\d*_?")
HEADING = ("panel", "title", "kind", "series", "colour", "x_axis", "y_axis", "x", "y", "value")


class Shown(NamedTuple):
    """A part of a panel.

    Attributes
    ----------
    kind : str
        ``"line"``, ``"points"``, ``"bars"`` (middle and height), ``"area"`` (corners) or
        ``"segment"``.
    series : str
        What it shows; ``""`` if the figure doesn't say.
    colour : str
        As ``"#0072b2"``.
    xy : ndarray, shape (n_points, 2)
    values : ndarray, shape (n_points,), optional
        What the colours of points stand for.
    """

    kind: str
    series: str
    colour: str
    xy: np.ndarray
    values: np.ndarray | None = None


def write_figure_data(figure: Figure, folder: Path, name: str) -> None:
    """Write what a figure shows, as it is drawn: long lines are thinned as in the figure.

    Parameters
    ----------
    figure : Figure
        Drawn, but not closed.
    folder : Path
        An existing folder.
    name : str
        ``NAME.csv`` has a row for each point; each image of numbers is a matrix in
        ``NAME_panel2_image1.csv``, whose first row and column are the axes.
    """
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADING)
        for panel, axes in enumerate(_panels(figure), start=1):
            x_axis, y_axis = axes.get_xlabel(), axes.get_ylabel()
            about = [panel, _title(axes)]
            for part in shown_in(axes):
                labels = [part.kind, part.series, part.colour, x_axis, y_axis]
                values = part.values if part.values is not None else np.full(len(part.xy), np.nan)
                for (x, y), value in zip(part.xy.tolist(), values.tolist(), strict=True):
                    cells = (None if number != number else number for number in (x, y, value))
                    table.writerow([*about, *labels, *cells])
            for number, image in enumerate(_images(axes), start=1):
                _write_image(folder / f"{name}_panel{panel}_image{number}.csv", image)


def shown_in(axes: Axes) -> Iterator[Shown]:
    """Yield what a panel shows in the coordinates of its axes; images are left out.

    Parameters
    ----------
    axes : Axes

    Yields
    ------
    Shown
    """
    for line in axes.get_lines():
        if line.get_transform().contains_branch(axes.transData):
            kind = "points" if line.get_linestyle() in ("None", "") else "line"
            xy = np.asarray(line.get_xydata(), dtype=float)
            yield Shown(kind, _series(line), _hex(line.get_color()), xy)
    for collection in axes.collections:
        if isinstance(collection, PolyCollection | LineCollection):
            yield from _outlines(collection)
        else:
            yield from _points(collection)
    yield from _bars(axes)


def _outlines(collection: PolyCollection | LineCollection) -> Iterator[Shown]:
    is_area = isinstance(collection, PolyCollection)
    colours = collection.get_facecolor() if is_area else collection.get_edgecolor()
    colour = _hex(colours[0]) if len(colours) == 1 else ""
    for path in collection.get_paths():
        xy = np.asarray(path.vertices, dtype=float)
        yield Shown("area" if is_area else "segment", _series(collection), colour, xy)


def _points(collection: Collection) -> Iterator[Shown]:
    """Yield markers, circles and the like: all with one colour, or with values, at once."""
    xy: np.ndarray = np.ma.filled(np.ma.asarray(collection.get_offsets(), dtype=float), np.nan)
    series, array = _series(collection), collection.get_array()
    if array is not None:
        values: np.ndarray = np.ma.filled(np.ma.asarray(array, dtype=float), np.nan)
        yield Shown("points", series, "", xy, values)
        return
    faces, edges = collection.get_facecolor(), collection.get_edgecolor()
    colours = [_hex(colour) for colour in (faces if len(faces) else edges)]
    # matplotlib repeats the colours over the points
    of_points = np.resize(np.array(colours or [""]), len(xy))
    for colour in dict.fromkeys(of_points.tolist()):
        yield Shown("points", series, colour, xy[of_points == colour])


def _bars(axes: Axes) -> Iterator[Shown]:
    """Yield bars by container, so that the bars of one histogram stay together."""
    named = {
        id(patch): _series(container) or _series(container.patches[0])
        for container in axes.containers
        if isinstance(container, BarContainer)
        for patch in container.patches
    }
    flat = {
        id(patch)
        for container in axes.containers
        if isinstance(container, BarContainer) and container.orientation == "horizontal"
        for patch in container.patches
    }
    groups: dict[tuple[str, str], list[list[float]]] = {}
    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            heights, edges, _ = patch.get_data()
            xy = np.column_stack([(edges[1:] + edges[:-1]) / 2, heights])
            yield Shown("bars", _series(patch), _hex(patch.get_edgecolor()), xy)
        elif isinstance(patch, Rectangle) and id(patch) in named:
            series = named[id(patch)]
            box = patch.get_bbox()
            middle = [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]
            # horizontal bars are as thick as they are high
            is_flat = id(patch) in flat
            size = [box.x1 - box.x0, middle[1]] if is_flat else [middle[0], box.y1 - box.y0]
            groups.setdefault((series, _hex(patch.get_facecolor())), []).append(size)
    for (series, colour), sizes in groups.items():
        yield Shown("bars", series, colour, np.array(sizes, dtype=float))


def _panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.get_axes() if axes.get_visible()]


def _images(axes: Axes) -> Iterator[AxesImage]:
    """Yield images of numbers; those of colours are drawn from an image of numbers elsewhere."""
    for image in axes.get_images():
        array = image.get_array()
        if array is not None and array.ndim == 2:
            yield image


def _write_image(path: Path, image: AxesImage) -> None:
    values: np.ndarray = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
    n_rows, n_cols = values.shape
    left, right, bottom, top = image.get_extent()
    first, last = (top, bottom) if image.origin == "upper" else (bottom, top)
    x = left + (np.arange(n_cols) + 0.5) * (right - left) / n_cols
    y = first + (np.arange(n_rows) + 0.5) * (last - first) / n_rows
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["y \\ x", *x.tolist()])
        for at, row in zip(y.tolist(), values.tolist(), strict=True):
            table.writerow([at, *(None if value != value else value for value in row)])


def _title(axes: Axes) -> str:
    titles = (axes.get_title(loc) for loc in ("left", "center", "right"))
    return " ".join(" ".join(title.split()) for title in titles if title)


def _series(artist: Any) -> str:
    return _clean(str(artist.get_label()))


def _clean(label: str) -> str:
    # a leading underscore keeps a name out of the legend
    return "" if AUTOMATIC.fullmatch(label) else " ".join(label.removeprefix("_").split())


def _hex(colour: Any) -> str:
    return str(to_hex(colour))
