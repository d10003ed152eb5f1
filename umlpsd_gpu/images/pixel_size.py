"""The side of a pixel from what files say about both axes; what is no length is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.units import metres_of

# Programs that crop or average an image write sides that differ by a rounding error
EQUAL_WITHIN = 0.001


class PixelSize(NamedTuple):
    """Side of a pixel in metres, None if unknown, and what says so."""

    size_m: float | None = None
    origin: str = "unknown"


def pixel_size_of(
    path: Path, origin: str, x: tuple[Any, Any], y: tuple[Any, Any] | None = None
) -> PixelSize:
    """Return the side of a pixel from the scales of both axes.

    Parameters
    ----------
    path : Path
        For messages.
    origin : str
        Name of the metadata.
    x, y : (number, str)
        Length of a pixel along the axis, and its unit, as the file has them. ``y`` is left out
        where a file knows one length only.

    Returns
    -------
    PixelSize
        The geometric mean of the sides; unknown where a scale is missing, not a positive number, or
        in a unit that is not known.

    Raises
    ------
    MovieError
        If a unit is reciprocal, as for a diffraction pattern, or the sides differ by more than
        0.1 %.
    """
    both = [each for each in (x, y) if each is not None]
    for _, unit in both:
        if _is_reciprocal(str(unit)):
            raise MovieError(
                path,
                f"its pixels are measured in '{unit}' ({origin}): a diffraction pattern or a "
                "transform, not an image of the sample; choose the image itself",
            )
    sizes = [_length_m(*each) for each in both]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) or not known:
        return PixelSize()
    if max(known) > (1 + EQUAL_WITHIN) * min(known):
        raise MovieError(
            path,
            f"its pixels are {known[0]:.4g} m wide and {known[1]:.4g} m high ({origin}), and "
            "shapes and directions need square pixels; resample the image",
        )
    return PixelSize(math.sqrt(known[0] * known[-1]), origin)


def positive(value: Any) -> float | None:
    """Return a number if it is positive and finite; None for everything else.

    Parameters
    ----------
    value : object
        Number or text of one.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _length_m(value: Any, unit: Any) -> float | None:
    size, factor = positive(value), metres_of(str(unit))
    return None if size is None or factor is None else size * factor


def _is_reciprocal(unit: str) -> bool:
    text = unit.strip().replace(" ", "").casefold()
    return text.startswith("1/") or text.endswith(("^-1", "-1", "⁻¹")) or "rad" in text
