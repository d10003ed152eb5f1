"""Region of interest: an ImageJ ROI, several in a zip, or a mask TIFF → a mask of pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.tiff_errors import collect_complaints
from umlpsd_gpu.traces.file_errors import require_credible_archive

MASK_SUFFIXES = (".tif", ".tiff")
ROI_SUFFIXES = (".roi", ".zip")
GIVE_A_REGION = (
    "give an ImageJ region (.roi, or .zip of several) or a mask TIFF (.tif) of the movie's size, "
    "not 0 inside"
)


@dataclass(frozen=True)
class Region:
    """The pixels of an image that are inside a region of interest.

    Attributes
    ----------
    mask : ndarray, shape (n_rows, n_cols), bool
    name : str
        Of the file.
    """

    mask: Array
    name: str

    @classmethod
    def within(cls, mask: Array, name: str, other: Region | None) -> Region:
        """Return the pixels of a mask, those inside another region only if there is one.

        Parameters
        ----------
        mask : ndarray, shape (n_rows, n_cols), bool
        name : str
        other : Region or None

        Returns
        -------
        Region
        """
        if other is None:
            return cls(mask, name)
        return cls(mask & other.mask, f"{other.name} and {name}")

    @property
    def digest(self) -> str:
        """Return the first 12 digits of the SHA-256 of the image's size and the mask."""
        sha = hashlib.sha256(repr(self.mask.shape).encode())
        sha.update(np.packbits(self.mask).tobytes())
        return sha.hexdigest()[:12]

    def __str__(self) -> str:
        """Return name, size and digest, for histories."""
        return f"{self.name} ({np.count_nonzero(self.mask)} pixels, SHA-256 {self.digest}…)"


def read_region(path: str | Path, shape: tuple[int, int]) -> Region:
    """Read a region of interest.

    Parameters
    ----------
    path : str or Path
        ``.roi`` of ImageJ: rectangle, oval, polygon, freehand, traced or composite; ``.zip`` of
        several: their union; ``.tif``: a mask, every pixel inside that is neither 0 nor NaN.
    shape : tuple of int
        Rows and columns of the movie.

    Returns
    -------
    Region
        A pixel is inside an ImageJ region when its centre is (ImageJ's pixel (0, 0) reaches from
        0 to 1). Parts outside the image are ignored.

    Raises
    ------
    TracesError
        If the file can't be read, encloses no area, is a mask of another size, or contains no
        pixel of the image.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MASK_SUFFIXES + ROI_SUFFIXES:
        raise TracesError(f"region of interest {path}: '{suffix}' is not known; {GIVE_A_REGION}")
    if not path.is_file():
        reason = "there is no such file; check the name"
        if path.exists():
            reason = f"this is not a file; {GIVE_A_REGION}"
        raise TracesError(f"region of interest {path}: {reason}")
    with raise_region_error(path, "region of interest", GIVE_A_REGION):
        mask = _read_mask(path, shape) if suffix in MASK_SUFFIXES else _read_imagej(path, shape)
    if not mask.any():
        raise TracesError(
            f"region of interest {path}: it contains no pixel of the {shape[0]} × {shape[1]} "
            f"image; draw it on this movie: {GIVE_A_REGION}"
        )
    return Region(mask, path.name)


@contextmanager
def raise_region_error(path: Path, what: str, advice: str) -> Iterator[None]:
    """Turn whatever roifile, tifffile and scikit-image raise or log inside into a TracesError.

    Parameters
    ----------
    path : Path
    what : str
        What the file holds, for the message.
    advice : str
        What to give instead.

    Raises
    ------
    TracesError
    """
    try:
        with collect_complaints("roifile") as of_roi, collect_complaints("tifffile") as of_tiff:
            yield
        words = next(iter(of_roi + of_tiff), "")
        cause = None
    except TracesError:
        raise
    # a broken file can make them raise nearly any exception
    except Exception as error:
        words = str(error).strip().partition("\n")[0].rstrip(" .:;")[:200] or type(error).__name__
        cause = error
    if words:
        raise TracesError(f"{what} {path}: it can't be read ({words}); {advice}") from cause


def _read_mask(path: Path, shape: tuple[int, int]) -> Array:
    import tifffile

    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        # before decoding: a tiny file may claim terabytes
        found = page.shape if len(tif.pages) == 1 else (len(tif.pages), *page.shape)
        if found != shape:
            size = " × ".join(map(str, found))
            raise TracesError(
                f"region of interest {path}: the mask is {size} where the movie has {shape[0]} × "
                f"{shape[1]} pixels; {GIVE_A_REGION}"
            )
        values = page.asarray()
    inside: Array = np.nan_to_num(values) != 0 if values.dtype.kind == "f" else values != 0
    return inside


def _read_imagej(path: Path, shape: tuple[int, int]) -> Array:
    import roifile

    if path.suffix.lower() == ".zip":
        require_credible_archive(path)
    found = roifile.roiread(path)
    rois = found if isinstance(found, list) else [found]
    if not rois:
        raise TracesError(
            f"region of interest {path}: the archive contains no .roi; {GIVE_A_REGION}"
        )
    mask = np.zeros(shape, dtype=bool)
    for roi in rois:
        mask |= fill_area(roi, path, shape)
    return mask


def fill_area(roi: Any, path: Path, shape: tuple[int, int]) -> Array:
    """Return which pixel centres lie inside one region of ImageJ.

    Parameters
    ----------
    roi : roifile.ImagejRoi
    path : Path
        Of its file, for errors.
    shape : (int, int)
        Rows and columns of the image.

    Returns
    -------
    ndarray of bool, shape ``shape``

    Raises
    ------
    TracesError
        If the region encloses no area.
    """
    kind = roi.roitype.name
    if roi.composite or kind in ("POLYGON", "FREEHAND", "TRACED"):
        mask = np.zeros(shape, dtype=bool)
        for outline in roi.coordinates(multi=True):
            mask ^= _fill_polygon(outline, shape)  # a path inside another is a hole
        return mask
    left, top, right, bottom = _find_box(roi)
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    y, x = rows + 0.5, cols + 0.5
    if kind == "RECT":
        return (y > top) & (y < bottom) & (x > left) & (x < right)
    if kind == "OVAL":
        width, height = max(right - left, 1e-9), max(bottom - top, 1e-9)
        across = (2 * x - left - right) / width
        down = (2 * y - top - bottom) / height
        return across**2 + down**2 <= 1
    raise TracesError(
        f"region of interest {path}: it contains a {kind.lower()}, which encloses no area; draw a "
        "rectangle, oval, polygon or freehand region"
    )


def _find_box(roi: Any) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom; exact for subpixel rectangles and ovals."""
    if roi.subpixelrect:
        return roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd
    return roi.left, roi.top, roi.right, roi.bottom


def _fill_polygon(outline: Array, shape: tuple[int, int]) -> Array:
    from skimage.draw import polygon2mask

    # scikit-image has pixel centres at whole numbers, ImageJ at halves
    mask: Array = polygon2mask(shape, np.asarray(outline, dtype=np.float64)[:, ::-1] - 0.5)
    return mask
