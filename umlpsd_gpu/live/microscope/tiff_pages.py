"""Descriptions of pages of a classic TIFF file, for files that grow page by page."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from umlpsd_gpu.compute.arrays import Array

SHORT, LONG, ASCII, RATIONAL = 3, 4, 2, 5
_SAMPLE_FORMAT = {"u": 1, "i": 2, "f": 3}
LARGEST_FILE = 2**32 - 2**20


class Tag(NamedTuple):
    """A tag of a page: a number, or the bytes of a text or ratio."""

    code: int
    kind: int
    value: int | bytes


def list_tags(frame: Array, data: int, more: Sequence[Tag] = ()) -> list[Tag]:
    """Return the tags of an unpacked page with one strip.

    Parameters
    ----------
    frame : ndarray, shape (n_rows, n_cols)
    data : int
        Offset of its pixels in the file.
    more : sequence of Tag
    """
    n_rows, n_cols = frame.shape
    tags = [
        Tag(256, LONG, n_cols),
        Tag(257, LONG, n_rows),
        Tag(258, SHORT, 8 * frame.dtype.itemsize),
        Tag(259, SHORT, 1),
        Tag(262, SHORT, 1),
        Tag(273, LONG, data),
        Tag(277, SHORT, 1),
        Tag(278, LONG, n_rows),
        Tag(279, LONG, frame.nbytes),
        Tag(339, SHORT, _SAMPLE_FORMAT[frame.dtype.kind]),
        *more,
    ]
    return sorted(tags)


def describe_page(tags: Sequence[Tag], at: int, following: int, values_at: int = 0) -> bytes:
    """Return the description of a page, and the values of its tags.

    Parameters
    ----------
    tags : sequence of Tag
        In order of their codes.
    at : int
        Offset of the description in the file.
    following : int
        Offset of the next page; 0: there is none.
    values_at : int
        Offset of the values that don't fit into the tags. Default: after the description, where
        they are then part of what is returned.
    """
    entries, values = b"", b""
    end = at + description_bytes(len(tags))
    for code, kind, value in tags:
        if isinstance(value, int):
            count, raw = 1, value.to_bytes(4, "little")
        elif len(value) <= 4 and kind == ASCII:
            count, raw = len(value), value.ljust(4, b"\0")
        else:
            count = len(value) // 8 if kind == RATIONAL else len(value)
            raw = struct.pack("<I", values_at or end + len(values))
            values += value + bytes(len(value) % 2)
        entries += struct.pack("<HHI", code, kind, count) + raw
    description = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return description if values_at else description + values


def description_bytes(n_tags: int) -> int:
    """Return the bytes of a description without the values of its tags.

    Parameters
    ----------
    n_tags : int
    """
    return 2 + 12 * n_tags + 4


def native_little(frame: Array) -> Array:
    """Return a frame as it is written: adjacent, little-endian.

    Parameters
    ----------
    frame : ndarray, shape (n_rows, n_cols)
    """
    return np.ascontiguousarray(frame, frame.dtype.newbyteorder("<"))
