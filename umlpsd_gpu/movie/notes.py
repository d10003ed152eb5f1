"""The metadata of a TIFF file: descriptions of OME-XML, ImageJ, Micro-Manager and tifffile."""

from __future__ import annotations

import math
import struct
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tifffile import TiffFile, TiffPage, read_micromanager_metadata

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.micromanager import parse_json
from umlpsd_gpu.movie.other_formats import explain_other_format, is_unfinished
from umlpsd_gpu.movie.page_reader import Page
from umlpsd_gpu.movie.pages import FilePages, read_pages, require_first_description
from umlpsd_gpu.movie.scanimage import (
    NO_ACQUISITION,
    Acquisition,
    place_pages,
    read_acquisition,
)
from umlpsd_gpu.movie.stamps import NO_STAMP, read_stamp
from umlpsd_gpu.movie.stk import expand_planes
from umlpsd_gpu.movie.tiff_errors import add_advice, raise_movie_error

_ANDOR_KINETIC_CYCLE_TAG = 4878


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
    andor_cycle_s : float or None
        Andor's kinetic cycle time.
    scanimage : Acquisition
        ScanImage's channels and planes.
    axes : str
        Letters of the axes that Zeiss LSM and Olympus FluoView describe, besides those in a page.
    shape : tuple of int
        Lengths of these axes.
    """

    ome_xml: str = ""
    imagej: dict[str, Any] = field(default_factory=dict)
    shaped: dict[str, Any] = field(default_factory=dict)
    micromanager: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    pixels_per_unit: float = 0.0
    andor_cycle_s: float | None = None
    scanimage: Acquisition = NO_ACQUISITION
    axes: str = ""
    shape: tuple[int, ...] = ()


def read_file(path: Path, limits: Limits) -> tuple[FilePages, Notes]:
    """Read the pages and the metadata of one TIFF file, but no pixels.

    Parameters
    ----------
    path : Path
    limits : Limits

    Raises
    ------
    MovieError
        If the file is not TIFF, its first page can't be read, or it exceeds a limit.
    """
    with ExitStack() as opened:
        with raise_movie_error(path):
            _require_tiff(path)
            tif = opened.enter_context(TiffFile(path))
            _require_pages(tif, path)
            require_first_description(tif, path, limits)
        found = read_pages(tif, path, limits)
        return found, describe_pages(tif, found, path, limits)


def describe_pages(tif: TiffFile, found: FilePages, path: Path, limits: Limits) -> Notes:
    """Read the metadata of an open file, and leave those of its pages that are frames.

    Parameters
    ----------
    tif : TiffFile
    found : FilePages
        All its pages; changed in place.
    path : Path
        For messages.
    limits : Limits

    Raises
    ------
    MovieError
        If the metadata can't be read.
    """
    # OME-XML counts all pages.
    first_frame = 0 if "<OME" in tif.pages.first.description else _skip_extra_pages(found)
    with raise_movie_error(path):
        notes = _read_notes(tif, _page_at(tif, found.pages[0]) if first_frame else None)
        if tif.is_lsm or tif.is_fluoview:
            notes = _read_series(tif, notes, len(found.pages))
        expand_planes(tif, found, limits.max_frames, path)
    if len(found.pages) == 1 and found.pages[0].stamp == NO_STAMP:
        found.pages[0] = found.pages[0]._replace(stamp=read_stamp(notes.micromanager))
    stamps = [page.stamp for page in found.pages]
    placed = place_pages(stamps, notes.scanimage)
    if placed is not stamps:
        found.pages = [
            page._replace(stamp=stamp) for page, stamp in zip(found.pages, placed, strict=True)
        ]
    return notes


def _require_pages(tif: TiffFile, path: Path) -> None:
    if not tif.pages:
        raise MovieError(
            path,
            add_advice(
                f"the file ends at byte {tif.filehandle.size}, before its first page: it was "
                "cut, or is still being written"
            ),
        )


def _read_series(tif: TiffFile, notes: Notes, n_pages: int) -> Notes:
    """Add the axes that tifffile finds in the binary headers of LSM and FluoView."""
    series = tif.series[0]
    n_outer = len(series.shape) - len(series.keyframe.shape)
    shape = tuple(series.shape[:n_outer])
    if math.prod(shape) != n_pages:
        return notes
    return replace(notes, axes=series.axes[:n_outer], shape=shape)


def _require_tiff(path: Path) -> None:
    """Raise MovieError for a file of another format, and one that is still being written."""
    other = explain_other_format(path)
    if other:
        raise MovieError(path, other)
    if is_unfinished(path):
        raise MovieError(
            path,
            "the file has no first page yet: it is still being written, or its program stopped "
            "before it finished; wait for the end of the recording, or export the movie again",
        )


def _skip_extra_pages(found: FilePages) -> int:
    """Leave out thumbnails and masks; return the number of the first frame's page.

    Pages that all look alike are frames, whatever some writers say.
    """
    frames = [page for page in found.pages if not page.is_extra]
    extra = {page.kind.content for page in found.pages if page.is_extra}
    if not frames or not extra:
        return 0
    if len(frames) == 1 and extra == {frames[0].kind.content}:
        return 0
    first = next(number for number, page in enumerate(found.pages) if not page.is_extra)
    found.pages = frames
    return first


def _page_at(tif: TiffFile, page: Page) -> TiffPage:
    tif.filehandle.seek(page.ifd)
    return TiffPage(tif, index=0)


def _read_notes(tif: TiffFile, first_frame: TiffPage | None) -> Notes:
    first = first_frame or tif.pages.first
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
        andor_cycle_s=_parse_number(first.tags.valueof(_ANDOR_KINETIC_CYCLE_TAG)),
        scanimage=read_acquisition(f"{first.software}\n{description}")
        if first.is_scanimage
        else NO_ACQUISITION,
    )


def _parse_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


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
