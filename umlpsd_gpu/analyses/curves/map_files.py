"""The maps of a study of curves: OME-TIFF for ImageJ and Fiji, .gsf for Gwyddion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.gsf import write_gsf
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.storage.ome_tiff import write_ome_tiff

# Pixels count as square if their sides differ by less than this share
SQUARE = 0.01


def pixel_size_m(curves: CurveMap) -> tuple[float, float] | None:
    """Return width and height of a pixel.

    Parameters
    ----------
    curves : CurveMap

    Returns
    -------
    (float, float) or None
        In metres; None without a grid or positions, or for a grid of one row or column.
    """
    if curves.shape is None or curves.positions is None or min(curves.shape) < 2:
        return None
    grid = curves.positions.reshape(*curves.shape, 2)
    across = np.hypot(*(grid[0, -1] - grid[0, 0])) / (curves.shape[1] - 1)
    down = np.hypot(*(grid[-1, 0] - grid[0, 0])) / (curves.shape[0] - 1)
    if not (np.isfinite(across) and np.isfinite(down) and across > 0 and down > 0):
        return None
    return float(across), float(down)


def write_map_files(study: CurveStudy, folder: Path) -> None:
    """Write the maps of a study; curves without a grid have none.

    Parameters
    ----------
    study : CurveStudy
    folder : Path
        An existing folder.
    """
    if study.map.shape is None:
        return
    size = pixel_size_m(study.map)
    is_square = size is not None and abs(size[0] / size[1] - 1) < SQUARE
    size_um = size[0] * 1e6 if size is not None and is_square else None
    labels = study.clustering.labels.reshape(study.map.shape)
    write_ome_tiff(folder / "labels.ome.tif", {"cluster": labels}, size_um)
    channels = {
        f"{title} ({unit})" if unit else title: values.reshape(study.map.shape)
        for _, values, title, unit in maps_of(study)
    }
    write_ome_tiff(folder / "maps.ome.tif", channels, size_um)
    below = folder / "gwyddion"
    below.mkdir()
    for name, values, title, unit in maps_of(study):
        image = values.reshape(study.map.shape)
        write_gsf(below / f"{name}.gsf", image, title, unit, size)


def maps_of(study: CurveStudy) -> Iterator[tuple[str, np.ndarray, str, str]]:
    """Yield the maps of a study.

    Parameters
    ----------
    study : CurveStudy

    Yields
    ------
    (str, ndarray, str, str)
        Name, one value for each curve, title and unit. A number that isn't valid is NaN.
    """
    clustering = study.clustering
    yield (
        "cluster",
        np.where(clustering.labels > 0, clustering.labels, np.nan),
        "Cluster",
        "",
    )
    yield "label_uncertainty", clustering.label_uncertainty, "Label uncertainty", ""
    if study.map.height is not None:
        yield "height", study.map.height, "Height", "m"
    for name, quantity in study.quantities.items():
        yield name, _where_valid(quantity.values, quantity.is_valid), quantity.title, quantity.unit
        errors = _where_valid(quantity.errors, quantity.is_valid)
        yield f"{name}_error", errors, f"{quantity.title}, standard error", quantity.unit


def _where_valid(values: np.ndarray, is_valid: np.ndarray) -> np.ndarray:
    return np.where(is_valid, values, np.nan)
