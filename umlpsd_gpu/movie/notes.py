"""The metadata of a TIFF file: descriptions of OME-XML, ImageJ, Micro-Manager and tifffile."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tifffile import TiffFile, read_micromanager_metadata

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.micromanager import NO_STAMP, parse_json, read_stamp
from umlpsd_gpu.movie.pages import FilePages, read_pages, require_first_description
from umlpsd_gpu.movie.tiff_errors import add_advice, raise_movie_error


@dataclass(frozen=True)
class Notes:
    """Metadata as found; empty where there is none.

    Attributes
    ----------
    ome_xml : str
    imagej : dict
        ImageJ's description and IJMetadata.
    shaped : dict
        tifffile's own description: ``shape``, perhaps ``axes`` and ``truncated``.
    micromanager : dict
        The first frame's metadata.
    summary : dict
        Micro-Manager's summary of the whole acquisition.
    pixels_per_unit : float
        XResolution, in ImageJ's unit; 0 where there is none.
    """

    ome_xml: str = ""
    imagej: dict[str, Any] = field(default_factory=dict)
    shaped: dict[str, Any] = field(default_factory=dict)
    micromanager: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    pixels_per_unit: float = 0.0


def read_file(path: Path) -> tuple[FilePages, Notes]:
    """Read the pages and the metadata of one TIFF file, but no pixels.

    Parameters
    ----------
    path : Path

    Raises
    ------
    MovieError
        If the file is not TIFF, or its first page can't be read.
    """
    with raise_movie_error(path):
        tif = TiffFile(path)
        if not tif.pages:
            raise MovieError(path, add_advice("the file contains no image"))
        require_first_description(tif, path)
    with tif:
        with raise_movie_error(path):
            notes = _read_notes(tif)
        found = read_pages(tif, path)
    if len(found.pages) == 1 and found.pages[0].stamp == NO_STAMP:
        found.pages[0] = found.pages[0]._replace(stamp=read_stamp(notes.micromanager))
    return found, notes


def _read_notes(tif: TiffFile) -> Notes:
    first = tif.pages.first
    description = first.description if isinstance(first.description, str) else ""
    imagej = tif.imagej_metadata or {}
    frame_note = first.tags.valueof(51123) or imagej.get("Info")
    if isinstance(frame_note, str):
        frame_note = parse_json(frame_note)
    if not isinstance(frame_note, dict):
        frame_note = {}
    summary = (_read_file_summary(tif) if first.is_micromanager else {}) or frame_note.get(
        "Summary"
    )
    return Notes(
        ome_xml=description if "<OME" in description[:2000] else "",
        imagej=imagej,
        shaped=parse_json(first.shaped_description or ""),
        micromanager=frame_note,
        summary=summary if isinstance(summary, dict) else {},
        pixels_per_unit=_parse_ratio(first.tags.valueof(282)),
    )


def _read_file_summary(tif: TiffFile) -> dict[str, Any]:
    """Return the summary in the header of a Micro-Manager file; empty if there is none."""
    try:
        summary = read_micromanager_metadata(tif.filehandle, keys={"Summary"}).get("Summary")
    # Any program may copy the tag of a page; only Micro-Manager writes the header of the file.
    except (ValueError, struct.error):
        return {}
    return summary if isinstance(summary, dict) else {}


def _parse_ratio(value: object) -> float:
    if not (isinstance(value, tuple) and len(value) == 2 and value[1]):
        return 0.0
    return float(value[0]) / float(value[1])
