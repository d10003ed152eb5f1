"""Labels of particles as files that ImageJ opens, and back: corrections are made there by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import OutputError, TracesError
from umlpsd_gpu.traces.file_errors import require_credible_archive
from umlpsd_gpu.traces.roi import MASK_SUFFIXES, ROI_SUFFIXES, fill_area, raise_region_error

ADVICE = "give a label TIFF of the size of the image, or a .zip of ImageJ's ROI Manager"
LARGEST_UINT16 = 65535


def write_labels(path: str | Path, labels: np.ndarray, nm_per_px: float | None = None) -> None:
    """Write labels as a TIFF, or as a set of ImageJ regions.

    Parameters
    ----------
    path : path
        ``….tif``: an image of labels; ``….zip``: a polygon for each label, which ImageJ's ROI
        Manager opens; names are the labels.
    labels : ndarray of int, shape (n_rows, n_columns)
        From 1; 0: background.
    nm_per_px : float, optional
        Side of a pixel, in nanometres: the scale of the TIFF in ImageJ, and the property
        ``nm_per_px`` of each region, since regions have no scale of their own.

    Raises
    ------
    OutputError
        If the ending is another, or the file can't be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*MASK_SUFFIXES, ".zip"):
        raise OutputError(
            f"labels are written as .tif or .zip, got '{path.name}'; change its ending"
        )
    try:
        if suffix == ".zip":
            _write_regions(path, labels, nm_per_px)
        else:
            _write_tiff(path, labels, nm_per_px)
    except OSError as error:
        raise OutputError(f"{path} can't be written ({error}); choose another folder") from error


def read_labels(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read labels, perhaps corrected by hand.

    Parameters
    ----------
    path : path
        A TIFF of whole numbers, or a .zip or .roi of ImageJ with areas.
    shape : (int, int)
        Rows and columns of the image.

    Returns
    -------
    ndarray of int32, shape (n_rows, n_columns)
        Labels of a TIFF as they are; regions are numbered from 1 in the order of the file, later
        ones on top.

    Raises
    ------
    TracesError
        If the file is missing, can't be read, is of another size, or has no label.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MASK_SUFFIXES + ROI_SUFFIXES:
        raise TracesError(f"labels {path}: the ending '{suffix}' is not known; {ADVICE}")
    if not path.is_file():
        raise TracesError(f"labels {path}: there is no such file; check its name")
    with raise_region_error(path, "labels", ADVICE):
        labels = _read_tiff(path, shape) if suffix in MASK_SUFFIXES else _read_regions(path, shape)
    if not labels.any():
        raise TracesError(f"labels {path}: there is no label inside the image; {ADVICE}")
    return labels


def _write_tiff(path: Path, labels: np.ndarray, nm_per_px: float | None) -> None:
    import tifffile

    # ImageJ has no 32-bit integers
    is_small = labels.max(initial=0) <= LARGEST_UINT16
    values = labels.astype(np.uint16 if is_small else np.uint32)
    scale: dict[str, Any] = {}
    if nm_per_px is not None:
        # TIFF has no nanometres: ImageJ takes the unit from its own description
        per_unit = 1 / nm_per_px if is_small else 1e7 / nm_per_px
        unit = tifffile.RESUNIT.NONE if is_small else tifffile.RESUNIT.CENTIMETER
        scale = {"resolution": (per_unit, per_unit), "resolutionunit": unit}
        scale |= {"metadata": {"unit": "nm"}} if is_small else {}
    tifffile.imwrite(path, values, imagej=is_small, compression=None, **scale)


def _read_tiff(path: Path, shape: tuple[int, int]) -> np.ndarray:
    import tifffile

    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        found = page.shape if len(tif.pages) == 1 else (len(tif.pages), *page.shape)
        # before decoding: a tiny file may claim terabytes
        if tuple(found) != tuple(shape):
            raise TracesError(
                f"labels {path}: they are {' × '.join(map(str, found))} where the image has "
                f"{shape[0]} × {shape[1]} pixels; {ADVICE}"
            )
        values = np.asarray(page.asarray())
    whole = np.rint(np.nan_to_num(values)) if values.dtype.kind == "f" else values
    if values.dtype.kind == "f" and not np.array_equal(whole, np.nan_to_num(values)):
        raise TracesError(f"labels {path}: they are not whole numbers; {ADVICE}")
    if whole.min() < 0 or whole.max() > np.iinfo(np.int32).max:
        raise TracesError(f"labels {path}: they are negative or too large; {ADVICE}")
    return whole.astype(np.int32)


def label_outlines(labels: np.ndarray) -> dict[int, np.ndarray]:
    """Return the outline of each label in ImageJ's coordinates.

    Parameters
    ----------
    labels : ndarray of int, shape (n_rows, n_columns)
        From 1; 0: background.

    Returns
    -------
    dict of int to ndarray, shape (n_corners, 2)
        x and y of the corners of the largest piece, by label. Pixel (0, 0) reaches from 0 to 1.
    """
    from scipy import ndimage
    from skimage.measure import find_contours

    outlines = {}
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        mask = np.pad(labels[box] == number, 1)
        contours = find_contours(mask.astype(np.float32), 0.5)
        outline = max(contours, key=len)[:-1]
        # the centre of ImageJ's pixel (0, 0) is at 0.5, and the mask has a margin of 1
        outlines[number] = outline[:, ::-1] - 0.5 + [box[1].start, box[0].start]
    return outlines


def _write_regions(path: Path, labels: np.ndarray, nm_per_px: float | None) -> None:
    import roifile

    regions = []
    for number, corners in label_outlines(labels).items():
        region = roifile.ImagejRoi.frompoints(corners.astype(np.float32), name=f"{number}")
        region.roitype = roifile.ROI_TYPE.POLYGON
        if nm_per_px is not None:
            region.properties = {"nm_per_px": f"{nm_per_px:.9g}"}
        regions.append(region)
    path.unlink(missing_ok=True)
    roifile.roiwrite(path, regions)


def _read_regions(path: Path, shape: tuple[int, int]) -> np.ndarray:
    import roifile

    if path.suffix.lower() == ".zip":
        require_credible_archive(path)
    found = roifile.roiread(path)
    labels = np.zeros(shape, dtype=np.int32)
    for number, region in enumerate(found if isinstance(found, list) else [found], start=1):
        labels[fill_area(region, path, shape)] = number
    return labels
