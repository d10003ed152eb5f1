"""OME-XML: sizes, the file and page of every plane, times, pixel size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.units import micrometres_of, seconds_of

_AXES = {"C": "channel", "Z": "z", "T": "time"}
MAX_PLANES = 2**40
COMPANION_SUFFIX = ".ome"


class OmeBlock(NamedTuple):
    """Consecutive planes in consecutive pages of one file."""

    plane: int
    n_planes: int | None  # None: one per page of the file
    file_name: str  # "": the file that contains the XML
    page: int
    uuid: str = ""


@dataclass(frozen=True)
class OmeImage:
    """One Image element: the axes of its planes from slow to fast, and where they are stored.

    Attributes
    ----------
    axes : tuple of {"time", "z", "channel"}
    sizes : tuple of int
        Along the axes.
    blocks : tuple of OmeBlock
    time_increment_s, pixel_size_um : float or None
    delta_t_s : dict of int to float
        Time of each plane in seconds, where it is known.
    unknown : str
        A time whose unit is not known, in words; empty if there is none.
    """

    axes: tuple[str, ...]
    sizes: tuple[int, ...]
    blocks: tuple[OmeBlock, ...]
    time_increment_s: float | None
    pixel_size_um: float | None
    delta_t_s: dict[int, float] = field(repr=False)
    unknown: str = ""

    def times_s(self, planes: Array) -> Array:
        """Return the times of planes in seconds; NaN where unknown.

        ``planes`` may be counted over all images of a file.

        Parameters
        ----------
        planes : ndarray of int
        """
        in_image = planes % math.prod(self.sizes)
        return np.array([self.delta_t_s.get(plane, np.nan) for plane in in_image.tolist()])


def find_companion(xml: str) -> str | None:
    """Return the file that a part of an OME set points to; None where the XML is complete.

    Parameters
    ----------
    xml : str
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    _drop_namespaces(root)
    pointer = root.find("BinaryOnly")
    # Only files in the same folder are followed, never a path.
    return None if pointer is None else _take_name(pointer.get("MetadataFile", ""))


def _take_name(text: str) -> str:
    return Path(text.replace("\\", "/")).name


def parse_ome(xml: str, path: Path) -> tuple[OmeImage, ...]:
    """Return the images that OME-XML describes.

    Parameters
    ----------
    xml : str
    path : Path
        Of the file that contains it.

    Raises
    ------
    MovieError
        If the XML is broken, describes no image, or only points to another file.
    """
    try:
        root = ElementTree.fromstring(xml)
        _drop_namespaces(root)
        pointer = root.find("BinaryOnly")
        if pointer is not None:
            other = pointer.get("MetadataFile", "another file")
            raise MovieError(path, f"this is one part of an OME set; open {other} instead")
        images = tuple(
            _parse_image(pixels, path.name, root.get("UUID"))
            for pixels in root.iterfind("Image/Pixels")
        )
    except (ElementTree.ParseError, KeyError, ValueError, OverflowError) as error:
        raise MovieError(
            path,
            f"its OME-XML is broken ({type(error).__name__}: {error}); export the movie again",
        ) from error
    if not images:
        raise MovieError(path, "its OME-XML describes no image; export the movie again")
    return images


def _drop_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]


def _parse_image(pixels: ElementTree.Element, own_name: str, own_uuid: str | None) -> OmeImage:
    order = pixels.attrib["DimensionOrder"]
    if sorted(order) != sorted("XYCZT") or not order.startswith("XY"):
        raise ValueError(f"DimensionOrder {order!r}")
    letters = order[:1:-1]
    channel = pixels.find("Channel")
    n_samples = 1 if channel is None else int(channel.get("SamplesPerPixel", 1))
    sizes = {letter: int(pixels.attrib[f"Size{letter}"]) for letter in letters}
    sizes["C"] //= n_samples
    if min(sizes.values()) < 1 or math.prod(sizes.values()) >= MAX_PLANES:
        raise ValueError(f"the sizes {sizes} are not credible")
    names = {own_uuid: ""} if own_uuid else {}
    blocks = tuple(
        _parse_block(data, letters, sizes, names) for data in pixels.iterfind("TiffData")
    )
    return OmeImage(
        axes=tuple(_AXES[letter] for letter in letters),
        sizes=tuple(sizes[letter] for letter in letters),
        blocks=_mark_own_file(blocks, own_name) or (OmeBlock(0, None, "", 0),),
        time_increment_s=_parse_quantity(pixels, "TimeIncrement", seconds_of, "s"),
        pixel_size_um=_parse_quantity(pixels, "PhysicalSizeX", micrometres_of, "µm"),
        delta_t_s=_parse_times_s(pixels, letters, sizes),
        unknown=_name_unknown_unit(pixels),
    )


def _name_unknown_unit(pixels: ElementTree.Element) -> str:
    planes = pixels.iterfind("Plane")
    for element, name in ((pixels, "TimeIncrement"), *((plane, "DeltaT") for plane in planes)):
        value, unit = element.get(name), element.get(f"{name}Unit", "s")
        if value is not None and seconds_of(unit) is None:
            return f"OME's {name}={value} in '{unit}'"
    return ""


def _parse_block(
    data: ElementTree.Element, letters: str, sizes: dict[str, int], names: dict[str, str]
) -> OmeBlock:
    first = {letter: int(data.get(f"First{letter}", 0)) for letter in letters}
    count = data.get("PlaneCount", data.get("NumPlanes", "1" if "IFD" in data.attrib else None))
    uuid = data.find("UUID")
    file_name = identity = ""
    if uuid is not None:
        # Only files in the same folder are followed, never a path.
        identity = (uuid.text or "").strip()
        # A file without a name is known by its UUID alone.
        file_name = _take_name(uuid.get("FileName", "")) or identity
        file_name = names.get(identity, file_name)
    n_planes = None if count is None else int(count)
    plane = _number_plane(first, letters, sizes)
    return OmeBlock(plane, n_planes, file_name, int(data.get("IFD", 0)), identity)


def _mark_own_file(blocks: tuple[OmeBlock, ...], own_name: str) -> tuple[OmeBlock, ...]:
    """Mark the blocks of the file that contains the XML, even if that file was renamed."""
    names = {block.file_name for block in blocks} - {""}
    if own_name.lower().endswith(COMPANION_SUFFIX):
        return blocks
    own = names if len(names) == 1 and all(block.file_name for block in blocks) else {own_name}
    return tuple(
        block._replace(file_name="") if block.file_name in own else block for block in blocks
    )


def _number_plane(place: dict[str, int], letters: str, sizes: dict[str, int]) -> int:
    plane = 0
    for letter in letters:
        if not 0 <= place[letter] < sizes[letter]:
            raise ValueError(f"{letter} = {place[letter]} of {sizes[letter]}")
        plane = plane * sizes[letter] + place[letter]
    return plane


def _parse_times_s(
    pixels: ElementTree.Element, letters: str, sizes: dict[str, int]
) -> dict[int, float]:
    times = {}
    for plane in pixels.iterfind("Plane"):
        time_s = _parse_quantity(plane, "DeltaT", seconds_of, "s")
        if time_s is not None:
            place = {letter: int(plane.attrib[f"The{letter}"]) for letter in letters}
            times[_number_plane(place, letters, sizes)] = time_s
    return times


def _parse_quantity(
    element: ElementTree.Element,
    name: str,
    unit_of: Callable[[str], float | None],
    default_unit: str,
) -> float | None:
    text = element.get(name)
    unit = unit_of(element.get(f"{name}Unit", default_unit))
    return None if text is None or unit is None else float(text) * unit
