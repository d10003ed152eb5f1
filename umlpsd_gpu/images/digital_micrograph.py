"""Images of DigitalMicrograph: .dm3 and .dm4.

The format is a tree of tags, which Gatan does not publish; after C. Boothroyd, "Digital Micrograph
file format", and G. Jefferis, "DM3 image format".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.pixel_size import pixel_size_of
from umlpsd_gpu.images.titles import choose_image, unique_title

SUFFIXES = (".dm3", ".dm4")
# Numbers in tags, by their code
TYPES = {2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8"} | {
    8: "u1",
    9: "u1",
    10: "i1",
    11: "i8",
    12: "u8",
}
STRUCT, STRING, ARRAY = 15, 18, 20
# Types of images with real values, by ImageData.DataType; 23 is a thumbnail in colours
IMAGE_TYPES = {1: "i2", 2: "f4", 6: "u1", 7: "i4", 9: "i1", 10: "u2", 11: "u4", 12: "f8", 14: "u1"}
GROUP, VALUE = 20, 21
# No file of the program has more; damaged files could ask for anything
MOST_TAGS, DEEPEST, LONGEST_TEXT = 1_000_000, 64, 1 << 16


@dataclass(frozen=True)
class StoredValues:
    """Where an array of numbers is in the file; it is read when it is needed.

    Attributes
    ----------
    offset : int
        From the start of the file, in bytes.
    dtype : dtype
    size : int
        Number of values.
    """

    offset: int
    dtype: np.dtype[Any]
    size: int


def read_dm_image(path: Path, title: str | None = None) -> Micrograph:
    """Read an image of DigitalMicrograph.

    Parameters
    ----------
    path : Path
        A .dm3 or .dm4 file.
    title : str, optional
        Name of the image, where there are several.

    Returns
    -------
    Micrograph

    Raises
    ------
    MovieError
        If the file is damaged, has no image of real values or several, or a stack; or as
        `pixel_size_of`.
    """
    try:
        with path.open("rb") as file:
            reader = _Reader(file, path.stat().st_size)
            entries = _images_of(reader.read_root())
            entry = choose_image(path, entries, title)
            return _read(path, reader, entry)
    except (OSError, _DamagedError, struct.error) as error:
        raise MovieError(
            path, f"it is no whole file of DigitalMicrograph ({error}); copy or export it again"
        ) from error


class _DamagedError(Exception):
    """What is wrong with the tree of tags."""


class _Reader:
    """Reads the tree of tags, within the size of the file."""

    def __init__(self, file: BinaryIO, n_bytes: int) -> None:
        self.file, self.n_bytes, self.n_tags = file, n_bytes, 0
        (self.version,) = self._unpack(">i")
        if self.version not in (3, 4):
            raise _DamagedError(f"version {self.version} instead of 3 or 4")
        self._unpack(self._long)
        (is_little,) = self._unpack(">i")
        self.order = "<" if is_little else ">"

    @property
    def _long(self) -> str:
        return ">i" if self.version == 3 else ">q"

    def read_root(self) -> dict[str, Any]:
        return self._read_group(0)

    def values(self, stored: StoredValues) -> np.ndarray:
        self.file.seek(stored.offset)
        data = self.file.read(stored.size * stored.dtype.itemsize)
        return np.frombuffer(data, stored.dtype)

    def _unpack(self, layout: str) -> tuple[Any, ...]:
        data = self.file.read(struct.calcsize(layout))
        if len(data) < struct.calcsize(layout):
            raise _DamagedError(f"it ends after {self.n_bytes:,} bytes, within its tags")
        return struct.unpack(layout, data)

    def _count(self) -> int:
        (number,) = self._unpack(self._long)
        if not 0 <= number <= self.n_bytes:
            raise _DamagedError(f"a tag says {number} parts in {self.n_bytes:,} bytes")
        return int(number)

    def _read_group(self, depth: int) -> dict[str, Any]:
        if depth > DEEPEST:
            raise _DamagedError(f"tags are nested more than {DEEPEST} deep")
        self._unpack(">bb")
        n_tags, found = self._count(), {}
        for number in range(n_tags):
            self.n_tags += 1
            if self.n_tags > MOST_TAGS:
                raise _DamagedError(f"more than {MOST_TAGS:,} tags")
            kind, length = self._unpack(">BH")
            if kind == 0:
                break
            name = self.file.read(length).decode("latin-1") or str(number)
            if self.version == 4:
                self._unpack(">q")
            if kind == GROUP:
                found[name] = self._read_group(depth + 1)
            elif kind == VALUE:
                found[name] = self._read_value()
            else:
                raise _DamagedError(f"a tag of the unknown kind {kind}")
        return found

    def _read_value(self) -> Any:
        (mark,) = self._unpack(">4s")
        if mark != b"%%%%":
            raise _DamagedError("a tag without its mark")
        n_codes = self._count()
        if n_codes > 4096:
            raise _DamagedError(f"a tag of {n_codes} parts")
        codes = [self._unpack(self._long)[0] for _ in range(n_codes)]
        return self._take(codes)

    def _take(self, codes: list[int]) -> Any:
        """Return a value of a type as it is encoded; arrays as the place where they are."""
        first = codes[0] if codes else None
        if first in TYPES and len(codes) == 1:
            (number,) = np.frombuffer(self._bytes(self._dtype(first).itemsize), self._dtype(first))
            return number.item()
        if first == STRUCT:
            return [self._take([code]) for code in codes[4::2]]
        if first == STRING and len(codes) == 2:
            return self._bytes(2 * codes[1]).decode("utf-16-le", "replace")
        if first == ARRAY and len(codes) == 3 and codes[1] in TYPES:
            return self._array(self._dtype(codes[1]), codes[2])
        if first == ARRAY and len(codes) > 3 and codes[1] == STRUCT:
            width = sum(self._dtype(code).itemsize for code in codes[5:-1:2])
            self._skip(width * codes[-1])
            return None
        raise _DamagedError(f"a value of the unknown type {codes[:4]}")

    def _array(self, dtype: np.dtype[Any], size: int) -> Any:
        offset, n_bytes = self.file.tell(), size * dtype.itemsize
        # texts are arrays of 16-bit characters
        if dtype.kind == "u" and dtype.itemsize == 2 and 0 <= size <= LONGEST_TEXT // 2:
            text = self._bytes(n_bytes).decode("utf-16-le", "replace")
            return _Text(text, StoredValues(offset, dtype, size))
        self._skip(n_bytes)
        return StoredValues(offset, dtype, size)

    def _dtype(self, code: int) -> np.dtype[Any]:
        if code not in TYPES:
            raise _DamagedError(f"a number of the unknown type {code}")
        return np.dtype(self.order + TYPES[code])

    def _bytes(self, n_bytes: int) -> bytes:
        if not 0 <= n_bytes <= LONGEST_TEXT:
            raise _DamagedError(f"a value of {n_bytes} bytes")
        data = self.file.read(n_bytes)
        if len(data) < n_bytes:
            raise _DamagedError(f"it ends after {self.n_bytes:,} bytes, within its tags")
        return data

    def _skip(self, n_bytes: int) -> None:
        here = self.file.tell()
        if n_bytes < 0 or here + n_bytes > self.n_bytes:
            raise _DamagedError(f"{n_bytes:,} bytes are announced at {here:,} of {self.n_bytes:,}")
        self.file.seek(n_bytes, 1)


class _Text(str):
    """A text, which may as well be a short row of 16-bit numbers."""

    stored: StoredValues

    def __new__(cls, text: str, stored: StoredValues) -> _Text:
        made = super().__new__(cls, text)
        made.stored = stored
        return made


def _images_of(root: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the images of real values by name, without the thumbnails."""
    images = root.get("ImageList")
    found: dict[str, Mapping[str, Any]] = {}
    for number, entry in enumerate((images if isinstance(images, dict) else {}).values()):
        data = entry.get("ImageData") if isinstance(entry, dict) else None
        if isinstance(data, dict) and data.get("DataType") in IMAGE_TYPES:
            name = str(entry.get("Name") or f"image {number}")
            found[unique_title(name, found)] = data
    return found


