"""The headers of Nanonis files: keys and values, and the axis of a sweep in segments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError

GRID_END = b":HEADER_END:"
SEGMENTS = "segment start"
MULTILINE = "multiline settings"
# Start, end, settling and integration time, then the number of steps
STEPS, N_IN_SEGMENT = 4, 5


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


def to_numbers(texts: Sequence[str], key: str, path: Path) -> list[float]:
    """Return texts of a header as finite numbers.

    Parameters
    ----------
    texts : sequence of str
    key : str
        Where they stand in the header, for messages.
    path : Path
        For messages.

    Returns
    -------
    list of float

    Raises
    ------
    CurvesError
        If one is no number, or infinite.

    Examples
    --------
    >>> from pathlib import Path
    >>> from umlpsd_gpu.analyses.curves.reading.nanonis_header import to_numbers
    >>> to_numbers(["1E-8", "0"], "Grid settings", Path("a.3ds"))
    [1e-08, 0.0]
    """
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise CurvesError(
            path,
            f"its header has '{';'.join(texts)[:60]}' as {key}, where numbers with a decimal "
            "point belong; export the grid again from Nanonis",
        )
    return numbers


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
        If the segments are malformed, or don't have as many points as were recorded.
    """
    key = next((k for k in header if SEGMENTS in k.lower() and "," in k), None)
    is_used = header.get("Filetype", "").upper() == "MLS" or (
        key is not None and MULTILINE not in key.lower()
    )
    if key is None or not is_used or not header[key]:
        return None
    segments = [
        to_numbers(segment.split(","), "segments", path) for segment in header[key].split(";")
    ]
    if any(len(numbers) < N_IN_SEGMENT or numbers[STEPS] < 1 for numbers in segments):
        raise CurvesError(
            path,
            f"its segments are '{header[key][:60]}', but each needs a start, an end and a number "
            "of steps; give the bias of the first and last point with --bias-from-v and "
            "--bias-to-v",
        )
    n_twice = sum(int(numbers[STEPS]) for numbers in segments)
    n_once = n_twice - len(segments) + 1
    if n_points in (n_once, n_twice):
        skipped = 1 if n_points == n_once else 0
        parts = [np.linspace(numbers[0], numbers[1], int(numbers[STEPS])) for numbers in segments]
        return np.concatenate([parts[0], *(part[skipped:] for part in parts[1:])])
    raise CurvesError(
        path,
        f"its segments have {n_once} or {n_twice} points, but {n_points} were recorded; "
        "give the bias of the first and last point with --bias-from-v and --bias-to-v",
    )
