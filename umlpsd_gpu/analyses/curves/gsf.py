"""Gwyddion Simple Field (.gsf): one map with its scale and unit, as Gwyddion opens it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MAGIC = "Gwyddion Simple Field 1.0"


def write_gsf(
    path: Path,
    image: np.ndarray,
    title: str = "",
    unit: str = "",
    pixel_size_m: tuple[float, float] | None = None,
) -> None:
    """Write one map.

    Parameters
    ----------
    path : Path
        Should end in ``.gsf``.
    image : ndarray, shape (n_rows, n_cols)
        The top row first; NaN where there is no value. Written as float32.
    title : str
        One line.
    unit : str
        SI unit of the values; empty for pure numbers.
    pixel_size_m : (float, float), optional
        Width and height of a pixel, in metres.
    """
    n_rows, n_cols = image.shape
    lines = [MAGIC, f"XRes = {n_cols}", f"YRes = {n_rows}"]
    if pixel_size_m is not None:
        width, height = n_cols * pixel_size_m[0], n_rows * pixel_size_m[1]
        lines += [f"XReal = {width!r}", f"YReal = {height!r}", "XYUnits = m"]
    if unit:
        lines.append(f"ZUnits = {unit}")
    if title:
        lines.append(f"Title = {' '.join(title.split())}")
    header = ("\n".join(lines) + "\n").encode()
    # one to four zeros, so that the values begin at a multiple of four
    padding = b"\0" * (4 - len(header) % 4)
    path.write_bytes(header + padding + np.ascontiguousarray(image, dtype="<f4").tobytes())
