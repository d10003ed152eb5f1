"""Spots of a power spectrum as lattice spacings and angles, with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# A spot is this many times the background at its distance from the centre, and this many standard
# deviations of the noise above it
LEAST_CONTRAST, LEAST_SIGNIFICANCE = 1.8, 4.0
# Spots nearer to the centre than this many bins are the shape of the window
FEWEST_PERIODS = 3.0
# Half width of the ring from which the background is taken, and of the neighbourhood in which a
# spot is the largest, in bins
RING, NEIGHBOURHOOD = 2.0, 3
MOST_SPOTS = 24
# Error of a position that interpolation leaves even without noise, in bins
LEAST_ERROR = 0.02


@dataclass(frozen=True)
class Spot:
    """A pair of opposite spots of a power spectrum.

    Attributes
    ----------
    component : int
        Number of the component, from 1.
    spacing_px, spacing_error_px : float
        Distance of lattice lines, in pixels of the image, and its standard error.
    angle_deg, angle_error_deg : float
        Direction across the lines, from the columns' direction (to the right) counterclockwise,
        0…180.
    contrast : float
        Amplitude over the background.
    """

    component: int
    spacing_px: float
    spacing_error_px: float
    angle_deg: float
    angle_error_deg: float
    contrast: float


def find_spots(spectrum: np.ndarray, errors: np.ndarray, component: int) -> Sequence[Spot]:
    """Find the spots of a centred amplitude spectrum.

    A spot is a local maximum well above the median of its ring. Its position is that of a parabola
    through the logarithms of three neighbours in each direction, whose errors are propagated.

    Parameters
    ----------
    spectrum : ndarray, shape (n, n)
        Zero frequency at [n // 2, n // 2].
    errors : ndarray, shape (n, n)
        Standard errors.
    component : int
        Number of the component, from 1.

    Returns
    -------
    sequence of Spot
        The strongest first; one for each pair.
    """
    n = spectrum.shape[0]
    rows, columns = np.mgrid[:n, :n] - n // 2
    distance = np.hypot(rows, columns)
    background = ring_medians(spectrum, distance)
    largest = ndimage.maximum_filter(spectrum, 2 * NEIGHBOURHOOD + 1, mode="wrap")
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = np.where(background > 0, spectrum / background, 0.0)
        significance = np.where(errors > 0, (spectrum - background) / errors, np.inf)
    is_upper_half = (rows < 0) | ((rows == 0) & (columns > 0))
    is_inside = (np.abs(rows) < n // 2 - 1) & (np.abs(columns) < n // 2 - 1)
    is_spot = (
        (spectrum == largest)
        & (contrast > LEAST_CONTRAST)
        & (significance > LEAST_SIGNIFICANCE)
        & (distance >= FEWEST_PERIODS)
        & is_upper_half
        & is_inside
    )
    found = sorted(np.argwhere(is_spot), key=lambda place: -contrast[tuple(place)])[:MOST_SPOTS]
    return [
        _spot_at(spectrum, errors, (int(row), int(column)), float(contrast[row, column]), component)
        for row, column in found
    ]


def _spot_at(
    spectrum: np.ndarray,
    errors: np.ndarray,
    place: tuple[int, int],
    contrast: float,
    component: int,
) -> Spot:
    n = spectrum.shape[0]
    offsets, stderr = [], []
    for axis in range(2):
        step = np.eye(2, dtype=int)[axis]
        places = [tuple(np.array(place) + move * step) for move in (-1, 0, 1)]
        values = np.array([spectrum[at] for at in places])
        offset, error = _vertex(values, np.array([errors[at] for at in places]))
        offsets.append(place[axis] - n // 2 + offset)
        stderr.append(max(error, LEAST_ERROR))
    row, column = offsets
    length = float(np.hypot(row, column))
    across = np.array([row, column]) / length
    along = np.array([-across[1], across[0]])
    radial = float(np.hypot(*(across * stderr)))
    tangential = float(np.hypot(*(along * stderr)))
    spacing = n / length
    return Spot(
        component,
        spacing,
        spacing * radial / length,
        # rows run downwards, angles are counted counterclockwise
        float(np.degrees(np.arctan2(-row, column)) % 180),
        float(np.degrees(tangential / length)),
        contrast,
    )


def _vertex(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return where a parabola through three logarithms is largest, and its standard error."""
    values = np.maximum(values, np.finfo(float).tiny)
    left, middle, right = np.log(values)
    curvature = left - 2 * middle + right
    if curvature >= 0:
        return 0.0, 0.5
    offset = 0.5 * (left - right) / curvature
    # derivatives of (a − c) / 2 (a − 2b + c) by a, b and c
    slopes = np.array([0.5 - offset, 2 * offset, -0.5 - offset]) / curvature
    error = float(np.sqrt((slopes**2 * (errors / values) ** 2).sum()))
    return float(np.clip(offset, -0.5, 0.5)), min(error, 0.5)


def ring_medians(spectrum: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return the median of the ring around the centre on which each element is.

    Parameters
    ----------
    spectrum : ndarray, shape (n, n)
    distance : ndarray, shape (n, n)
        Of each element from the centre, in bins.

    Returns
    -------
    ndarray, shape (n, n)
    """
    ring = np.rint(distance / RING).astype(int)
    medians = ndimage.median(spectrum, ring, np.arange(ring.max() + 1))
    around: np.ndarray = np.asarray(medians)[ring]
    return around
