"""Regions of interest that are bombs, or claim what they don't hold."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import roifile
import tifffile

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.importers import IMAGE
from tests.support.hostile_files.movie_claims import packed_pages

KINDS = roifile.ROI_TYPE
BOX = {"left": 4, "top": 2, "right": 29, "bottom": 32}


def roi(kind: roifile.ROI_TYPE = KINDS.RECT, **changed: int) -> bytes:
    """Return an ImageJ region."""
    return roifile.ImagejRoi(roitype=kind, **(BOX | changed)).tobytes()


def _zip(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.roi", content)
    return stream.getvalue()


def _polygon(n_points: int) -> bytes:
    """Return a polygon that says it has more points than there are."""
    blob = bytearray(roifile.ImagejRoi.frompoints(np.array([(3, 2), (40, 4), (9, 38)])).tobytes())
    struct.pack_into(">H", blob, 16, n_points)
    return bytes(blob)


def _composite(path: list[float], size: int | None = None) -> bytes:
    region = roifile.ImagejRoi(roitype=KINDS.RECT, **BOX)
    region.shape_roi_size = len(path)
    region.multi_coordinates = np.array(path, np.float32)
    blob = bytearray(region.tobytes())
    if size is not None:
        struct.pack_into(">I", blob, 36, size)
    return bytes(blob)


def _mask(shape: tuple[int, int], n_pages: int = 1):
    def write(folder: Path) -> Path:
        pages = np.ones((n_pages, *shape), np.uint8)
        tifffile.imwrite(folder / "r.tif", pages, photometric="minisblack")
        return folder / "r.tif"

    return write


def _case(
    name: str, blob: bytes | Callable[[], bytes], suffix: str = ".roi", **verdict: object
) -> HostileFile:
    return HostileFile(name, "ROI", from_bytes(f"r{suffix}", blob), **verdict)


CASES = [
    _case("a sound region", roi(), opens=25 * 30),
    _case("half a region", roi()[:40], refused="can't be read"),
    _case("a polygon of 65,535 points", _polygon(65_535), refused="can't be read"),
    _case("a polygon of no points", _polygon(0), refused="can't be read"),
    _case("a box turned inside out", roi(left=29, right=4), refused="no pixel"),
    _case("a box far outside", roi(left=20_000, right=30_000), refused="no pixel"),
    _case(
        "a box larger than the image",
        roi(left=-100, right=300, top=-100, bottom=300),
        opens=50 * 40,
    ),
    _case("a line", roi(KINDS.LINE), refused="encloses no area"),
    _case(
        "a path of unknown steps", _composite([7.0] * 30), refused="invalid PathIterator command"
    ),
    _case("a path of NaN", _composite([0.0, *[float("nan")] * 20]), refused="NaN"),
    _case("a path of 2 billion steps", _composite([0.0, 2, 2, 4], 2**31 - 1), refused="read"),
    _case(
        "a path to 10³⁰", _composite([0, 1e30, 2, 1, 22, -1e30, 1, 1e30, 18, 4]), refused="no pixel"
    ),
    _case("an archive of nothing", _zip(), ".zip", refused="no .roi"),
    _case("an archive of another file", _zip(a=b"hello"), ".zip", refused="can't be read"),
    _case(
        "an archive of 400 MB",
        lambda: _zip(a=roi() + bytes(400 << 20)),
        ".zip",
        refused="unpacks to 419.4 MB",
    ),
    _case("an archive that is cut", _zip(a=roi())[:-30], ".zip", refused="can't be read"),
    _case(
        "an archive of 20,000 regions",
        _zip(**{f"r{i}": roi() for i in range(20_000)}),
        ".zip",
        opens=750,
    ),
    _case(
        "a mask of 900 million pixels",
        packed_pages(30_000, 30_000, b"x"),
        ".tif",
        refused="mask is",
    ),
    HostileFile("a mask of another size", "ROI", _mask((50, 40)), refused="mask is 50 × 40"),
    HostileFile("a mask of three pages", "ROI", _mask(IMAGE, 3), refused="mask is 3 × 40 × 50"),
]
