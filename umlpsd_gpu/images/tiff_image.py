"""One image from a TIFF file, by the reader of movies and its limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.colour import grey_of
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.microscope_tags import read_scan_tags
from umlpsd_gpu.images.pixel_size import PixelSize
from umlpsd_gpu.movie.arrangement import Contents
from umlpsd_gpu.movie.contents import read_contents
from umlpsd_gpu.movie.metadata import pixel_size
from umlpsd_gpu.movie.reader import make_reader
from umlpsd_gpu.movie.settings import MovieSettings


def read_tiff_image(path: Path, is_luminance_taken: bool = False) -> Micrograph:
    """Read the only image of a TIFF file.

    Parameters
    ----------
    path : Path
    is_luminance_taken : bool
        Whether the luminance of a colour image is read, instead of refusing it.

    Returns
    -------
    Micrograph
        A colour image with three equal channels is read as a grey one. ``n_bar_rows`` is what the
        tags of the microscope say.

    Raises
    ------
    MovieError
        If it can't be read, has several images, or is in colour.
    """
    settings = MovieSettings()
    contents = read_contents([path], path, settings)
    _require_one_image(contents, path)
    kind = contents.table.kind_of(0)
    pages = np.zeros(1, dtype=np.intp)
    channels = [
        make_reader(contents.table, pages, sample, settings.limits.max_page_s)(0, 1)[0]
        for sample in range(min(kind.n_samples, 3))
    ]
    image, notes = grey_of(channels, path, is_luminance_taken)
    size_um, origin = pixel_size(None, contents.notes, contents.image)
    tags = read_scan_tags(path)
    size = tags.pixel_size
    if size.size_m is None:
        size = PixelSize(size_um and size_um * 1e-6, origin)
    n_rows = image.shape[0]
    n_bar = n_rows - tags.n_scan_rows if tags.n_scan_rows and tags.n_scan_rows < n_rows else 0
    return Micrograph(image, *size, n_bar, notes, path)


def _require_one_image(contents: Contents, path: Path) -> None:
    n_images = contents.layout.n_planes
    if contents.table.break_reason:
        raise MovieError(path, f"the file is damaged: {contents.table.break_reason}; copy it again")
    if n_images != 1:
        raise MovieError(
            path,
            f"it is a stack of {n_images} images, and a micrograph is one; save the image to "
            "analyse as a file of its own (a movie is analysed with --analysis blinking)",
        )
