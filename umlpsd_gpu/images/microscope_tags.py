"""Pixel size and height of a scan, from the tags that electron microscopes write into TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from umlpsd_gpu.images.pixel_size import PixelSize, pixel_size_of, positive

# Tags of DigitalMicrograph: units and lengths of a pixel along x and y
GATAN_UNITS, GATAN_LENGTHS = (65003, 65004), (65009, 65010)
# Lengths of the units of the resolution of a TIFF file, by its tag
RESOLUTION_UNITS_M = {2: 0.0254, 3: 0.01}


class ScanTags(NamedTuple):
    """Facts of a scan; None where a file doesn't tell them."""

    pixel_size: PixelSize = PixelSize()
    n_scan_rows: int | None = None


def read_scan_tags(path: Path) -> ScanTags:
    """Return pixel size and rows of a scan from the tags of an electron microscope.

    Knows FEI/Thermo Fisher, Zeiss, DigitalMicrograph, TVIPS, Olympus SIS and JEOL SightX.

    Parameters
    ----------
    path : Path
        A TIFF file that can be opened.

    Returns
    -------
    ScanTags

    Raises
    ------
    MovieError
        If the tags say that pixels are not square, or not lengths.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        tags = {tag.code: tag.value for tag in file.pages.first.tags.values()}
        fei, zeiss, tvips, sis = (
            file.fei_metadata,
            file.sem_metadata,
            file.tvips_metadata,
            file.sis_metadata,
        )
    if fei:
        return _of_fei(path, fei)
    if zeiss:
        return ScanTags(_of_zeiss(path, zeiss))
    if tvips:
        x, y = ((tvips.get(f"PixelSize{axis}"), "nm") for axis in "XY")
        return ScanTags(pixel_size_of(path, "TVIPS PixelSizeX", x, y))
    if sis:
        x, y = ((sis.get(f"pixelsize{axis}"), "m") for axis in "xy")
        return ScanTags(pixel_size_of(path, "Olympus SIS", x, y))
    if GATAN_LENGTHS[0] in tags:
        x, y = (
            (tags.get(length), tags.get(unit, ""))
            for length, unit in zip(GATAN_LENGTHS, GATAN_UNITS, strict=True)
        )
        return ScanTags(pixel_size_of(path, "DigitalMicrograph scale", x, y))
    return ScanTags(_of_jeol(path, tags))


def _of_fei(path: Path, metadata: dict[str, Any]) -> ScanTags:
    scan = metadata.get("Scan") or metadata.get("EScan") or {}
    x, y = ((scan.get(name), "m") for name in ("PixelWidth", "PixelHeight"))
    rows = positive((metadata.get("Image") or {}).get("ResolutionY"))
    size = pixel_size_of(path, "FEI PixelWidth", x, y if y[0] is not None else None)
    return ScanTags(size, None if rows is None else int(rows))


def _of_zeiss(path: Path, metadata: dict[str, Any]) -> PixelSize:
    for name in ("ap_image_pixel_size", "ap_pixel_size"):
        entry = metadata.get(name)
        if isinstance(entry, tuple) and len(entry) == 3:
            origin = f"Zeiss {str(entry[0]).strip()}"
            size = pixel_size_of(path, origin, (entry[1], entry[2]))
            if size.size_m is not None:
                return size
    return PixelSize()


def _of_jeol(path: Path, tags: dict[int, Any]) -> PixelSize:
    """Return the resolution of the camera divided by the magnification."""
    make, description = str(tags.get(271, "")), str(tags.get(270, ""))
    if not make.startswith("JEOL") or "<TemReporter" not in description:
        return PixelSize()
    try:
        report = ElementTree.fromstring(description.strip("\0\x01 \r\n\t"))
    except ElementTree.ParseError:
        return PixelSize()
    imaging = "ImageFormingSystem/"
    mode = report.findtext(imaging + "ModeString", "")
    magnification = positive(report.findtext(imaging + "SelectorValue"))
    unit = RESOLUTION_UNITS_M.get(int(tags.get(296, 0)))
    if mode == "DIFF":
        return pixel_size_of(path, "JEOL ModeString DIFF", (1, "1/nm"))
    if mode != "MAG" or magnification is None or unit is None:
        return PixelSize()
    x, y = (
        (unit * each / magnification if (each := _per_unit(tags.get(code))) else None, "m")
        for code in (282, 283)
    )
    return pixel_size_of(path, "JEOL SelectorValue", x, y)


def _per_unit(resolution: Any) -> float | None:
    """Return the units in a pixel from a resolution tag (pixels a unit, as a fraction)."""
    if not isinstance(resolution, tuple) or len(resolution) != 2:
        return None
    above, below = map(positive, resolution)
    return None if above is None or below is None else below / above
