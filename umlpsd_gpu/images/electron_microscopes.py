"""Images from files of electron microscopes, read by RosettaSciIO (the extra ``em``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.movie.units import metres_of

# RosettaSciIO is under the GPL: it is imported when such a file is opened and never part of this
# package
READERS = {".dm3": "digitalmicrograph", ".dm4": "digitalmicrograph", ".emd": "emd"}
SUFFIXES = tuple(READERS)


def read_microscope_file(path: Path, title: str | None) -> Micrograph:
    """Read an image of a .dm3, .dm4 or .emd file.

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
    if title is not None:
        images = {name: entry for name, entry in images.items() if name == title}
    if len(images) != 1:
        known = ", ".join(f"'{_title(entry)}'" for entry in entries) or "nothing"
        raise MovieError(
            path,
            f"it holds {len(images)} images of that kind ({known}); choose one by its title with "
            "--image-title",
        )
    (entry,) = images.values()
    return Micrograph(np.asarray(entry["data"]), *_pixel_size(entry), path=path)


def _title(entry: Mapping[str, Any]) -> str:
    return str(entry.get("metadata", {}).get("General", {}).get("title", ""))


def _pixel_size(entry: Mapping[str, Any]) -> tuple[float | None, str]:
    axis = entry["axes"][-1]
    unit = metres_of(str(axis.get("units", "")))
    scale = float(axis.get("scale", 0.0))
    return (scale * unit, "scale of the axes") if unit and scale > 0 else (None, "unknown")
