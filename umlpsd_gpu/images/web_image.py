"""Grey images from PNG and JPEG files, whose headers are read before anything is decoded."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.colour import grey_of
from umlpsd_gpu.images.micrograph import Micrograph

SUFFIXES = (".png", ".jpg", ".jpeg")
PNG_START, JPEG_START = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
MOST_PIXELS, MOST_BYTES = 1 << 28, 1 << 30
# Markers of JPEG that begin a frame, of all ways of coding
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_NOTE = "JPEG leaves its blocks of 8 pixels in the spectra; a file without losses is better."


def read_web_image(path: Path, is_luminance_taken: bool = False) -> Micrograph:
    """Read a PNG or JPEG file.

    Parameters
    ----------
    path : Path
    is_luminance_taken : bool
        Whether the luminance of a colour image is read, instead of refusing it.

    Returns
    -------
    Micrograph
        Without a pixel size, which such files don't hold.

    Raises
    ------
    MovieError
        If the file can't be read, is too large, or is in colour.
    """
    import imagecodecs

    if path.stat().st_size > MOST_BYTES:
        raise MovieError(path, "it has more than 1 GB; save the image as TIFF")
    data = path.read_bytes()
    is_png = data.startswith(PNG_START)
    size = _size_of_png(data) if is_png else _size_of_jpeg(data)
    if size is None:
        raise MovieError(path, "it is neither PNG nor JPEG, or damaged; save the image as TIFF")
    n_rows, n_columns = size
    if not 0 < n_rows * n_columns <= MOST_PIXELS:
        raise MovieError(
            path,
            f"it has {n_rows:,} × {n_columns:,} pixels, and {MOST_PIXELS:,} are allowed; crop it",
        )
    try:
        values = imagecodecs.png_decode(data) if is_png else imagecodecs.jpeg8_decode(data)
    except (RuntimeError, ValueError) as error:
        raise MovieError(path, f"it is damaged ({error}); save the image again") from error
    image, notes = grey_of(_channels_of(np.asarray(values)), path, is_luminance_taken)
    return Micrograph(image, notes=notes if is_png else (*notes, JPEG_NOTE), path=path)


def _channels_of(values: np.ndarray) -> list[np.ndarray]:
    """Return one or three channels, without a layer of opacity."""
    if values.ndim == 2:
        return [values]
    n_colours = values.shape[-1] - 1 + values.shape[-1] % 2
    return [values[..., channel] for channel in range(n_colours)]


def _size_of_png(data: bytes) -> tuple[int, int] | None:
    if len(data) < 24 or data[12:16] != b"IHDR":
        return None
    n_columns, n_rows = struct.unpack(">II", data[16:24])
    return n_rows, n_columns


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    """Return rows and columns from the header of the frame."""
    at = 2 if data.startswith(JPEG_START) else len(data)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in FRAME_MARKERS:
            n_rows, n_columns = struct.unpack(">HH", data[at + 5 : at + 9])
            return n_rows, n_columns
        at += 1 if marker == 0xFF else 2 + max(length, 2)
    return None
