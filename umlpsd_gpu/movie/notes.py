"""What a TIFF file says about itself: OME-XML, ImageJ, Micro-Manager and tifffile descriptions."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tifffile import TiffFile, read_micromanager_metadata

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.micromanager import NO_STAMP, parse_json, stamp_of
from umlpsd_gpu.movie.pages import FilePages, insist_on_first_description, read_pages
from umlpsd_gpu.movie.tiff_errors import one_movie_error, with_advice


@dataclass(frozen=True)
class Notes:
    """Descriptions as found; empty where there is none.

    Attributes
    ----------
    ome_xml : str
    imagej : dict
        ImageJ's description and IJMetadata.
    shaped : dict
        tifffile's own description: ``shape``, perhaps ``axes`` and ``truncated``.
    micromanager : dict
        The first frame's note.
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
    """Read the pages and the notes of one TIFF file; no pixel is read.

    Raises
    ------
    MovieError
        If the file is no TIFF, or its first page can't be read.
    """
    with one_movie_error(path):
        tif = TiffFile(path)
        if not tif.pages:
            raise MovieError(path, with_advice("the file holds no image"))
        insist_on_first_description(tif, path)
    with tif:
        with one_movie_error(path):
            notes = _notes(tif)
        found = read_pages(tif, path)
    if len(found.pages) == 1 and found.pages[0].stamp == NO_STAMP:
        found.pages[0] = found.pages[0]._replace(stamp=stamp_of(notes.micromanager))
    return found, notes


def _notes(tif: TiffFile) -> Notes:
    first = tif.pages.first
    description = first.description if isinstance(first.description, str) else ""
    imagej = tif.imagej_metadata or {}
    frame_note = first.tags.valueof(51123) or imagej.get("Info")
    if isinstance(frame_note, str):
        frame_note = parse_json(frame_note)
    if not isinstance(frame_note, dict):
        frame_note = {}
    summary = (_file_summary(tif) if first.is_micromanager else {}) or frame_note.get("Summary")
    return Notes(
        ome_xml=description if "<OME" in description[:2000] else "",
        imagej=imagej,
        shaped=parse_json(first.shaped_description or ""),
        micromanager=frame_note,
        summary=summary if isinstance(summary, dict) else {},
        pixels_per_unit=_ratio(first.tags.valueof(282)),
    )


def _file_summary(tif: TiffFile) -> dict[str, Any]:
    """Return the summary in the header of a Micro-Manager file, or an empty one."""
    try:
        summary = read_micromanager_metadata(tif.filehandle, keys={"Summary"}).get("Summary")
    # Any program may copy the tag of a page; the header of the file is Micro-Manager's alone.
    except (ValueError, struct.error):
        return {}
    return summary if isinstance(summary, dict) else {}


def _ratio(value: object) -> float:
    if not (isinstance(value, tuple) and len(value) == 2 and value[1]):
        return 0.0
    return float(value[0]) / float(value[1])
