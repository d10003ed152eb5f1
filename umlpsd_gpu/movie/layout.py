"""Which axes a movie has besides row and column, and which plane each page contains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.kind import Kind
from umlpsd_gpu.movie.ome import OmeImage
from umlpsd_gpu.movie.page_table import PageTable

# ImageJ's "order" names its axes from fast to slow.
_IMAGEJ_ORDERS = {
    "czt": ("time", "z", "channel"),
    "ctz": ("z", "time", "channel"),
    "zct": ("time", "channel", "z"),
    "ztc": ("channel", "time", "z"),
    "tcz": ("z", "channel", "time"),
    "tzc": ("channel", "z", "time"),
}
_AXIS_OF_LETTER = {"T": "time", "Z": "z", "C": "channel", "P": "position"}
_ABSENT = -1


@dataclass(frozen=True)
class Layout:
    """Planes are numbered along the axes, the last axis fastest.

    Attributes
    ----------
    source : str
        Name of the metadata that announce it; empty where none do.
    axes : tuple of {"position", "time", "z", "channel", "unnamed"}
    sizes : tuple of int
    plane_of_page : ndarray, shape (n_pages,), int64
        -1 for a page that contains none of these planes.
    names : dict of str to tuple of str
        Names of the places along an axis, where the notes give them.
    by_pages : bool
        Whether the notes of single pages give the layout.
    first_time : int
        Number that the notes give to the first time point.
    doubt : str
        Why the layout may be another one, for the question about its axes.
    """

    source: str
    axes: tuple[str, ...]
    sizes: tuple[int, ...]
    plane_of_page: Array
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_pages: bool = False
    first_time: int = 0
    doubt: str = ""

    @property
    def n_planes(self) -> int:
        """Return the number of planes of the whole movie."""
        return math.prod(self.sizes)

    @property
    def n_series(self) -> int:
        """Return the number of channels, planes and positions together."""
        sizes = zip(self.axes, self.sizes, strict=True)
        return math.prod(size for axis, size in sizes if axis not in ("time", "unnamed"))

    @property
    def is_announced(self) -> bool:
        """Whether metadata, not the pages alone, give the number of planes of one file."""
        return bool(self.source) and not self.by_pages


def imagej_layout(imagej: dict[str, Any], table: PageTable) -> Layout | None:
    """Return the layout that ImageJ's description announces; None where it announces one plane.

    Parameters
    ----------
    imagej : dict
        ImageJ's description.
    table : PageTable
    """
    axes, sizes = _read_imagej_axes(imagej, table.kinds[0].n_samples)
    return _make_announced_layout("ImageJ", axes, sizes, table)


def shaped_layout(shaped: dict[str, Any], table: PageTable) -> Layout | None:
    """Return the layout that tifffile's description announces; None where it announces one plane.

    Arrays of one unnamed axis that were appended to each other are one movie: None as well.

    Parameters
    ----------
    shaped : dict
        tifffile's description.
    table : PageTable
    """
    axes, sizes = _read_shaped_axes(shaped, table.kinds[0])
    if table.n_pages > math.prod(sizes) and sum(size > 1 for size in sizes) == 1:
        return None
    return _make_announced_layout("tifffile", axes, sizes, table)


def lettered_layout(axes: str, shape: tuple[int, ...], table: PageTable) -> Layout | None:
    """Return the layout of axes named by letters; None where there are none.

    Parameters
    ----------
    axes : str
        As ``"TZ"``, slow to fast.
    shape : tuple of int
    table : PageTable
    """
    named = tuple(_AXIS_OF_LETTER.get(letter, "unnamed") for letter in axes)
    if len(set(named)) < len(named):
        named = ("unnamed",) * len(named)
    return _make_announced_layout("the header", named, shape, table)


def _make_announced_layout(
    source: str, axes: tuple[str, ...], sizes: tuple[int, ...], table: PageTable
) -> Layout | None:
    # A description of one plane is often repeated in every page of a growing file.
    if math.prod(sizes) <= 1:
        return None
    return Layout(source, axes, sizes, np.arange(table.n_pages, dtype=np.int64))


def plain_layout(table: PageTable, n_frames_with_room: int) -> Layout:
    """Return the layout of pages without metadata: every page is a frame.

    Parameters
    ----------
    table : PageTable
    n_frames_with_room : int
        Frames that a truncated file had room for before the description that it lost; 0 if
        unknown.
    """
    pages = np.arange(table.n_pages, dtype=np.int64)
    if n_frames_with_room > table.n_pages:
        return Layout("the room before page 2", ("time",), (n_frames_with_room,), pages)
    return Layout("", ("time",), (table.n_pages,), pages)


def _read_imagej_axes(
    imagej: dict[str, Any], n_samples: int
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    sizes = {
        axis: _take_whole_number(imagej.get(name, 1))
        for axis, name in (("time", "frames"), ("z", "slices"), ("channel", "channels"))
    }
    # Bio-Formats counts the samples of an RGB page as channels.
    if n_samples > 1 and sizes["channel"] % n_samples == 0:
        sizes["channel"] //= n_samples
    axes = _IMAGEJ_ORDERS.get(str(imagej.get("order", "czt")).lower(), _IMAGEJ_ORDERS["czt"])
    if math.prod(sizes.values()) == 1:
        return ("time",), (_take_whole_number(imagej.get("images", 1)),)
    return axes, tuple(sizes[axis] for axis in axes)


def _read_shaped_axes(
    shaped: dict[str, Any], kind: Kind
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    shape = shaped.get("shape", ())
    if not isinstance(shape, list) or not all(isinstance(length, int) for length in shape):
        return (), ()
    n_in_page = _count_axes_in_page(shape, kind)
    sizes = tuple(max(length, 1) for length in shape[: len(shape) - n_in_page])
    letters = shaped.get("axes", "")
    if not isinstance(letters, str) or len(letters) != len(shape):
        letters = "?" * len(shape)
    letters = letters if len(set(letters)) == len(letters) else "?" * len(shape)
    axes = tuple(_AXIS_OF_LETTER.get(letter, "unnamed") for letter in letters[: len(sizes)])
    return axes, sizes


def _count_axes_in_page(shape: list[int], kind: Kind) -> int:
    """Return how many of an array's last axes one page contains.

    tifffile takes a last axis of length 1 for samples: an array of 200 × 32 × 1 is one page of
    200 × 32 pixels.
    """
    usual = 2 if kind.n_samples == 1 else 3
    n_values = kind.n_rows * kind.n_cols * kind.n_samples
    fitting = (
        n_axes
        for n_axes in range(usual, len(shape) + 1)
        if math.prod(shape[len(shape) - n_axes :]) == n_values
    )
    return next(fitting, usual)


def _take_whole_number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def ome_layout(
    images: Sequence[OmeImage], position: int, table: PageTable, file_of_name: dict[str, int]
) -> Layout:
    """Return the layout of one image of an OME file or set; several images are positions.

    Parameters
    ----------
    images : sequence of OmeImage
    position : int
        Number of the image that is read.
    table : PageTable
    file_of_name : dict
        Number in ``table`` of each existing file; ``""`` is the file with the XML.
    """
    image = images[position]
    n_planes = math.prod(image.sizes)
    plane_of_page = np.full(table.n_pages, _ABSENT, np.int64)
    for block in image.blocks:
        file = file_of_name.get(block.file_name)
        if file is None or block.page < 0:
            continue
        n_left = table.n_pages_of(file) - block.page
        n_here = n_left if block.n_planes is None else min(n_left, block.n_planes)
        n_here = max(0, min(n_here, n_planes - block.plane))
        first = int(table.first_page[file]) + block.page
        plane_of_page[first : first + n_here] = block.plane + np.arange(n_here)
    held = plane_of_page >= 0
    plane_of_page[held] += position * n_planes
    return Layout("OME-XML", ("position", *image.axes), (len(images), *image.sizes), plane_of_page)


def find_pages(layout: Layout, planes: Array, path: Path) -> Array:
    """Return the page of each of the given planes, -1 where there is none.

    Parameters
    ----------
    layout : Layout
    planes : ndarray of int
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If two pages claim the same plane.
    """
    held = np.flatnonzero(layout.plane_of_page >= 0)
    order = held[np.argsort(layout.plane_of_page[held], kind="stable")]
    sorted_planes = layout.plane_of_page[order]
    if len(sorted_planes) == 0:
        return np.full(len(planes), _ABSENT, np.int64)
    if (np.diff(sorted_planes) == 0).any():
        raise MovieError(
            path,
            f"two pages claim the same place by {layout.source or 'their names'}; "
            "export the movie again, or name its files one by one",
        )
    at = np.minimum(np.searchsorted(sorted_planes, planes), len(sorted_planes) - 1)
    return np.where(sorted_planes[at] == planes, order[at], _ABSENT)
