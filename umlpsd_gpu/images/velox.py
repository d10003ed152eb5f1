"""Images of Velox (Thermo Fisher): .emd files, which are HDF5."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.pixel_size import pixel_size_of
from umlpsd_gpu.images.titles import choose_image, unique_title

SUFFIX = ".emd"
IMAGES = "Data/Image"


def read_velox_image(path: Path, title: str | None = None) -> Micrograph:
    """Read an image of Velox.

    Parameters
    ----------
    path : Path
    title : str, optional
        Name of the detector, as ``"HAADF"``, where there are several.

    Returns
    -------
    Micrograph

    Raises
    ------
    MovieError
        If it is no file of Velox, holds no image or several of that name, or a series of frames; or
        as `pixel_size_of`.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            data, metadata = choose_image(path, _images_of(path, file), title)
            n_frames = data.shape[2] if data.ndim == 3 else 1
            if data.ndim not in (2, 3) or n_frames != 1:
                raise MovieError(
                    path,
                    f"its image is a series of {n_frames} frames, and a micrograph is one "
                    "image; export the frame or their average as TIFF",
                )
            image = np.asarray(data[..., 0] if data.ndim == 3 else data[...])
    except (OSError, RuntimeError, KeyError) as error:
        raise MovieError(
            path, f"it is no whole file of Velox ({error}); copy or export it again"
        ) from error
    return Micrograph(image, *_scale(path, metadata), path=path)


def is_velox(path: Path) -> bool:
    """Return whether a file is HDF5 with the images of Velox.

    Parameters
    ----------
    path : Path
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return IMAGES in file
    except OSError:
        return False


def _images_of(path: Path, file: Any) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """Return data set and metadata of every image, by the name of its detector."""
    group = file.get(IMAGES)
    if group is None or not hasattr(group, "values"):
        raise MovieError(
            path,
            f"it has no group {IMAGES}, so it is no file of Velox or has no images; export the "
            "image as TIFF",
        )
    found: dict[str, tuple[Any, Mapping[str, Any]]] = {}
    for entry in group.values():
        data = entry.get("Data")
        if data is None or data.dtype.kind not in "iuf":
            continue
        metadata = _metadata_of(entry)
        name = str(_within(metadata, "BinaryResult", "Detector") or f"image {len(found)}")
        found[unique_title(name, found)] = data, metadata
    return found


def _metadata_of(entry: Any) -> Mapping[str, Any]:
    """Return the metadata of the first frame: JSON in a column of bytes that ends with zeros."""
    stored = entry.get("Metadata")
    if stored is None or stored.ndim != 2 or stored.dtype != np.uint8:
        return {}
    text = stored[:, 0].tobytes().split(b"\0", 1)[0]
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _scale(path: Path, metadata: Mapping[str, Any]) -> tuple[float | None, str]:
    result = metadata.get("BinaryResult")
    if not isinstance(result, dict):
        return None, "unknown"
    x, y = (
        (_within(result, "PixelSize", side), result.get(f"PixelUnit{axis}", ""))
        for side, axis in (("width", "X"), ("height", "Y"))
    )
    return pixel_size_of(path, "Velox PixelSize", x, y)


def _within(values: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None  # type: ignore[assignment]
    return values
