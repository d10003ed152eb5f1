"""Nanonis scans (.sxm): the topography of the place where curves were recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError

END = b":SCANIT_END:"
# two bytes follow the header before the values
START = b"\x1a\x04"


@dataclass(frozen=True, eq=False)
class Scan:
    """The height of a surface.

    Attributes
    ----------
    height : ndarray, shape (n_rows, n_cols)
        In metres, the top row first; NaN where it was not scanned.
    centre : (float, float)
        x and y of the centre, in metres.
    size : (float, float)
        Width and height, in metres.
    angle_deg : float
        By which the scan is turned clockwise, in degrees.
    """

    height: np.ndarray
    centre: tuple[float, float]
    size: tuple[float, float]
    angle_deg: float

    def at(self, positions: np.ndarray) -> np.ndarray:
        """Return the height at some places, of the nearest pixel.

        Parameters
        ----------
        positions : ndarray, shape (n, 2)
            x and y in metres.

        Returns
        -------
        ndarray, shape (n,)
            NaN outside the scan.
        """
        angle = np.radians(self.angle_deg)
        x, y = (positions - np.array(self.centre)).T
        across = (x * np.cos(angle) - y * np.sin(angle)) / self.size[0] + 0.5
        up = (x * np.sin(angle) + y * np.cos(angle)) / self.size[1] + 0.5
        n_rows, n_cols = self.height.shape
        inside = (across >= 0) & (across < 1) & (up > 0) & (up <= 1)
        found = np.full(len(positions), np.nan)
        cols = (across[inside] * n_cols).astype(int)
        rows = np.clip(((1 - up[inside]) * n_rows).astype(int), 0, n_rows - 1)
        found[inside] = self.height[rows, cols]
        return found


def read_scan(path: Path) -> Scan:
    """Read the channel Z of a scan.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Scan

    Raises
    ------
    CurvesError
        If it is no scan, or has no channel Z.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CurvesError(path, f"it can't be read: {error.strerror}; check the name") from error
    end = content.find(END)
    begin = content.find(START, end)
    if end < 0 or begin < 0:
        raise CurvesError(path, "it is no Nanonis scan; give an .sxm file")
    header = _parse(content[:end].decode("latin-1"))
    try:
        n_cols, n_rows = (int(number) for number in header["SCAN_PIXELS"].split()[:2])
        x, y = (float(number) for number in header["SCAN_OFFSET"].split()[:2])
        size_x, size_y = (float(number) for number in header["SCAN_RANGE"].split()[:2])
        angle_deg = float(header.get("SCAN_ANGLE", "0").split()[0])
        before = _images_before_z(header["DATA_INFO"])
    except (KeyError, ValueError) as error:
        raise CurvesError(
            path, f"its header lacks the size of the scan or the channel Z ({error}); save it again"
        ) from error
    n_values = n_rows * n_cols
    offset = begin + len(START) + before * n_values * 4
    stored = np.frombuffer(content[offset : offset + 4 * n_values], dtype=">f4")
    height = np.full(n_values, np.nan)
    height[: stored.size] = stored
    image = height.reshape(n_rows, n_cols)
    if header.get("SCAN_DIR", "down").strip().lower() == "up":
        image = image[::-1]
    return Scan(image, (x, y), (size_x, size_y), angle_deg)


def _parse(text: str) -> dict[str, str]:
    header: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if line.startswith(":") and line.rstrip().endswith(":"):
            key = line.strip().strip(":")
            header[key] = ""
        elif key:
            header[key] += ("\n" if header[key] else "") + line.strip()
    return header


def _images_before_z(table: str) -> int:
    """Return the number of images before the forward image of the channel Z."""
    n_images = 0
    for line in table.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) < 4:
            continue
        if cells[1].strip() == "Z":
            return n_images
        n_images += 2 if cells[3].strip() == "both" else 1
    raise ValueError("no channel is called Z")
