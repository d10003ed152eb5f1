"""The stamp of a page: what its own notes say about its time and place in the movie."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from umlpsd_gpu.movie.micromanager import number, parse_json

# Names that tell pages of one time point apart where indices don't.
_LABELS = {
    "Channel": "channel",
    "ChannelName": "channel",
    "Channel-Name": "channel",
    "Camera": "channel",
    "Core-Camera": "channel",
    "View": "channel",
    "Wavelength": "channel",
    "PositionName": "position",
    "Position": "position",
    "Slice": "z",
    "Plane": "z",
}
MAX_AXES = 16


class Stamp(NamedTuple):
    """Time and place of one page by its own notes.

    Attributes
    ----------
    elapsed_s : float or None
    indices : tuple of int
        Micro-Manager's time, z, channel and position; -1 where unknown.
    axes : tuple of (str, int or str)
        All axes by name, where the notes give them (NDTiff, ScanImage, MetaMorph).
    labels : tuple of (str, str)
        Axis and text of names that may differ between pages of one time point.
    digest : int
        Equal for equal notes; 0 where there are none.
    """

    elapsed_s: float | None
    indices: tuple[int, int, int, int] = (-1, -1, -1, -1)
    axes: tuple[tuple[str, int | str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    digest: int = 0


NO_STAMP = Stamp(None)


def parse_stamp(text: bytes) -> Stamp:
    """Return the stamp in the JSON text of a page's tag.

    Parameters
    ----------
    text : bytes
        If it is broken, the stamp tells nothing but whether other pages have the same.
    """
    note = parse_json(text.rstrip(b"\0").decode("utf-8", "replace"))
    return _read_stamp(note, hash(text) or 1)


def read_stamp(note: dict[str, Any]) -> Stamp:
    """Return the stamp in a frame's metadata of Micro-Manager or NDTiff.

    Parameters
    ----------
    note : dict
    """
    if not note:
        return NO_STAMP
    return _read_stamp(note, hash(json.dumps(note, sort_keys=True, default=str)) or 1)


def _read_stamp(note: dict[str, Any], digest: int) -> Stamp:
    elapsed_ms = number(note, "ElapsedTime-ms")
    axes = read_axes(note.get("Axes"))
    return Stamp(
        None if elapsed_ms is None else elapsed_ms / 1e3,
        (
            _read_index(note, "FrameIndex", "Frame"),
            _read_index(note, "SliceIndex", "Slice"),
            _read_index(note, "ChannelIndex"),
            _read_index(note, "PositionIndex"),
        ),
        axes,
        () if axes else _read_labels(note),
        digest,
    )


def read_axes(axes: object) -> tuple[tuple[str, int | str], ...]:
    """Return the axes of NDTiff in order of name; none if they are not plain.

    Parameters
    ----------
    axes : object
        Axis names and numbers or names, as from JSON.
    """
    if not isinstance(axes, dict) or len(axes) > MAX_AXES:
        return ()
    named = []
    for name, value in sorted(axes.items()):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | str):
            return ()
        if isinstance(value, int) and abs(value) >= 2**31:
            return ()
        named.append((str(name), value))
    return tuple(named)


def _read_index(note: dict[str, Any], *names: str) -> int:
    value = number(note, *names)
    return int(value) if value is not None and 0 <= value < 2**31 else -1


def _read_labels(note: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    labels = []
    for name, axis in _LABELS.items():
        value = note.get(name)
        if isinstance(value, dict):
            value = value.get("PropVal")
        if isinstance(value, str) and value:
            labels.append((axis, value[:80]))
    return tuple(labels)


_COUNTER = re.compile(
    r"^\s*(?P<name>[\w .\[\]-]{1,60}?)\s*[=:]\s*(?P<value>[-+]?\d[\d.eE+-]*)\s*[a-zµμ]*\s*$",
    re.MULTILINE,
)
_FRAME_NUMBER = re.compile(
    r"^frame$|(frame|image)[ _-]?(numbers?|index|no|id|nr|count(er)?)\.?$", re.IGNORECASE
)
_CHANNEL_NUMBER = re.compile(r"channel[ _-]?(numbers?|index|no|id|nr)?\.?$", re.IGNORECASE)
_Z_NUMBER = re.compile(r"(slice|plane|z)[ _-]?(numbers?|index|no|id|nr)\.?$", re.IGNORECASE)
_TIME_S = re.compile(r"(frame)?[ _-]?time[ _-]?stamps?(_s|_sec| \(s\)|\[s\])?$", re.IGNORECASE)


def counts_frames(text: str) -> bool:
    """Return whether a page's description gives the number of its frame, as ScanImage's does.

    Parameters
    ----------
    text : str
    """
    return any(_FRAME_NUMBER.search(found["name"]) for found in _COUNTER.finditer(text[:20_000]))


def parse_text_stamp(text: bytes) -> Stamp:
    """Return the stamp in a page's description of lines ``name = number``.

    Parameters
    ----------
    text : bytes
    """
    elapsed_s, axes = None, dict[str, int | str]()
    for found in _COUNTER.finditer(text[:20_000].decode("latin-1")):
        try:
            value = float(found["value"])
        except ValueError:
            continue
        name = found["name"].strip()
        if _TIME_S.search(name) and elapsed_s is None:
            elapsed_s = value
        elif abs(value) < 2**31 and value.is_integer():
            for pattern, axis in (
                (_FRAME_NUMBER, "time"),
                (_CHANNEL_NUMBER, "channel"),
                (_Z_NUMBER, "z"),
            ):
                if pattern.search(name):
                    axes.setdefault(axis, int(value))
    return Stamp(elapsed_s, axes=tuple(sorted(axes.items())), digest=hash(text) or 1)
