"""TIFF files of microscopes, written tag by tag: what tifffile doesn't write."""

import json
import struct
from pathlib import Path

import numpy as np
import tifffile

SHORT, LONG, RATIONAL, ASCII, DOUBLE = 3, 4, 5, 2, 12
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 12: 8}
_LETTERS = {3: "H", 4: "I", 12: "d"}


def frames_of(n_frames=12, n_rows=9, n_cols=8, seed=0, dtype="u2"):
    """Return frames that all differ."""
    return np.random.default_rng(seed).integers(0, 250, (n_frames, n_rows, n_cols)).astype(dtype)


def tags_of(frame, **extra):
    """Return the tags of an unpacked page with one strip; the data come with ``write_pages``."""
    return {
        256: (LONG, [frame.shape[1]]),
        257: (LONG, [frame.shape[0]]),
        258: (SHORT, [frame.dtype.itemsize * 8]),
        259: (SHORT, [1]),
        262: (SHORT, [1]),
        277: (SHORT, [1]),
        278: (LONG, [frame.shape[0]]),
        **extra,
    }


def write_pages(path, pages, first_ifd=None):
    """Write pages, each a pair of tags and bytes, as a little-endian TIFF file.

    Tags are ``{code: (type, values)}``; 273 and 279 are added unless they are there. The value of
    a tag may be bytes, which are then written as they are, with a third element as the count.
    """
    blob = bytearray(b"II*\0\0\0\0\0")
    pointer = 4
    for tags, data in pages:
        start = len(blob)
        blob += data + b"\0" * (len(data) % 2)
        tags = {273: (LONG, [start]), 279: (LONG, [len(data)])} | tags
        entries = b""
        for code, (type_, values, *count) in sorted(tags.items()):
            if isinstance(values, str):
                values = values.encode() + b"\0"
            raw = values if isinstance(values, bytes) else _pack(type_, values)
            n_values = count[0] if count else len(raw) // _BYTES[type_]
            if len(raw) > 4:
                entries += struct.pack("<HHII", code, type_, n_values, len(blob))
                blob += raw + b"\0" * (len(raw) % 2)
            else:
                entries += struct.pack("<HHI", code, type_, n_values) + raw.ljust(4, b"\0")
        struct.pack_into("<I", blob, pointer, len(blob))
        blob += struct.pack("<H", len(tags)) + entries
        pointer = len(blob)
        blob += struct.pack("<I", 0)
    if first_ifd is not None:
        struct.pack_into("<I", blob, 4, first_ifd)
    Path(path).write_bytes(blob)
    return path


def _pack(type_, values):
    if type_ == RATIONAL:
        return b"".join(struct.pack("<II", *value) for value in values)
    return struct.pack(f"<{len(values)}{_LETTERS[type_]}", *values)


def write_plain(path, frames, first_page=None, **every_page):
    """Write one page for each frame; ``first_page`` and ``every_page`` are more tags."""
    every_page = {int(code[1:]): value for code, value in every_page.items()}
    pages = []
    for number, frame in enumerate(frames):
        more = (first_page or {}) if number == 0 else {}
        pages.append((tags_of(frame) | every_page | more, frame.tobytes()))
    return write_pages(path, pages)


def write_noted(path, frames, notes):
    """Write one page for each frame with Micro-Manager's tag, from dicts or raw text."""
    with tifffile.TiffWriter(path) as writer:
        for frame, note in zip(frames, notes, strict=True):
            if note is None:
                writer.write(frame, contiguous=False, metadata=None)
                continue
            text = note if isinstance(note, str) else json.dumps(note)
            tag = (51123, "s", 0, text, True)
            writer.write(frame, contiguous=False, metadata=None, extratags=[tag])
    return path


def write_texts(path, frames, texts, software=None):
    """Write one page for each frame with a description of its own, as ScanImage does."""
    with tifffile.TiffWriter(path) as writer:
        for frame, text in zip(frames, texts, strict=True):
            options = {"description": text, "software": software}
            writer.write(frame, contiguous=False, metadata=None, **options)
    return path


def write_stk(path, frames, times_ms, depths=None, wavelengths=None):
    """Write a MetaMorph stack: one page for all planes, and the UIC tags."""
    n_planes = len(frames)
    depths = depths or [0] * n_planes
    uic2 = b"".join(
        struct.pack("<6I", depth, 1, 2460000, int(time), 0, 0)
        for depth, time in zip(depths, times_ms, strict=True)
    )
    waves = wavelengths or [525] * n_planes
    uic3 = b"".join(struct.pack("<2I", wave, 1) for wave in waves)
    tags = tags_of(frames[0]) | {
        279: (LONG, [frames[0].nbytes]),
        33628: (LONG, [0, 0], 1),
        33629: (RATIONAL, uic2, n_planes),
        33630: (RATIONAL, uic3, n_planes),
    }
    return write_pages(path, [(tags, frames.tobytes())])


def write_index(folder, entries):
    """Write NDTiff.index from (axes, file name, offset of the pixels, shape)."""
    blob = b""
    for axes, name, offset, (n_rows, n_cols) in entries:
        for text in (json.dumps(axes), name):
            blob += struct.pack("<I", len(text.encode())) + text.encode()
        blob += struct.pack("<IiiiiIii", offset, n_cols, n_rows, 1, 0, 0, 0, 0)
    (Path(folder) / "NDTiff.index").write_bytes(blob)


def ome_xml(n_frames, data="<TiffData/>", uuid="1", attributes="", shape=(9, 8), n_channels=1):
    """Return OME-XML of a movie of uint16 frames."""
    channels = "".join(f'<Channel ID="Channel:0:{c}"/>' for c in range(n_channels))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        f'UUID="urn:uuid:{uuid}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        f'DimensionOrder="XYCZT" Type="uint16" SizeX="{shape[1]}" SizeY="{shape[0]}" '
        f'SizeC="{n_channels}" SizeZ="1" SizeT="{n_frames}" {attributes}>{channels}{data}'
        "</Pixels></Image></OME>"
    )
