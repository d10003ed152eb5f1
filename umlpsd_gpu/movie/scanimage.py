"""ScanImage: which frame, channel and plane each page contains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from umlpsd_gpu.movie.stamps import Stamp


class Acquisition(NamedTuple):
    """How ScanImage recorded: channels, and planes in fast or slow change."""

    n_channels: int
    n_planes: int
    frames_per_plane: int
    is_fast: bool
    frame_period_s: float | None


NO_ACQUISITION = Acquisition(1, 1, 0, False, None)


def read_acquisition(text: str) -> Acquisition:
    """Return how a file was recorded by ScanImage's settings; all are 1 where they don't say.

    Parameters
    ----------
    text : str
        Software tag and description of the first page.
    """
    saved = re.search(r"channels?Save\s*=\s*\[?([\d;, ]+)\]?", text)
    channels = len(re.findall(r"\d+", saved.group(1))) if saved else 0
    counted = _find_number(text, r"numberOfChannelsSave")
    n_planes = _find_number(text, r"hStackManager\.numSlices") or 1
    is_fast = _is_on(text, r"hFastZ\.enable")
    if is_fast:
        n_planes = _find_number(text, r"hFastZ\.numFramesPerVolume") or n_planes
    elif not _is_on(text, r"hStackManager\.enable"):
        n_planes = 1
    period = re.search(r"scanFramePeriod\s*=\s*([\d.eE+-]+)", text)
    return Acquisition(
        int(channels or counted or 1),
        int(n_planes),
        int(_find_number(text, r"hStackManager\.framesPerSlice") or 1),
        is_fast,
        _to_float(period.group(1)) if period and n_planes == 1 else None,
    )


def place_pages(stamps: list[Stamp], acquisition: Acquisition) -> list[Stamp]:
    """Return the stamps of a file's pages with channel and plane.

    Parameters
    ----------
    stamps : list of Stamp
        Of all pages, in order; with the axis time where the pages number their frames. Returned
        as it is where no page is to be placed.
    acquisition : Acquisition
    """
    n_channels = acquisition.n_channels
    if any(set(dict(stamp.axes)) - {"time"} for stamp in stamps):
        return stamps
    if acquisition == NO_ACQUISITION and not any(stamp.axes for stamp in stamps):
        return stamps
    times = [dict(stamp.axes).get("time") for stamp in stamps]
    if len(times) > 1 and len(set(times)) == 1:
        # A frame number that never changes tells nothing.
        stamps = [stamp._replace(axes=()) for stamp in stamps]
    if not all(isinstance(time, int) for time in times) or not stamps[0].axes:
        if n_channels * acquisition.n_planes == 1:
            return stamps
        times = [page // n_channels for page in range(len(stamps))]
    n_repeats = _count_repeats(times)
    if n_repeats == 1 and acquisition.n_planes == 1:
        return stamps
    if n_repeats == 0:
        n_repeats = n_channels
    return _add_places(stamps, times, n_repeats, acquisition)


def _add_places(
    stamps: list[Stamp], times: list[Any], n_repeats: int, acquisition: Acquisition
) -> list[Stamp]:
    """Return the stamps with channels, counted in repeated times, and planes."""
    placed, seen = [], dict[Any, int]()
    for stamp, time in zip(stamps, times, strict=True):
        place: list[tuple[str, int | str]] = [("time", time)]
        if n_repeats > 1:
            channel = seen[time] = seen.get(time, -1) + 1
            place.append(("channel", channel))
        if acquisition.n_planes > 1:
            place[0], plane = _split_time(int(time) - int(times[0]), acquisition)
            place.append(("z", plane))
        placed.append(stamp._replace(axes=tuple(sorted(place)), digest=stamp.digest or 1))
    # Stamps that were made here differ, though the pages had none.
    return [stamp._replace(digest=hash((stamp.digest, stamp.axes)) or 1) for stamp in placed]


def _split_time(frame: int, acquisition: Acquisition) -> tuple[tuple[str, int | str], int]:
    if acquisition.is_fast:
        return ("time", frame // acquisition.n_planes), frame % acquisition.n_planes
    repeat, in_plane = divmod(frame, acquisition.frames_per_plane)
    volume, plane = divmod(repeat, acquisition.n_planes)
    return ("time", volume * acquisition.frames_per_plane + in_plane), plane


def _count_repeats(times: Sequence[Any]) -> int:
    """Return in how many neighbouring pages each number is repeated; 0 where it varies."""
    lengths, last = list[int](), object()
    for time in times:
        if time == last:
            lengths[-1] += 1
        else:
            lengths.append(1)
        last = time
    return lengths[0] if len(set(lengths)) == 1 else 0


def _find_number(text: str, name: str) -> int | None:
    found = re.search(rf"{name}\s*=\s*(\d{{1,9}})\b", text)
    return int(found.group(1)) if found else None


def _is_on(text: str, name: str) -> bool:
    return re.search(rf"{name}\s*=\s*(true|1)\b", text) is not None


def _to_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
