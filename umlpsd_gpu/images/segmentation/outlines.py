"""Outlines r(θ) as Fourier series, and how well they explain the pixels of particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

N_ANGLES = 96
# Radial step of the rays, in pixels
RAY_STEP_PX = 0.75
# Highest harmonics of the outlines that are tried
ORDERS = (2, 4, 6, 9, 13, 19)


@dataclass(frozen=True)
class Outline:
    """A closed curve around a centre.

    Attributes
    ----------
    row, column : float
        Centre.
    harmonics : ndarray of complex128, shape (N_ANGLES // 2 + 1,)
        Fourier transform of the radii at `N_ANGLES` angles, in pixels.
    """

    row: float
    column: float
    harmonics: np.ndarray


def trace_outline(coverage: np.ndarray, first_row: int, first_column: int) -> Outline:
    """Return the outline of what is covered, seen from its centre of mass.

    Parameters
    ----------
    coverage : ndarray of float, shape (n_rows, n_columns)
        0…1; taken as 0 outside.
    first_row, first_column : int
        Where the array begins in the image.

    Returns
    -------
    Outline
        Encloses the covered area in each direction, also where rays cross the edge several times.
    """
    n_rows, n_columns = coverage.shape
    total = max(float(coverage.sum()), 1e-9)
    row = float(coverage.sum(axis=1) @ np.arange(n_rows)) / total
    column = float(coverage.sum(axis=0) @ np.arange(n_columns)) / total
    angles = np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES)
    reach = float(np.hypot(max(row, n_rows - row), max(column, n_columns - column)))
    steps = (np.arange(int(reach / RAY_STEP_PX) + 1) + 0.5) * RAY_STEP_PX
    down = row + np.sin(angles)[:, None] * steps
    right = column + np.cos(angles)[:, None] * steps
    radii = np.sqrt(2 * RAY_STEP_PX * (_between(coverage, down, right) @ steps))
    return Outline(row + first_row, column + first_column, np.fft.rfft(radii))


def _between(values: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Interpolate linearly; 0 outside."""
    found: np.ndarray = ndimage.map_coordinates(
        values, np.stack((down, right)), order=1, mode="constant"
    )
    return found


class Grid:
    """Pixels of a part of an image.

    Parameters
    ----------
    rows, columns : ndarray of int, shape (n_pixels,)
        Of each pixel, in the image.
    softness_px : float
        Standard deviation of the blur of edges.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, softness_px: float) -> None:
        self.rows, self.columns = rows, columns
        # a ramp of this half width has the variance of the blur
        self.half_width = max(float(np.sqrt(3.0)) * softness_px, 0.5)

    def cover(self, outline: Outline, orders: Sequence[int] = ORDERS) -> np.ndarray:
        """Return how much of each pixel is covered by an outline.

        Parameters
        ----------
        outline : Outline
        orders : sequence of int
            Highest harmonics; one row for each.

        Returns
        -------
        ndarray of float64, shape (n_orders, n_pixels)
            0…1, with blurred edges.
        """
        down, right = self.rows - outline.row, self.columns - outline.column
        distance = np.hypot(down, right)
        places = np.arctan2(down, right) * (N_ANGLES / (2 * np.pi)) + N_ANGLES
        first = places.astype(np.intp)
        share = places - first
        first %= N_ANGLES
        is_kept = np.arange(outline.harmonics.size) <= np.asarray(orders)[:, None]
        radii = np.fft.irfft(np.where(is_kept, outline.harmonics, 0), N_ANGLES)
        after, before = np.roll(radii, -1, axis=1), np.roll(radii, 1, axis=1)
        # an edge that runs obliquely to the rays is blurred over a longer part of them
        slope = (after - before) * (N_ANGLES / (4 * np.pi)) / np.maximum(radii, 1.0)
        scale = 0.5 / (self.half_width * np.hypot(1.0, slope))
        # (limit - distance) scale + 0.5, with the limit between two angles
        covered: np.ndarray = (after - radii).take(first, axis=1)
        covered *= share
        covered += radii.take(first, axis=1)
        covered -= distance
        covered *= scale.take(first, axis=1)
        covered += 0.5
        return np.clip(covered, 0.0, 1.0, out=covered)


def n_parameters(order: int) -> int:
    """Return the number of parameters of an outline: harmonics, of which one is the centre.

    Parameters
    ----------
    order : int
        Highest harmonic.

    Returns
    -------
    int
    """
    return 2 * order + 1
