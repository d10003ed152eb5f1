"""Images as OME-Zarr (NGFF 0.4), one group for each movie or image.

Version 0.4 in zarr 2: readers of 0.5 also read it, older readers read nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.exports.contents import Contents, Frame, Image
from umlpsd_gpu.exports.imagej_maps import lookup_table
from umlpsd_gpu.exports.names import file_name

NGFF_VERSION = "0.4"
# names of units that the format knows; others are left out
UNITS = {"um": "micrometer", "nm": "nanometer", "m": "meter"}
LARGEST_CHUNK = 1024


def write_ome_zarr(contents: Contents, folder: Path) -> None:
    """Write ``NAME.ome.zarr`` for each movie or image: its images as channels, clusters as labels.

    Parameters
    ----------
    contents : Contents
    folder : Path
        An existing folder.

    Raises
    ------
    SettingsError
        If zarr is not installed.
    """
    zarr = import_zarr()
    taken: set[str] = set()
    for frame in contents.frames:
        images = list(contents.images_of(frame))
        pictures = [image for image in images if image.kind != "labels"]
        if not pictures:
            continue
        name = file_name(frame.name, taken)
        taken.add(name)
        group = zarr.open_group(str(folder / f"{name}.ome.zarr"), mode="w", zarr_format=2)
        stack = np.stack([image.values for image in pictures]).astype(np.float32)
        _write_array(group, stack)
        group.attrs["multiscales"] = [_describe(frame, ("c", "y", "x"))]
        group.attrs["omero"] = {
            "name": frame.name,
            "version": NGFF_VERSION,
            "channels": [_channel(image) for image in pictures],
        }
        _write_labels(group, frame, [image for image in images if image.kind == "labels"])


def import_zarr() -> Any:
    """Return the module zarr.

    Returns
    -------
    module

    Raises
    ------
    SettingsError
        If it is not installed.
    """
    try:
        return import_module("zarr")
    except ImportError as error:
        raise SettingsError(
            "OME-Zarr needs zarr, which is not installed: pip install 'umlpsd_gpu[zarr]', or "
            "export to imagej-maps"
        ) from error


def _write_labels(group: Any, frame: Frame, labels: Sequence[Image]) -> None:
    if not labels:
        return
    below = group.create_group("labels")
    names: list[str] = []
    for image in labels:
        name = file_name(image.name, names)
        names.append(name)
        place = below.create_group(name)
        _write_array(place, image.values.astype(np.int32))
        place.attrs["multiscales"] = [_describe(frame, ("y", "x"))]
        colours = lookup_table(image).T.tolist()
        values = np.unique(image.values[image.values > 0]).tolist()
        place.attrs["image-label"] = {
            "version": NGFF_VERSION,
            "colors": [
                {"label-value": int(value), "rgba": [*colours[value % len(colours)], 255]}
                for value in values
            ],
            "source": {"image": "../../"},
        }
    below.attrs["labels"] = names


def _write_array(group: Any, values: np.ndarray) -> None:
    sides = tuple(min(side, LARGEST_CHUNK) for side in values.shape[-2:])
    chunks = (1, *sides)[-values.ndim :]
    array = group.create_array(
        "0",
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunks,
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )
    array[...] = values


def _describe(frame: Frame, names: tuple[str, ...]) -> dict[str, Any]:
    axes: list[dict[str, str]] = []
    for name in names:
        axis = {"name": name, "type": "channel" if name == "c" else "space"}
        if name != "c" and frame.unit in UNITS:
            axis["unit"] = UNITS[frame.unit]
        axes.append(axis)
    beyond = len(names) - 2
    return {
        "version": NGFF_VERSION,
        "name": frame.name,
        "axes": axes,
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1.0] * beyond + list(map(float, frame.scale))},
                    {
                        "type": "translation",
                        "translation": [0.0] * beyond + list(map(float, frame.origin)),
                    },
                ],
            }
        ],
    }


def _channel(image: Image) -> dict[str, Any]:
    low, high = image.shown_limits
    red, green, blue = lookup_table(image)[:, -1].tolist()
    return {
        "label": image.heading,
        "color": f"{red:02X}{green:02X}{blue:02X}",
        "active": True,
        "window": {"start": low, "end": high, "min": low, "max": high},
    }