def _read(path: Path, reader: _Reader, data: Mapping[str, Any]) -> Micrograph:
    sizes = [int(size) for size in _numbers(data.get("Dimensions"))]
    stored = data.get("Data")
    stored = stored.stored if isinstance(stored, _Text) else stored
    if not isinstance(stored, StoredValues) or not sizes:
        raise _DamagedError("the image has no values or no size")
    if len(sizes) != 2 and any(size != 1 for size in sizes[2:]):
        raise MovieError(
            path,
            f"it holds an array of {' × '.join(map(str, sizes))} values, and a micrograph is one "
            "image; save the image to analyse as a file of its own",
        )
    n_columns, n_rows = sizes[0], sizes[1] if len(sizes) > 1 else 1
    dtype = np.dtype(reader.order + IMAGE_TYPES[data["DataType"]])
    if stored.size * stored.dtype.itemsize != n_rows * n_columns * dtype.itemsize:
        raise _DamagedError(f"{stored.size:,} values for an image of {n_rows} × {n_columns}")
    values = reader.values(stored).view(dtype).reshape(n_rows, n_columns)
    return Micrograph(values.astype(dtype.newbyteorder("=")), *_scale(path, data), path=path)


def _scale(path: Path, data: Mapping[str, Any]) -> tuple[float | None, str]:
    calibrations = data.get("Calibrations")
    axes = calibrations.get("Dimension") if isinstance(calibrations, dict) else None
    if not isinstance(axes, dict):
        return None, "unknown"
    x, y = (
        (axis.get("Scale"), axis.get("Units", ""))
        for axis in [*(a for a in axes.values() if isinstance(a, dict)), {}, {}][:2]
    )
    return pixel_size_of(path, "DigitalMicrograph scale", x, y)


def _numbers(group: Any) -> list[float]:
    return [n for n in group.values() if isinstance(n, int | float)] if group else []
