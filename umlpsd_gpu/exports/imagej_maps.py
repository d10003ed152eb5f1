"""Images as ImageJ hyperstacks with look-up tables, ranges, scale and unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.exports.contents import Contents, Frame, Image
from umlpsd_gpu.exports.names import file_name

# ImageJ's own words for units
UNITS = {"um": "micron", "nm": "nm", "m": "m", "1/nm": "1/nm", "px": "pixel"}
N_COLOURS = 256


def write_imagej_maps(contents: Contents, folder: Path) -> None:
    """Write ``…_maps.tif`` (float32, one channel for each image) and ``…_labels.tif``.

    Parameters
    ----------
    contents : Contents
    folder : Path
        An existing folder.
    """
    taken: set[str] = set()
    for frame in contents.frames:
        images = list(contents.images_of(frame))
        maps = [image for image in images if image.kind != "labels"]
        labels = [image for image in images if image.kind == "labels"]
        for ending, group in (("maps", maps), ("labels", labels)):
            if group:
                name = file_name(f"{frame.name}_{ending}", taken)
                taken.add(name)
                _write(folder / f"{name}.tif", frame, group)


def _write(path: Path, frame: Frame, images: Sequence[Image]) -> None:
    import tifffile

    are_labels = images[0].kind == "labels"
    stack = np.stack([image.values for image in images])
    kind: type[np.generic] = np.float32
    limits = [image.shown_limits for image in images]
    if are_labels:
        kind = np.uint8 if stack.max(initial=0) < N_COLOURS else np.uint16
        limits = [(0.0, float(N_COLOURS - 1))] * len(images)
    height, width = frame.scale
    metadata: dict[str, Any] = {
        "axes": "CYX",
        "mode": "color" if len(images) > 1 else "grayscale",
        "Labels": [image.heading for image in images],
        "LUTs": [lookup_table(image) for image in images],
        "Ranges": tuple(limit for each in limits for limit in each),
        "unit": UNITS[frame.unit],
    }
    tifffile.imwrite(
        path,
        stack.astype(kind),
        imagej=True,
        # pixels for each unit, in x and y; the unit is in ImageJ's own description
        resolution=(1 / width, 1 / height),
        resolutionunit=tifffile.RESUNIT.NONE,
        metadata=metadata,
    )


def lookup_table(image: Image) -> np.ndarray:
    """Return the colours of an image.

    Parameters
    ----------
    image : Image

    Returns
    -------
    ndarray of uint8, shape (3, 256)
        Red, green and blue. Labels have the colours of their clusters, 0 is black.
    """
    import matplotlib

    from umlpsd_gpu.plotting.style import cluster_colour

    if image.kind == "labels":
        rgb = np.array([(0.0, 0.0, 0.0), *map(cluster_colour, range(1, N_COLOURS))])
    else:
        name = "gray" if image.kind == "grey" else image.colours
        rgb = matplotlib.colormaps[name](np.linspace(0, 1, N_COLOURS))[:, :3]
    table: np.ndarray = np.rint(255 * rgb).astype(np.uint8).T.copy()
    return table
