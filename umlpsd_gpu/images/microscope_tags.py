"""Pixel size and height of a scan, from the tags that electron microscopes write into TIFF."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from umlpsd_gpu.movie.units import metres_of


class ScanTags(NamedTuple):
    """Facts of a scan; None where a file doesn't tell them."""

    pixel_size_m: float | None = None
    origin: str = ""
    n_scan_rows: int | None = None


def read_scan_tags(path: Path) -> ScanTags:
    """Return pixel size and rows of a scan from the tags of FEI/Thermo Fisher and Zeiss.

    Parameters
    ----------
    path : Path
        A TIFF file that can be opened.

    Returns
    -------
    ScanTags
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        fei, zeiss = file.fei_metadata, file.sem_metadata
    if fei:
        return _of_fei(fei)
    return _of_zeiss(zeiss) if zeiss else ScanTags()


def _of_fei(metadata: dict[str, Any]) -> ScanTags:
    scan = metadata.get("Scan") or metadata.get("EScan") or {}
    width = _positive(scan.get("PixelWidth"))
    rows = _positive((metadata.get("Image") or {}).get("ResolutionY"))
    return ScanTags(width, "FEI PixelWidth", None if rows is None else int(rows))


def _of_zeiss(metadata: dict[str, Any]) -> ScanTags:
    for name in ("ap_image_pixel_size", "ap_pixel_size"):
        entry = metadata.get(name)
        if isinstance(entry, tuple) and len(entry) == 3:
            size, unit = _positive(entry[1]), metres_of(str(entry[2]))
            if size is not None and unit is not None:
                return ScanTags(size * unit, f"Zeiss {str(entry[0]).strip()}")
    return ScanTags()


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None
