"""Study folders as layers of napari; this module doesn't import napari."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import load_any
from umlpsd_gpu.exports.contents import Contents, Frame, Image, Places, Table
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour
from umlpsd_gpu.storage.result_folder import read_summary

# data, keyword arguments of the layer, type of the layer
LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | Sequence[str]], list[LayerData]]

METADATA = "umlpsd"
# Pint's names of units
UNITS = {"um": "micrometer", "nm": "nanometer", "m": "meter", "px": "pixel", "1/nm": "pixel"}
OPACITY = 0.6  # of labels, so that the image below is visible


@dataclass(frozen=True, eq=False)
class LayerSource:
    """Where the layers of a frame come from: ``layer.metadata["umlpsd"]``.

    Attributes
    ----------
    contents : Contents
    frame : Frame
    places : Places or None
        The items in that frame.
    """

    contents: Contents
    frame: Frame
    places: Places | None


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the reader of study folders, as napari asks for it.

    Parameters
    ----------
    path : str or sequence of str

    Returns
    -------
    callable or None
        None if any of the paths is no study folder.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    are_studies = paths and all(read_summary(Path(each)) is not None for each in paths)
    return read_studies if are_studies else None


def read_studies(path: str | Sequence[str]) -> list[LayerData]:
    """Read study folders of any analysis as layers.

    Parameters
    ----------
    path : str or sequence of str

    Returns
    -------
    list of (data, dict, str)
        Data, keyword arguments and type of each layer, the lowest first.

    Raises
    ------
    UmlpsdError
        If a study is damaged.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    layers: list[LayerData] = []
    for each in paths:
        result = load_any(each)
        contents = get_analysis(result.analysis).contents(result)
        layers += layers_of(replace(contents, name=Path(each).resolve().name))
    return layers


def layers_of(contents: Contents) -> list[LayerData]:
    """Return the contents of a result as layers.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    list of (data, dict, str)
        Of the first movie or image, pictures, clusters and items are visible; maps of quantities
        and other movies are there to be switched on.
    """
    layers: list[LayerData] = []
    for number, frame in enumerate(contents.frames):
        places = next((each for each in contents.places if each.frame is frame), None)
        source = LayerSource(contents, frame, places)
        is_first = number == 0
        # the lowest layer first: pictures, quantities, further labels, clusters
        images = sorted(contents.images_of(frame), key=_height_of)
        shown = images[:1]
        for image in images:
            is_labels = image.kind == "labels"
            is_visible = is_first and (image in shown or (is_labels and image is images[-1]))
            about = _about(source, image.heading, is_visible)
            layers.append(_labels(image, about) if is_labels else _image(image, about))
        if places is not None and places.areas is None and places.radius_px != 0.5:
            layers.append(_points(places, source, is_first))
    return layers


def _height_of(image: Image) -> int:
    if image.kind == "labels":
        # a study's own labels have short names: cluster, particles
        return 2 if "," in image.name else 3
    return 0 if image.kind == "grey" else 1


def _about(source: LayerSource, name: str, is_visible: bool) -> dict[str, Any]:
    frame = source.frame
    return {
        "name": f"{name} [{frame.name}]",
        "scale": frame.scale,
        "translate": frame.origin,
        "units": (UNITS[frame.unit],) * 2,
        "visible": is_visible,
        "metadata": {METADATA: source},
    }


def _image(image: Image, about: dict[str, Any]) -> LayerData:
    colours = "gray" if image.kind == "grey" else image.colours
    values = np.asarray(image.values)
    values = values if values.dtype == np.uint8 else values.astype(np.float32)
    return values, about | {"colormap": colours, "contrast_limits": image.shown_limits}, "image"


def _labels(image: Image, about: dict[str, Any]) -> LayerData:
    source: LayerSource = about["metadata"][METADATA]
    places = source.places
    values = np.asarray(image.values).astype(np.int32)
    if places is not None and places.areas is image.values and places.areas_of is not None:
        groups = dict(zip(places.areas_of.tolist(), places.groups.tolist(), strict=True))
        features = {"index": places.areas_of} | _features(places, source.contents)
        about = about | {"features": features}
    else:
        groups = {int(value): int(value) for value in np.unique(values) if value}
    colours: dict[int | None, Any] = {None: (0.0, 0.0, 0.0, 0.0), 0: (0.0, 0.0, 0.0, 0.0)}
    colours |= {value: _colour(group) for value, group in groups.items()}
    return values, about | {"colormap": colours, "opacity": OPACITY}, "labels"


def _points(places: Places, source: LayerSource, is_visible: bool) -> LayerData:
    about = _about(source, places.name, is_visible)
    colours = np.array([_colour(group) for group in places.groups.tolist()]).reshape(-1, 4)
    return (
        np.column_stack([places.rows, places.cols]),
        about
        | {
            "features": _features(places, source.contents),
            "size": 2 * places.radius_px,
            "face_color": "transparent",
            "border_color": colours,
            "border_width": 0.12,
        },
        "points",
    )


def _features(places: Places, contents: Contents) -> dict[str, Any]:
    table: Table | None = contents.table_of(places.table)
    if table is None:
        return {}
    return dict(_rows_of(table, places.index))


def _rows_of(table: Table, index: np.ndarray) -> Iterator[tuple[str, Any]]:
    for column in table.columns:
        if isinstance(column.values, tuple):
            yield (
                column.name,
                np.array([column.values[row] for row in index.tolist()], dtype=object),
            )
        else:
            yield column.name, column.values[index]


def _colour(group: int) -> tuple[float, float, float, float]:
    from matplotlib.colors import to_rgba

    return (*cluster_colour(group), 1.0) if group else to_rgba(FLAGGED)
