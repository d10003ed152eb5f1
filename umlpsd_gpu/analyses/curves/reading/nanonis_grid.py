"""Nanonis grids (.3ds): the header describes them, and a recording that stopped early is padded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.channels import Chosen, choose_channels
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.grids import grid_positions, top_row_first
from umlpsd_gpu.analyses.curves.reading.nanonis_header import (
    names_in,
    read_grid_header,
    segment_axis,
    to_numbers,
)
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import HEADER, bias_factor, current_factor
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

BYTES = 4
PARAMETERS = "# Parameters (4 byte)"
VALUE = np.dtype(">f4")
# A grid that stopped early may be this often larger than its file, or have this many bytes
MOST_EMPTY, ALWAYS_ALLOWED = 100, 1 << 30


@dataclass(frozen=True)
class Grid:
    """A grid by its header.

    Attributes
    ----------
    path : Path
    header : dict of str to str
    offset : int
        Where the data begin, in bytes.
    shape : (n_rows, n_cols)
    n_points : int
        Of a curve.
    parameters : tuple of str
        Numbers before the curves of each pixel.
    channels : tuple of str
    n_recorded : int
        Pixels that the file holds completely.
    """

    path: Path
    header: Mapping[str, str]
    offset: int
    shape: tuple[int, int]
    n_points: int
    parameters: tuple[str, ...]
    channels: tuple[str, ...]
    n_recorded: int

    @property
    def n_pixels(self) -> int:
        """Number of pixels of the whole grid; int."""
        return self.shape[0] * self.shape[1]

    @property
    def values_per_pixel(self) -> int:
        """Numbers that the file holds for each pixel; int."""
        return len(self.parameters) + len(self.channels) * self.n_points

    def stop_note(self, n_recorded: int) -> str:
        """Return the note about a recording that stopped early.

        Parameters
        ----------
        n_recorded : int
            Pixels with values.
        """
        return (
            f"The recording stopped after {n_recorded} of {self.n_pixels} pixels; the others are "
            "empty."
        )


def open_grid(path: Path) -> Grid:
    """Read the header of a grid.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Grid

    Raises
    ------
    CurvesError
        If it is no grid, its header lacks the size, the points or the channels, or the file is far
        smaller than the header says.
    """
    header, offset = read_grid_header(path)
    shape = _grid_dim(header)
    channels = names_in(header, "Channels")
    points = header.get("Points", "")
    n_points = int(points) if points.isdecimal() else 0
    if not shape or not channels or not n_points:
        faults = [
            f"has {name}={header[name]}" if header.get(name) else f"lacks {name}"
            for name, known in (("Grid dim", shape), ("Points", n_points), ("Channels", channels))
            if not known
        ]
        raise CurvesError(
            path, f"its header {' and '.join(faults)}; export the grid again from Nanonis"
        )
    names = names_in(header, "Fixed parameters") + names_in(header, "Experiment parameters")
    n_parameters = _n_parameters(header, len(names), path)
    names += [f"parameter {i + 1}" for i in range(len(names), n_parameters)]
    grid = Grid(
        path,
        header,
        offset,
        shape,
        n_points,
        tuple(names[:n_parameters]),
        tuple(channels),
        0,
    )
    n_bytes = path.stat().st_size - offset
    bytes_per_pixel = BYTES * grid.values_per_pixel
    n_recorded = min(grid.n_pixels, n_bytes // bytes_per_pixel)
    if grid.n_pixels * bytes_per_pixel > max(ALWAYS_ALLOWED, MOST_EMPTY * n_bytes):
        raise CurvesError(
            path,
            f"its header has Grid dim={header['Grid dim']}, but the file holds {n_recorded} pixels "
            f"of {n_points} points; copy the file again",
        )
    return Grid(**{**vars(grid), "n_recorded": n_recorded})


def _grid_dim(header: Mapping[str, str]) -> tuple[int, int] | None:
    """Return rows and columns; None where the header has no size, or an empty one."""
    size = re.fullmatch(r"\s*(\d{1,9})\s*x\s*(\d{1,9})\s*", header.get("Grid dim", ""))
    if size is None or not int(size[1]) or not int(size[2]):
        return None
    return int(size[2]), int(size[1])


def _n_parameters(header: Mapping[str, str], n_named: int, path: Path) -> int:
    if PARAMETERS not in header:
        return n_named
    text = header[PARAMETERS]
    n_most = path.stat().st_size // BYTES
    if not text.isdecimal() or int(text) > n_most:
        raise CurvesError(
            path,
            f"its header has {PARAMETERS}={text}, where the number of parameters of a pixel "
            f"belongs ({n_named} are named); export the grid again from Nanonis",
        )
    return int(text)


def read_grid(grid: Grid, settings: CurvesSettings) -> Recording:
    """Read the curves of a grid; pixels that were not recorded are NaN.

    Parameters
    ----------
    grid : Grid
    settings : CurvesSettings

    Returns
    -------
    Recording

    Raises
    ------
    CurvesError
        If nothing was recorded, or channel, unit or bias are unknown.
    """
    chosen = choose_channels(grid.channels, settings.channel, settings.lock_in_channel, grid.path)
    factor, current_origin = current_factor(chosen.unit, settings.current_unit, grid.path)
    parameters, curves, n_recorded = _load(grid)
    if not n_recorded:
        raise CurvesError(grid.path, "it holds no complete pixel; give a grid with recorded curves")
    bias, bias_origin = _bias(grid, parameters, settings)
    positions, positions_source = _positions(grid, parameters)
    height = _parameter(grid, parameters, "Z (m)")

    def channel(index: int | None) -> np.ndarray | None:
        return None if index is None else curves[:, index].astype(np.float64)

    origins = {
        "current": Origin(chosen.name, HEADER),
        "current unit": current_origin,
        "bias": bias_origin,
        "positions": Origin("m", positions_source),
    }
    back = channel(chosen.current_back)
    recording = Recording(
        bias=bias,
        current=curves[:, chosen.current].astype(np.float64) * factor,
        current_back=None if back is None else back * factor,
        lock_in=_lock_in(curves, chosen, on_way_back=False),
        lock_in_back=_lock_in(curves, chosen, on_way_back=True),
        shape=grid.shape,
        positions=positions,
        height=height,
        origins=origins | ({} if height is None else {"height": Origin("Z (m)", HEADER)}),
        notes=() if n_recorded == grid.n_pixels else (grid.stop_note(n_recorded),),
        paths=(grid.path,),
    )
    return top_row_first(recording)


def _load(grid: Grid) -> tuple[np.ndarray, np.ndarray, int]:
    """Return parameters (n_pixels, n), curves (n_pixels, n_channels, n_points), n_recorded."""
    values = np.full((grid.n_pixels, grid.values_per_pixel), np.nan, dtype=np.float32)
    with grid.path.open("rb") as file:
        file.seek(grid.offset)
        stored = np.fromfile(file, VALUE, grid.n_recorded * grid.values_per_pixel)
    n_recorded = stored.size // grid.values_per_pixel
    values[:n_recorded] = stored[: n_recorded * grid.values_per_pixel].reshape(
        n_recorded, grid.values_per_pixel
    )
    # a file of full size holds zeros or NaN where nothing was recorded
    is_empty = ~(np.nan_to_num(values) != 0).any(axis=1)
    values[is_empty] = np.nan
    n_parameters = len(grid.parameters)
    curves = values[:, n_parameters:].reshape(grid.n_pixels, len(grid.channels), grid.n_points)
    return values[:, :n_parameters].astype(np.float64), curves, int((~is_empty).sum())


def _bias(
    grid: Grid, parameters: np.ndarray, settings: CurvesSettings
) -> tuple[np.ndarray, Origin]:
    if settings.bias_from_v is not None and settings.bias_to_v is not None:
        axis = np.linspace(settings.bias_from_v, settings.bias_to_v, grid.n_points)
        return axis, Origin("V", "--bias-from-v and --bias-to-v")
    signal = grid.header.get("Sweep Signal", "Bias (V)")
    unit = "V" if "(" not in signal else signal.rpartition("(")[2].rstrip(") ")
    factor, origin = bias_factor(unit, settings.bias_unit, grid.path)
    segments = segment_axis(grid.header, grid.n_points, grid.path)
    if segments is not None:
        return segments * factor, Origin(origin.value, "segments in the header")
    first, last = (_parameter(grid, parameters, f"Sweep {end}") for end in ("Start", "End"))
    if first is None or last is None:
        raise CurvesError(
            grid.path,
            "its header has neither Sweep Start and Sweep End nor segments; give the bias with "
            "--bias-from-v and --bias-to-v",
        )
    limits = np.column_stack([first, last])[np.isfinite(first) & np.isfinite(last)]
    if not limits.size:
        raise CurvesError(
            grid.path,
            "Sweep Start and Sweep End of its pixels are no numbers; give the bias with "
            "--bias-from-v and --bias-to-v",
        )
    if np.ptp(limits, axis=0).max() > np.abs(limits).max() * 1e-5:
        raise CurvesError(
            grid.path,
            "the pixels have different bias ranges; split the grid into maps with one bias axis",
        )
    axis = np.linspace(float(limits[0, 0]), float(limits[0, 1]), grid.n_points) * factor
    return axis, Origin(origin.value, "Sweep Start and Sweep End of the pixels")


def _positions(grid: Grid, parameters: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Return the planned places of the pixels, else the recorded ones."""
    key = "Grid settings"
    numbers = to_numbers(names_in(grid.header, key), key, grid.path)
    if len(numbers) >= 4 and min(numbers[2:4]) > 0:
        x, y, width, height, *angle = numbers
        angle_deg = angle[0] if angle else 0.0
        planned = grid_positions(grid.shape, (x, y), (width, height), angle_deg)
        return planned, "Grid settings in the header"
    x_m, y_m = (_parameter(grid, parameters, f"{axis} (m)") for axis in "XY")
    if x_m is None or y_m is None:
        return None, "unknown"
    return np.column_stack([x_m, y_m]), "X and Y of the pixels"


def _parameter(grid: Grid, parameters: np.ndarray, name: str) -> np.ndarray | None:
    if name not in grid.parameters:
        return None
    found: np.ndarray = parameters[:, grid.parameters.index(name)]
    return found


def _lock_in(curves: np.ndarray, chosen: Chosen, on_way_back: bool) -> dict[str, np.ndarray]:
    return {
        name: curves[:, index].astype(np.float64)
        for name, index, is_backward in chosen.lock_in
        if is_backward == on_way_back
    }
