"""Micro-Manager's JSON notes: one a page (tag 51123), or one a file (ImageJ's Info)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Stamp(NamedTuple):
    """When and where Micro-Manager took one frame; -1 and None where it doesn't say."""

    elapsed_s: float | None
    time: int
    z: int
    channel: int
    position: int


NO_STAMP = Stamp(None, -1, -1, -1, -1)


def stamp_of_bytes(text: bytes) -> Stamp:
    """Return the stamp in the JSON text of a page's tag; NO_STAMP if the text is broken."""
    return stamp_of(parse_json(text.rstrip(b"\0").decode("utf-8", "replace")))


def stamp_of(note: dict[str, Any]) -> Stamp:
    """Return the stamp in a frame's note."""
    elapsed_ms = number(note, "ElapsedTime-ms")
    indices = (
        _index(note, "FrameIndex", "Frame"),
        _index(note, "SliceIndex", "Slice"),
        _index(note, "ChannelIndex"),
        _index(note, "PositionIndex"),
    )
    return Stamp(None if elapsed_ms is None else elapsed_ms / 1e3, *indices)


def parse_json(text: str) -> dict[str, Any]:
    """Return the JSON object in a text, or an empty one where there is none."""
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def number(note: dict[str, Any], *names: str) -> float | None:
    """Return the first of the named fields that holds a finite number, written as such or as text.

    Micro-Manager 2 sometimes wraps a value as ``{"PropVal": value}``.
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


def _index(note: dict[str, Any], *names: str) -> int:
    value = number(note, *names)
    return int(value) if value is not None and 0 <= value < 2**31 else -1
