"""Grids of pixels: where they are, and the image convention that the first row is the top one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.curves.reading.recording import Recording


def grid_positions(
    shape: tuple[int, int],
    centre: tuple[float, float],
    size: tuple[float, float],
    angle_deg: float = 0.0,
) -> np.ndarray:
    """Return the centres of the pixels of a grid whose first row is the lowest.

    Parameters
    ----------
    shape : (n_rows, n_cols)
    centre : (float, float)
        x and y of the centre of the grid, in metres.
    size : (float, float)
        Width and height, in metres, from edge to edge.
    angle_deg : float
        By which the grid is turned clockwise, in degrees.

    Returns
    -------
    ndarray, shape (n_rows * n_cols, 2)
        x and y in metres, row by row.
    """
    n_rows, n_cols = shape
    x = ((np.arange(n_cols) + 0.5) / n_cols - 0.5) * size[0]
    y = ((np.arange(n_rows) + 0.5) / n_rows - 0.5) * size[1]
    across, up = (values.ravel() for values in np.meshgrid(x, y))
    angle = -np.radians(angle_deg)
    return np.column_stack(
        [
            centre[0] + across * np.cos(angle) - up * np.sin(angle),
            centre[1] + across * np.sin(angle) + up * np.cos(angle),
        ]
    )


def top_row_first(recording: Recording) -> Recording:
    """Turn a grid whose first row is the lowest upside down, as images are drawn.

    Parameters
    ----------
    recording : Recording
        With ``shape``.

    Returns
    -------
    Recording
    """
    if recording.shape is None:
        return recording
    n_rows, n_cols = recording.shape
    order = np.arange(n_rows * n_cols).reshape(n_rows, n_cols)[::-1].ravel()

    def turned(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: each[order] for name, each in values.items()}

    def turned_one(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[order]

    return replace(
        recording,
        current=recording.current[order],
        current_back=turned_one(recording.current_back),
        lock_in=turned(recording.lock_in),
        lock_in_back=turned(recording.lock_in_back),
        positions=turned_one(recording.positions),
        height=turned_one(recording.height),
    )
