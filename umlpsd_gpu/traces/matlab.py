"""MATLAB 5 to 7 files → their arrays by name.

They are read here, because SciPy's compiled reader crashes on some broken files, and trusts what
others say about their sizes. A file is a list of elements (a type, a length, and bytes), of which
those of type matrix hold others: flags, dimensions, name, and numbers or matrices.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.file_errors import require_credible_size

HEADER_BYTES, TAG_BYTES = 128, 8
MATRIX, COMPRESSED = 14, 15
# Types of elements that hold numbers
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8"}
NUMBERS |= {13: "u8"}
# Classes of matrices
CELL, STRUCT, CHAR, NUMERIC, OPAQUE = 1, 2, 4, range(6, 16), 17
COMPLEX_FLAG = 0x0800
DEEPEST = 30


@dataclass(frozen=True)
class Text:
    """Letters.

    Attributes
    ----------
    shape : tuple of int
    """

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Cells:
    """Values of a cell array.

    Attributes
    ----------
    shape : tuple of int
    values : list
        In the order of MATLAB (first index fastest).
    """

    shape: tuple[int, ...]
    values: list[Any]


# An array, Text, Cells, a dict by field (struct), or None (what holds no traces)
Value = Array | Text | Cells | dict[str, Any] | None


def read_matlab5(path: Path) -> dict[str, Value]:
    """Read the variables of a MATLAB file of version 5 to 7.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to Value
        By name. Numbers keep the type in which they are stored. Structs of several entries,
        objects, functions and sparse matrices are None.

    Raises
    ------
    ValueError
        If the file is damaged, with the byte at which it is.
    TracesError
        If a variable unpacks to an incredible size.
    """
    data = path.read_bytes()
    if len(data) < HEADER_BYTES or data[126:128] not in (b"IM", b"MI"):
        raise ValueError("it has no header of a MATLAB file")
    reader = _Reader(path, "<" if data[126:128] == b"IM" else ">")
    found: dict[str, Value] = {}
    for kind, content, at in reader.elements(memoryview(data), HEADER_BYTES):
        if kind == COMPRESSED:
            kind, content = reader.unpack(content, at)
        if kind == MATRIX:
            name, value = reader.matrix(content, at)
            found[name] = value
    return found


@dataclass(frozen=True)
class _Reader:
    path: Path
    order: str

    def elements(
        self, data: memoryview, start: int = 0, base: int = 0
    ) -> Iterator[tuple[int, memoryview, int]]:
        """Yield type, content and place in the file of the elements of a block."""
        at = start
        while at < len(data):
            if at + TAG_BYTES > len(data):
                raise ValueError(f"it ends inside the element at byte {base + at}")
            kind, n_bytes = struct.unpack_from(self.order + "II", data, at)
            begin = at + TAG_BYTES
            if kind >> 16:  # up to four bytes are inside the tag
                kind, n_bytes, begin = kind & 0xFFFF, kind >> 16, at + 4
                stop = at + TAG_BYTES
                is_whole = n_bytes <= 4
            else:
                stop = begin + n_bytes
                is_whole = stop <= len(data)
            if not is_whole:
                raise ValueError(
                    f"its element at byte {base + at} has {n_bytes} bytes, more than there are"
                )
            yield kind, data[begin : begin + n_bytes], base + at
            at = stop if kind == COMPRESSED else stop + -stop % TAG_BYTES

    def unpack(self, packed: memoryview, at: int) -> tuple[int, memoryview]:
        """Return type and content of a compressed element."""
        unpacker = zlib.decompressobj()
        tag = unpacker.decompress(packed, TAG_BYTES)
        if len(tag) < TAG_BYTES:
            raise ValueError(f"its compressed element at byte {at} is empty")
        kind, n_bytes = struct.unpack(self.order + "II", tag)
        require_credible_size(self.path, f"element at byte {at}", n_bytes, len(packed))
        content = unpacker.decompress(unpacker.unconsumed_tail, n_bytes) if n_bytes else b""
        if len(content) < n_bytes:
            raise ValueError(f"its compressed element at byte {at} ends early")
        return kind, memoryview(content)

    def matrix(self, content: memoryview, at: int, depth: int = 0) -> tuple[str, Value]:
        """Return the name and the value of a matrix."""
        if not len(content):
            return "", np.empty((0, 0))
        if depth > DEEPEST:
            raise ValueError(f"its variables at byte {at} are nested more than {DEEPEST} deep")
        parts = self.elements(content, base=at + TAG_BYTES)
        flags = self._numbers(parts, "flags", at)
        if len(flags) != 2:
            raise ValueError(f"its matrix at byte {at} has no flags")
        class_, is_complex = int(flags[0]) & 0xFF, bool(int(flags[0]) & COMPLEX_FLAG)
        if class_ == OPAQUE:
            return "", None
        shape = tuple(self._numbers(parts, "dimensions", at).tolist())
        if len(shape) < 2 or min(shape) < 0:
            raise ValueError(f"its matrix at byte {at} has the dimensions {shape}")
        name = self._numbers(parts, "name", at).tobytes().decode("latin-1")
        if class_ == CHAR:
            return name, Text(shape)
        if class_ == CELL:
            n_cells = self._count(shape, content, at)
            return name, Cells(shape, list(self._matrices(parts, n_cells, at, depth)))
        if class_ == STRUCT:
            return name, self._struct(parts, shape, at, depth)
        if class_ in NUMERIC:
            return name, self._array(parts, shape, is_complex, at)
        return name, None

    def _count(self, shape: tuple[int, ...], content: memoryview, at: int) -> int:
        """Return the number of entries; each takes the bytes of a tag at least."""
        n_entries = math.prod(shape)
        if n_entries * TAG_BYTES > len(content):
            raise ValueError(f"its matrix at byte {at} says that it has {n_entries} entries")
        return n_entries

    def _numbers(self, parts: Iterator[tuple[int, memoryview, int]], what: str, at: int) -> Array:
        kind, data, _ = next(parts, (0, memoryview(b""), 0))
        letter = NUMBERS.get(kind)
        if letter is None or len(data) % int(letter[1]):
            raise ValueError(f"its matrix at byte {at} has no {what}")
        return np.frombuffer(data, self.order + letter)

    def _array(
        self,
        parts: Iterator[tuple[int, memoryview, int]],
        shape: tuple[int, ...],
        is_complex: bool,
        at: int,
    ) -> Array:
        values = self._numbers(parts, "numbers", at)
        if is_complex:
            imaginary = self._numbers(parts, "imaginary parts", at)
            if imaginary.size != values.size:
                raise ValueError(f"its matrix at byte {at} lacks some of its imaginary parts")
            both = np.empty(values.size, np.complex128)
            both.real, both.imag = values, imaginary
            values = both
        if values.size != math.prod(shape):
            size = " × ".join(map(str, shape))
            raise ValueError(f"its matrix at byte {at} has {values.size} numbers for {size}")
        return values.reshape(shape, order="F")

    def _struct(
        self,
        parts: Iterator[tuple[int, memoryview, int]],
        shape: tuple[int, ...],
        at: int,
        depth: int,
    ) -> Value:
        lengths = self._numbers(parts, "length of its field names", at)
        names = self._numbers(parts, "field names", at).tobytes()
        length = int(lengths[0]) if lengths.size == 1 else 0
        if length <= 0 or len(names) % length:
            raise ValueError(f"its matrix at byte {at} has no field names")
        if math.prod(shape) != 1:
            return None
        fields = [
            names[i : i + length].partition(b"\0")[0].decode("latin-1")
            for i in range(0, len(names), length)
        ]
        return dict(zip(fields, self._matrices(parts, len(fields), at, depth), strict=True))

    def _matrices(
        self, parts: Iterator[tuple[int, memoryview, int]], n: int, at: int, depth: int
    ) -> Iterator[Value]:
        for _ in range(n):
            kind, content, place = next(parts, (0, memoryview(b""), at))
            if kind != MATRIX:
                raise ValueError(f"its matrix at byte {at} has fewer entries than it says")
            yield self.matrix(content, place, depth + 1)[1]
