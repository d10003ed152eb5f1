"""Images from files of electron microscopes, read by RosettaSciIO (the extra ``em``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.pixel_size import PixelSize, pixel_size_of
from umlpsd_gpu.images.titles import choose_image

# RosettaSciIO is under the GPL: it is imported when such a file is opened and never part of this
# package
READERS = {".emd": "emd", ".emi": "tia", ".ser": "tia", ".mrc": "mrc", ".tvips": "tvips"}
SUFFIXES = tuple(READERS)


def read_microscope_file(path: Path, title: str | None) -> Micrograph:
    """Read an image of a Berkeley .emd, a TIA .emi or .ser, an .mrc or a .tvips file.

    Parameters
    ----------
    path : Path
    title : str or None
        Title of the image, where there are several.

    Returns
    -------
    Micrograph

    Raises
    ------
    MovieError
        If the extra is missing, the file can't be read, or it has no image or several.
    """
    try:
        reader: Callable[..., list[dict[str, Any]]] = import_module(
            f"rsciio.{READERS[path.suffix.lower()]}"
        ).file_reader
    except ImportError as error:
        raise MovieError(
            path, "such files need the extra em: pip install 'umlpsd_gpu[em]'"
        ) from error
    try:
        entries = reader(str(path))
    except Exception as error:  # the reader raises whatever a damaged file makes happen
        raise MovieError(
            path,
            f"RosettaSciIO can't read it ({type(error).__name__}: {error}); export it as TIFF",
        ) from error
    images = {_title(entry): entry for entry in entries if np.ndim(entry["data"]) == 2}
    entry = choose_image(path, images, title)
    return Micrograph(np.asarray(entry["data"]), *_pixel_size(path, entry), path=path)


def _title(entry: Mapping[str, Any]) -> str:
    return str(entry.get("metadata", {}).get("General", {}).get("title", ""))


def _pixel_size(path: Path, entry: Mapping[str, Any]) -> PixelSize:
    y, x = ((axis.get("scale"), axis.get("units", "")) for axis in entry["axes"][-2:])
    return pixel_size_of(path, "scale of the axes", x, y)
