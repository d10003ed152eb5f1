"""Movies that claim what they don't hold: sizes, bombs, planes, other files."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import tifffile

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.seeds import FRAMES
from tests.support.tiff_files import ome_xml

VALUE = (*FRAMES.shape, float(FRAMES.sum()))
DEFLATE, LZMA = 8, 34925


def packed_pages(n_rows: int, n_cols: int, data: bytes, compression: int = DEFLATE) -> bytes:
    """Return a movie of two pages that hold the same packed strip."""
    blob = bytearray(b"II*\0" + struct.pack("<I", 8 + len(data)) + data)
    for number in range(2):
        entries = [(256, 4, 1, n_cols), (257, 4, 1, n_rows), (258, 3, 1, 8)]
        entries += [(259, 3, 1, compression), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1)]
        entries += [(278, 4, 1, n_rows), (279, 4, 1, len(data))]
        blob += struct.pack("<H", len(entries))
        for entry in entries:
            blob += struct.pack("<HHII", *entry)
        blob += struct.pack("<I", len(blob) + 4 if number == 0 else 0)
    return bytes(blob)


@cache
def deflated_zeros(n_bytes: int) -> bytes:
    """Return zeros, deflated."""
    packer = zlib.compressobj(1)
    blocks = [packer.compress(bytes(1 << 20)) for _ in range(n_bytes >> 20)]
    return b"".join([*blocks, packer.flush()])


@cache
def xz_zeros(n_bytes: int) -> bytes:
    """Return zeros, packed by LZMA as in TIFF files."""
    packer = lzma.LZMACompressor(preset=0)
    blocks = [packer.compress(bytes(1 << 20)) for _ in range(n_bytes >> 20)]
    return b"".join([*blocks, packer.flush()])


def _bomb(n_rows: int, n_cols: int, compression: int) -> Callable[[Path], Path]:
    def make() -> bytes:
        # LZMA packs slowly, and more tightly
        data = deflated_zeros(400 << 20) if compression == DEFLATE else xz_zeros(300 << 20)
        return packed_pages(n_rows, n_cols, data, compression)

    return from_bytes("movie.tif", make)


def _described(text: str, name: str = "movie.tif") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / name, FRAMES, description=text, metadata=None)
        return folder / name

    return write


def _ome(n_frames: int = 6, data: str = "<TiffData/>") -> Callable[[Path], Path]:
    return _described(ome_xml(n_frames, data, shape=(16, 16)), "movie.ome.tif")


def _reaching_out(name: str) -> Callable[[Path], Path]:
    """Write an OME movie whose second half is said to be in a file of another folder."""
    data = (
        '<TiffData FirstT="0" IFD="0" PlaneCount="3"/><TiffData FirstT="3" IFD="0" PlaneCount="3">'
        f'<UUID FileName="{name}">urn:uuid:2</UUID></TiffData>'
    )

    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "secret.tif", FRAMES)
        (folder / "set").mkdir()
        return _ome(6, data)(folder / "set")

    return write


def _laughing(folder: Path) -> Path:
    """Write OME-XML of nested entities that unfold to 3 GB."""
    layers = "".join(
        f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' if i else '<!ENTITY l0 "laughing ">'
        for i in range(9)
    )
    xml = f'<?xml version="1.0"?><!DOCTYPE OME [{layers}]><OME><Image Name="&l8;"/></OME>'
    return _described(xml, "movie.ome.tif")(folder)


def _other(n_pages: int, shape: tuple[int, int], dtype: str) -> Callable[[Path], Path]:
    """Return a writer of six frames, followed by pages of another kind."""

    def write(folder: Path) -> Path:
        stream = io.BytesIO()
        with tifffile.TiffWriter(stream) as writer:
            for frame in FRAMES:
                writer.write(frame, contiguous=False, metadata=None)
            for _ in range(n_pages):
                other = FRAMES[0][: shape[0], : shape[1]].astype(dtype)
                writer.write(other, contiguous=False, metadata=None)
        return from_bytes("movie.tif", stream.getvalue())(folder)

    return write


CASES = [
    HostileFile(
        "deflated 400 MB for a page of 900 MB",
        "TIFF",
        _bomb(30_000, 30_000, DEFLATE),
        refused="unpacks to 900 MB; at most 268 MB are allowed",
    ),
    HostileFile(
        "deflated 400 MB for 400 pixels",
        "TIFF",
        _bomb(20, 20, DEFLATE),
        refused="frame 0: it can't be read as TIFF",
    ),
    HostileFile(
        "LZMA 300 MB for a page of 900 MB", "TIFF", _bomb(30_000, 30_000, LZMA), refused="unpacks"
    ),
    HostileFile("LZMA 300 MB for 400 pixels", "TIFF", _bomb(20, 20, LZMA), opens=(2, 20, 20, 0.0)),
    HostileFile(
        "OME-XML of a billion frames", "TIFF", _ome(10**9), refused="6 complete frames of 10000000"
    ),
    HostileFile("OME-XML of 10³⁰ frames", "TIFF", _ome(10**30), refused="not credible"),
    HostileFile("OME-XML of fewer frames", "TIFF", _ome(4), refused="announces 4 frames"),
    HostileFile(
        "OME-XML without three planes",
        "TIFF",
        _ome(6, '<TiffData FirstT="0" IFD="0" PlaneCount="3"/>'),
        refused="3 complete frames of 6",
    ),
    HostileFile(
        "OME-XML of one plane a billion times",
        "TIFF",
        _ome(6, '<TiffData FirstT="0" IFD="0" PlaneCount="1000000000"/>'),
        opens=VALUE,
    ),
    HostileFile(
        "OME-XML of planes beyond the file",
        "TIFF",
        _ome(6, '<TiffData FirstT="0" IFD="999999999999" PlaneCount="6"/>'),
        refused="truncated|broken",
    ),
    HostileFile(
        "OME-XML of negative planes",
        "TIFF",
        _ome(6, '<TiffData FirstT="-1" IFD="-1" PlaneCount="-6"/>'),
        refused="broken|truncated",
    ),
    HostileFile(
        "OME-XML that points to the folder above",
        "TIFF",
        _reaching_out("../secret.tif"),
        refused=r"file secret\.tif of the OME set is missing",
    ),
    HostileFile(
        "OME-XML that points to a system file",
        "TIFF",
        _reaching_out("/etc/passwd"),
        refused="file passwd of the OME set is missing",
    ),
    HostileFile(
        "OME-XML that points to itself without end",
        "TIFF",
        _described(
            '<OME><BinaryOnly MetadataFile="movie.ome.tif" UUID="1"/></OME>', "movie.ome.tif"
        ),
        refused="open movie.ome.tif instead",
    ),
    HostileFile("OME-XML of nested entities", "TIFF", _laughing, refused="OME-XML is broken"),
    HostileFile(
        "OME-XML that is cut", "TIFF", _described("<OME><Image></OME>"), refused="OME-XML is broken"
    ),
    HostileFile(
        "ImageJ's description of 10¹⁵ frames",
        "TIFF",
        _described(f"ImageJ=1.54f\nimages={10**15}\nframes={10**15}\n"),
        refused="not credible|of 1000000000000000",
    ),
    HostileFile(
        "ImageJ's description of −5 frames",
        "TIFF",
        _described("ImageJ=1.54f\nframes=-5\n"),
        opens=VALUE,
    ),
    HostileFile(
        "tifffile's description of another shape",
        "TIFF",
        _described('{"shape": [1000000, 1000000, 16, 16]}'),
        refused="1000000 × 1000000 with unnamed axes",
    ),
    HostileFile("pages of two sizes", "TIFF", _other(3, (8, 16), "u2"), refused="mixed"),
    HostileFile("pages of two types", "TIFF", _other(3, (16, 16), "f4"), refused="mixed"),
]
