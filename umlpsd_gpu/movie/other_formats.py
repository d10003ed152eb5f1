"""Formats of microscopes and films that are not TIFF: named, so that the user can export them."""

from __future__ import annotations

from pathlib import Path

_N_BYTES = 64
_BY_MAGIC = (
    (0, b"Andor Technology Multi-Channel File", "an Andor SIF"),
    (0, b"\xda\xce\xbe\x0a", "a Nikon ND2"),
    (0, b"ZISRAWFILE", "a Zeiss CZI"),
    (0, b"DCIMG", "a Hamamatsu DCIMG"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"\x70\x00\x00\x00", "a Leica LIF"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE file, such as Olympus OIB or Zeiss ZVI"),
    (8, b"AVI ", "an AVI film"),
    (4, b"ftyp", "an MP4 or MOV film"),
    (4, b"moov", "a MOV film"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska film"),
    (0, b"\xed\xfe\x00\x00", "a NorPix SEQ"),
    (0, b"CI\x2c\x00", "a Phantom CINE"),
    (0, b"SIMPLE  =", "a FITS file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP image"),
    (4, b"jP  ", "a JPEG 2000 file"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"%PDF", "a PDF"),
    (0, "[FileInformation]".encode("utf-16"), "an Olympus OIF"),
    (0, "[FileInfomation]".encode("utf-16"), "an Olympus OIF"),
)
_BY_SUFFIX = {
    ".sif": "an Andor SIF",
    ".sifx": "an Andor SIF",
    ".nd2": "a Nikon ND2",
    ".czi": "a Zeiss CZI",
    ".zvi": "a Zeiss ZVI",
    ".dcimg": "a Hamamatsu DCIMG",
    ".ims": "an Imaris IMS",
    ".lif": "a Leica LIF",
    ".xlef": "a Leica LEF",
    ".lof": "a Leica LOF",
    ".oif": "an Olympus OIF",
    ".oib": "an Olympus OIB",
    ".oir": "an Olympus OIR",
    ".vsi": "an Olympus VSI",
    ".spe": "a Princeton Instruments SPE",
    ".avi": "an AVI film",
    ".mp4": "an MP4 film",
    ".m4v": "an MP4 film",
    ".mov": "a MOV film",
    ".mkv": "a Matroska film",
    ".wmv": "a WMV film",
    ".seq": "a NorPix SEQ",
    ".cine": "a Phantom CINE",
    ".fits": "a FITS file",
    ".dv": "a DeltaVision DV",
    ".nd": "a MetaMorph list of stacks (ND)",
    ".raw": "a file of raw pixels",
    ".dat": "a file of raw pixels or text",
}
# A suffix says more than a container that many programs use.
_CONTAINERS = ("an HDF5 file", "an OLE file, such as Olympus OIB or Zeiss ZVI", "a JPEG 2000 file")


def name_format(path: Path) -> str:
    """Return the format of a file that is not TIFF, with its article; empty if it isn't known.

    Parameters
    ----------
    path : Path
        A file that exists.
    """
    with open(path, "rb") as file:
        head = file.read(_N_BYTES)
    by_suffix = _BY_SUFFIX.get(path.suffix.lower(), "")
    if head[:4] in _TIFF_HEADS:
        return ""
    for at, magic, name in _BY_MAGIC:
        if head[at : at + len(magic)] == magic:
            return by_suffix if by_suffix and name in _CONTAINERS else name
    return by_suffix


_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def explain_other_format(path: Path) -> str:
    """Return what a file is and what to do, in a sentence; empty if it may be TIFF.

    Parameters
    ----------
    path : Path
        A file that exists.
    """
    name = name_format(path)
    if not name:
        return ""
    if "archive" in name:
        return f"this is {name}; unpack it and give the TIFF files"
    return f"this is {name}, not a TIFF file; export it as TIFF (16-bit, all frames)"


def is_unfinished(path: Path) -> bool:
    """Return whether a TIFF file has a header but no first page yet.

    Parameters
    ----------
    path : Path
    """
    with open(path, "rb") as file:
        head = file.read(16)
    if head[:4] in (b"II*\0", b"MM\0*"):
        return head[4:8] == bytes(4)
    return head[:4] in (b"II+\0", b"MM\0+") and head[8:16] == bytes(8)
