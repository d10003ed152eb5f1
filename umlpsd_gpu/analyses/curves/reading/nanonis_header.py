"""The headers of Nanonis files: keys and values, and the axis of a sweep in segments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError

GRID_END = b":HEADER_END:"
SEGMENTS = "segment start"
MULTILINE = "multiline settings"


def read_grid_header(path: Path) -> tuple[dict[str, str], int]:
    """Read the header of a grid (.3ds).

    Parameters
    ----------
    path : Path

    Returns
    -------
    header : dict of str to str
        Values without quotes, by key.
    offset : int
        Where the data begin, in bytes.

    Raises
    ------
    CurvesError
        If the file has no such header.
    """
    start = b""
    try:
        with path.open("rb") as file:
            while GRID_END not in start and (block := file.read(1 << 16)):
                start += block
    except OSError as error:
        raise CurvesError(path, f"it can't be read: {error.strerror}; check the name") from error
    end = start.find(GRID_END)
    if end < 0:
        raise CurvesError(
            path, "it has no Nanonis header that ends in :HEADER_END:; copy the file again"
        )
    offset = end + len(GRID_END)
    # the header ends with a line break of one or two characters
    offset += 2 if start[offset : offset + 2] == b"\r\n" else 1
    lines = start[:end].decode("latin-1").splitlines()
    pairs = [line.partition("=")[::2] for line in lines if "=" in line]
    header: dict[str, str] = {}
    for key, value in pairs:
        header.setdefault(key.strip(), value.strip().strip('"'))
    return header, offset


def names_in(header: Mapping[str, str], key: str) -> list[str]:
    """Return a list of names in a header.

    Parameters
    ----------
    header : mapping of str to str
    key : str

    Returns
    -------
    list of str
        Empty where the header lacks the key.
    """
    return [name.strip() for name in header.get(key, "").split(";") if name.strip()]


def segment_axis(header: Mapping[str, str], n_points: int, path: Path) -> np.ndarray | None:
    """Return the bias of a sweep in segments.

    Parameters
    ----------
    header : mapping of str to str
    n_points : int
        Number of points that were recorded. Neighbouring segments share a point, which is in the
        data once or twice.
    path : Path
        For messages.

    Returns
    -------
    ndarray, shape (n_points,), or None
        In volts; None for a sweep without segments.

    Raises
    ------
    CurvesError
        If the segments don't have as many points as were recorded.
    """
    key = next((k for k in header if SEGMENTS in k.lower() and "," in k), None)
    is_used = header.get("Filetype", "").upper() == "MLS" or (
        key is not None and MULTILINE not in key.lower()
    )
    if key is None or not is_used or not header[key]:
        return None
    parts = [_segment(segment, path) for segment in header[key].split(";")]
    twice = np.concatenate(parts)
    once = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    for axis in (once, twice):
        if axis.size == n_points:
            return axis
    raise CurvesError(
        path,
        f"its segments have {once.size} or {twice.size} points, but {n_points} were recorded; "
        "give the bias of the first and last point with --bias-from-v and --bias-to-v",
    )


def _segment(text: str, path: Path) -> np.ndarray:
    try:
        numbers = [float(number) for number in text.split(",")]
        return np.linspace(numbers[0], numbers[1], int(numbers[4]))
    except (ValueError, IndexError, OverflowError) as error:
        raise CurvesError(
            path,
            f"a segment of its sweep is '{text.strip()[:40]}', where first and last bias and the "
            "number of points are needed; give the bias of the first and last point with "
            "--bias-from-v and --bias-to-v",
        ) from error
