"""Open a single image with its scale; what is no single image is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import MovieError, TracesError
from umlpsd_gpu.images.data_bar import find_data_bar
from umlpsd_gpu.images.digital_micrograph import SUFFIXES as DM_SUFFIXES
from umlpsd_gpu.images.digital_micrograph import read_dm_image
from umlpsd_gpu.images.electron_microscopes import SUFFIXES as MICROSCOPE_SUFFIXES
from umlpsd_gpu.images.electron_microscopes import read_microscope_file
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.tiff_image import read_tiff_image
from umlpsd_gpu.images.velox import is_velox, read_velox_image
from umlpsd_gpu.images.web_image import SUFFIXES as WEB_SUFFIXES
from umlpsd_gpu.images.web_image import read_web_image

TIFF_SUFFIXES = (".tif", ".tiff")
SUFFIXES = (*TIFF_SUFFIXES, ".npy", *WEB_SUFFIXES, *DM_SUFFIXES, *MICROSCOPE_SUFFIXES)


def open_micrograph(
    path: str | Path,
    pixel_size_m: float | None = None,
    *,
    title: str | None = None,
    cut_data_bar: bool = True,
    is_luminance_taken: bool = False,
) -> Micrograph:
    """Read a single image of a microscope.

    Parameters
    ----------
    path : path
        TIFF (also of FEI/Thermo Fisher, Zeiss, DigitalMicrograph, TVIPS, Olympus SIS, JEOL, ImageJ,
        OME), .npy, grey PNG and JPEG, .dm3, .dm4, .emd of Velox; other .emd, .emi, .ser, .mrc and
        .tvips with the extra ``em``.
    pixel_size_m : float, optional
        Side of a pixel, in metres; replaces that of the file.
    title : str, optional
        Which of several images of a file is read.
    cut_data_bar : bool
        Whether a data bar at the bottom is cut off.
    is_luminance_taken : bool
        Whether the luminance of a colour image is read, instead of refusing it.

    Returns
    -------
    Micrograph

    Raises
    ------
    MovieError
        If the file can't be read, or is a stack, a colour image, or too large.
    TracesError
        If the image has values that are NaN or infinite, or is constant.
    """
    path = Path(path)
    found = _read(path, title, is_luminance_taken)
    if pixel_size_m is not None:
        found = replace(found, pixel_size_m=pixel_size_m, pixel_size_origin="user")
    _require_values(found)
    if not cut_data_bar:
        return replace(found, image=found.image.astype(np.float32))
    n_bar = found.n_bar_rows or find_data_bar(found.image)
    image = found.image[: found.image.shape[0] - n_bar].astype(np.float32)
    notes = found.notes
    if n_bar:
        notes = (*notes, f"The data bar of {n_bar} rows at the bottom was cut off.")
    return replace(found, image=image, n_bar_rows=n_bar, notes=notes)


def _read(path: Path, title: str | None, is_luminance_taken: bool) -> Micrograph:
    if not path.exists():
        raise MovieError(path, "there is no such file: check its name")
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        return read_tiff_image(path, is_luminance_taken)
    if suffix == ".npy":
        return _read_array(path)
    if suffix in WEB_SUFFIXES:
        return read_web_image(path, is_luminance_taken)
    if suffix in DM_SUFFIXES:
        return read_dm_image(path, title)
    if suffix == ".emd" and is_velox(path):
        return read_velox_image(path, title)
    if suffix in MICROSCOPE_SUFFIXES:
        return read_microscope_file(path, title)
    raise MovieError(
        path,
        f"files with the suffix '{suffix}' are not read as micrographs; save the image as TIFF or "
        f"one of {', '.join(SUFFIXES[2:])}",
    )


def _read_array(path: Path) -> Micrograph:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise MovieError(path, f"it is no .npy file ({error}); save it again") from error
    if values.ndim != 2 or values.dtype.kind not in "iufb":
        raise MovieError(
            path,
            f"it holds an array of shape {values.shape} and type {values.dtype}; a micrograph is "
            "one image of real numbers (rows × columns)",
        )
    return Micrograph(np.asarray(values), path=path)


def _require_values(found: Micrograph) -> None:
    if not np.isfinite(found.image).all():
        n = int(np.count_nonzero(~np.isfinite(found.image)))
        raise TracesError(
            f"{found.path}: {n:,} pixels are NaN or infinite; crop the image to a rectangle "
            "without them"
        )
    if found.image.size and found.image.min() == found.image.max():
        raise TracesError(f"{found.path}: all pixels have the same value; there is nothing to see")
