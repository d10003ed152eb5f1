"""The axes besides time, row and column: chosen by the user, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.layout import Layout
from umlpsd_gpu.movie.tiff_errors import add_advice

if TYPE_CHECKING:
    from umlpsd_gpu.movie.settings import MovieSettings

CHOOSABLE_AXES = ("position", "channel", "z")
MOST_NAMES = 6
READ_PAGES = (
    "to read every page as one frame, in the order of the file, add --time-axis page "
    "(time_axis='page' in Python)"
)


class Choice(NamedTuple):
    """Which planes are the frames: ``first_plane + step * frame``, one sample of each."""

    first_plane: int
    step: int
    n_frames: int
    sample: int

    def planes(self, n_frames: int) -> Array:
        """Return the planes of the first ``n_frames`` frames.

        Parameters
        ----------
        n_frames : int
        """
        return self.first_plane + self.step * np.arange(n_frames, dtype=np.int64)


def choose_axes(layout: Layout, n_samples: int, settings: MovieSettings, path: Path) -> Choice:
    """Select one channel, position and focal plane, and find the planes that are its frames.

    Parameters
    ----------
    layout : Layout
    n_samples : int
        Values per pixel of a page; more than one (RGB) are channels.
    settings : MovieSettings
    path : Path
        For messages.

    Returns
    -------
    Choice

    Raises
    ------
    MovieError
        If an axis longer than one is not chosen, or a choice is out of range; the message lists
        axes, lengths and options.
    """
    axes = name_time_axis(layout, settings, path)
    if layout.n_planes * n_samples >= 2**62:
        reason = f"{layout.source} announces {layout.n_planes} planes, which is not credible"
        raise MovieError(path, add_advice(reason))
    sizes = dict(zip(axes, layout.sizes, strict=True))
    lengths = {axis: sizes.get(axis, 1) for axis in CHOOSABLE_AXES}
    lengths["channel"] *= n_samples
    in_pages = tuple(axis for axis in ("z", "channel") if sizes.get(axis, 1) > 1)
    may_be_time = in_pages if sizes.get("time", 1) == 1 else ()
    try:
        chosen = _choose(lengths, settings, may_be_time, layout.names)
    except _AxesError as error:
        doubt = f"{layout.doubt}; " if layout.doubt else ""
        pages = f"; {READ_PAGES}" if layout.by_pages and n_samples == 1 else ""
        raise MovieError(path, f"{doubt}{error}{pages}") from None
    chosen["channel"], sample = divmod(chosen["channel"], n_samples)
    first_plane, step, stride = 0, 0, 1
    for axis, size in zip(reversed(axes), reversed(layout.sizes), strict=True):
        first_plane += stride * chosen.get(axis, 0)
        step = stride if axis == "time" else step
        stride *= size
    return Choice(first_plane, step, sizes.get("time", 1), sample)


def name_time_axis(layout: Layout, settings: MovieSettings, path: Path) -> tuple[str, ...]:
    """Return the axes, a single unnamed one or the one chosen by the user called time.

    Parameters
    ----------
    layout : Layout
    settings : MovieSettings
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If several axes have no name, or the movie has a time axis besides the chosen one.
    """
    axes, sizes = layout.axes, dict(zip(layout.axes, layout.sizes, strict=True))
    long_unnamed = [
        size
        for axis, size in zip(axes, layout.sizes, strict=True)
        if axis == "unnamed" and size > 1
    ]
    if len(long_unnamed) > 1 or (long_unnamed and "time" in axes):
        shape = " × ".join(map(str, layout.sizes))
        raise MovieError(
            path,
            f"the pages form an array of {shape} with unnamed axes; save it with its axes named "
            "(tifffile: metadata={'axes': 'TCYX'})",
        )
    axes = _rename_unnamed(axes, layout.sizes)
    if settings.time_axis in ("time", "page"):
        return axes
    if sizes.get("time", 1) > 1:
        raise MovieError(
            path,
            f"time axis {settings.time_axis} was asked for, but the movie has a time axis of "
            f"{sizes['time']} frames; leave time_axis out",
        )
    swapped: dict[str, str] = {settings.time_axis: "time", "time": settings.time_axis}
    return tuple(swapped.get(axis, axis) for axis in axes)


def _rename_unnamed(axes: tuple[str, ...], sizes: tuple[int, ...]) -> tuple[str, ...]:
    """Call the unnamed axis longer than one time; number those of length one."""
    names = []
    for place, (axis, size) in enumerate(zip(axes, sizes, strict=True)):
        if axis != "unnamed":
            names.append(axis)
        else:
            names.append("time" if size > 1 else f"unnamed {place}")
    return tuple(names)


class _AxesError(Exception):
    """An axis that must be chosen, or a choice that isn't there."""


def _choose(
    lengths: dict[str, int],
    settings: MovieSettings,
    may_be_time: tuple[str, ...],
    names: Mapping[str, tuple[str, ...]],
) -> dict[str, int]:
    options = {axis: getattr(settings, axis) for axis in CHOOSABLE_AXES}
    for axis, value in options.items():
        if value is not None and value >= lengths[axis]:
            raise _AxesError(
                f"{axis} {value} was asked for, but the movie has only {axis} "
                f"0…{lengths[axis] - 1}; choose one of these"
                if lengths[axis] > 1
                else f"{axis} {value} was asked for, but the movie has no {axis} axis; "
                f"leave {axis} out",
            )
    open_axes = [axis for axis in CHOOSABLE_AXES if options[axis] is None and lengths[axis] > 1]
    if open_axes:
        raise _AxesError(_ask_for_axes(open_axes, lengths, may_be_time, names))
    return {axis: options[axis] or 0 for axis in CHOOSABLE_AXES}


def _ask_for_axes(
    open_axes: list[str],
    lengths: dict[str, int],
    may_be_time: tuple[str, ...],
    names: Mapping[str, tuple[str, ...]],
) -> str:
    listed = ", ".join(
        f"{axis} (length {lengths[axis]}{_list_names(names.get(axis, ()))})" for axis in open_axes
    )
    options = " ".join(f"--{axis} 0" for axis in open_axes)
    question = (
        f"besides time, row and column the movie has {listed}; choose one of each, counted "
        f"from 0: {options} ({', '.join(f'{axis}=0' for axis in open_axes)} in Python)"
    )
    for axis in may_be_time:
        if axis in open_axes:
            question += (
                f"; if {axis} is in fact time, as some programs mislabel it: --time-axis {axis} "
                f"(time_axis='{axis}' in Python)"
            )
    return question


def _list_names(names: tuple[str, ...]) -> str:
    numbers = tuple(map(str, range(len(names))))
    named = [name for name in names if name and names != numbers]
    more = ", …" if len(named) > MOST_NAMES else ""
    return f": {', '.join(named[:MOST_NAMES])}{more}" if named else ""
