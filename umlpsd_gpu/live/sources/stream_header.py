"""What a program says about its frames before it sends them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError

DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
_FIELDS = ("name", "shape", "dtype", "dt_s", "pixel_size_um")
_LONGEST_NAME = 100
_MOST_32_BITS = 2**32 - 1


@dataclass(frozen=True)
class StreamHeader:
    """The frames of a stream: all alike.

    Attributes
    ----------
    name : str
        Of the movie.
    n_rows, n_cols : int
    dtype : str
        One of ``DTYPES``; little-endian.
    dt_s : float or None
        Frame interval in seconds; None if unknown.
    pixel_size_um : float or None
        Pixel size in the object plane, in µm; None if unknown.
    """

    name: str
    n_rows: int
    n_cols: int
    dtype: str
    dt_s: float | None
    pixel_size_um: float | None

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one frame."""
        return self.n_rows * self.n_cols * np.dtype(self.dtype).itemsize

    @property
    def file_stem(self) -> str:
        """Return the name without what a file name can't contain."""
        stem = re.sub(r"\.(ome\.)?tiff?$", "", self.name, flags=re.IGNORECASE)
        stem = re.sub(r"[^\w.+-]+", "_", stem.strip()).strip("._")[:_LONGEST_NAME]
        return stem or "recording"

    def describe(self) -> str:
        """Return the frames in words, for messages."""
        return f"'{self.name}', {self.n_rows} × {self.n_cols} {self.dtype}"

    def to_json(self) -> bytes:
        """Return the header as it is sent."""
        values = {
            "name": self.name,
            "shape": [self.n_rows, self.n_cols],
            "dtype": self.dtype,
            "dt_s": self.dt_s,
            "pixel_size_um": self.pixel_size_um,
        }
        return json.dumps(values).encode()

    def pixel_ratio(self) -> tuple[int, int] | None:
        """Return the pixels in a micrometre as a ratio of 32-bit numbers; None if unknown."""
        if self.pixel_size_um is None:
            return None
        largest = int(_MOST_32_BITS / max(self.pixel_size_um, 1.0))
        size = Fraction(self.pixel_size_um).limit_denominator(largest)
        return (size.denominator, size.numerator) if size else None


def parse_header(text: bytes, max_pixels: int) -> StreamHeader:
    """Return the header in a message.

    Parameters
    ----------
    text : bytes
        One JSON object with ``shape`` and ``dtype``, and perhaps ``name``, ``dt_s`` and
        ``pixel_size_um``.
    max_pixels : int
        Largest number of pixels of a frame.

    Returns
    -------
    StreamHeader

    Raises
    ------
    SettingsError
        If a field is missing, unknown or has a value that is not allowed.
    """
    values = _parse_object(text)
    unknown = sorted(set(values) - set(_FIELDS))
    if unknown:
        raise SettingsError(
            f"the header has the unknown field '{unknown[0]}'; allowed are {', '.join(_FIELDS)}"
        )
    n_rows, n_cols = _take_shape(values.get("shape"), max_pixels)
    dtype, name = values.get("dtype"), values.get("name", "recording")
    if dtype not in DTYPES:
        raise SettingsError(f"the header has dtype {dtype!r}; allowed are {', '.join(DTYPES)}")
    if not isinstance(name, str):
        raise SettingsError(f"the header has the name {name!r}; a text is needed")
    positive = [_take_positive(values, field) for field in ("dt_s", "pixel_size_um")]
    return StreamHeader(name, n_rows, n_cols, dtype, *positive)


def _parse_object(text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            "the header is no JSON; send one object such as "
            '{"shape": [64, 64], "dtype": "uint16", "dt_s": 0.03}'
        ) from error
    if not isinstance(values, dict):
        raise SettingsError("the header is no JSON object; send shape, dtype and dt_s in one")
    return values


def _take_shape(shape: Any, max_pixels: int) -> tuple[int, int]:
    is_pair = isinstance(shape, list) and len(shape) == 2
    if not is_pair or not all(type(length) is int and length > 0 for length in shape):
        raise SettingsError(f"the header has shape {shape!r}; [rows, columns] of a frame is needed")
    if shape[0] * shape[1] > max_pixels:
        raise SettingsError(
            f"the header announces frames of {shape[0]} × {shape[1]} pixels; at most {max_pixels} "
            "are allowed (movie.max_pixels)"
        )
    return shape[0], shape[1]


def _take_positive(values: dict[str, Any], field: str) -> float | None:
    value = values.get(field)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise SettingsError(f"the header has {field} = {value!r}; a number above 0 is needed")
    return float(value)
