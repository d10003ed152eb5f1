"""Micro-Manager's JSON metadata: one per page (tag 51123), or per file (ImageJ's Info)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Stamp(NamedTuple):
    """Time and indices of one frame of Micro-Manager; -1 and None where unknown."""

    elapsed_s: float | None
    time: int
    z: int
    channel: int
    position: int


NO_STAMP = Stamp(None, -1, -1, -1, -1)


def parse_stamp(text: bytes) -> Stamp:
    """Return the stamp in the JSON text of a page's tag; NO_STAMP if the text is broken.

    Parameters
    ----------
    text : bytes
    """
    return read_stamp(parse_json(text.rstrip(b"\0").decode("utf-8", "replace")))


def read_stamp(note: dict[str, Any]) -> Stamp:
    """Return the stamp in a frame's metadata.

    Parameters
    ----------
    note : dict
    """
    elapsed_ms = number(note, "ElapsedTime-ms")
    indices = (
        _read_index(note, "FrameIndex", "Frame"),
        _read_index(note, "SliceIndex", "Slice"),
        _read_index(note, "ChannelIndex"),
        _read_index(note, "PositionIndex"),
    )
    return Stamp(None if elapsed_ms is None else elapsed_ms / 1e3, *indices)


def parse_json(text: str) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one if there is none.

    Parameters
    ----------
    text : str
    """
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def number(note: dict[str, Any], *names: str) -> float | None:
    """Return the first of the named fields that is a finite number, or text of one.

    Micro-Manager 2 sometimes wraps a value as ``{"PropVal": value}``.

    Parameters
    ----------
    note : dict
    *names : str
        In order of preference.
    """
    for name in names:
        value = note.get(name)
        if isinstance(value, dict):
            value = value.get("PropVal")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            parsed = float(value)
        except (ValueError, OverflowError):
            continue
        if abs(parsed) < float("inf"):
            return parsed
    return None


def _read_index(note: dict[str, Any], *names: str) -> int:
    value = number(note, *names)
    return int(value) if value is not None and 0 <= value < 2**31 else -1
