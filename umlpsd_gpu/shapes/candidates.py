"""Fits of several curves to the pixels of each particle, of which the best will be taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.shapes.contour_fit import L_LIMIT, ContourFits
from umlpsd_gpu.shapes.crops import Crops
from umlpsd_gpu.shapes.family import (
    COLUMN,
    LN_L,
    LN_P,
    LN_SIZE,
    N_PARAMETERS,
    P_LIMITS,
    PHASE,
    ROW,
)
from umlpsd_gpu.shapes.least_squares import Minima, minimise
from umlpsd_gpu.shapes.outline import Outlines
from umlpsd_gpu.shapes.pixel_engines import PixelSums
from umlpsd_gpu.shapes.pixel_model import (
    BACKGROUND,
    CONTRAST,
    N_PIXEL_PARAMETERS,
    PixelData,
    Tasks,
    nodes_per_quarter,
)
from umlpsd_gpu.shapes.starts import LARGEST_D, N_BRANCHES

# Fits to outlines are followed in the pixels if their misfit is at most this many times the best
# one plus a constant in pixels, and they are among the best few
WORTH_FACTOR, WORTH_PX, MOST_STARTS = 1.5, 0.1, 4
# After the first steps, only fits this near to the best one of their particle go on; χ² per pixel
# of the best one scales the distance
FIRST_STEPS, WORTH_CHI2 = 3, 60.0
# Gain of χ² at which a fit ends
TOLERANCE = 0.01
MAX_ITER = 30
# The blur rounds corners of outlines: fits to pixels start from sharper ones
BLUNT_P, SHARPENING = 3.0, 1.3
LONGEST_STEP = np.array([2.0, 2.0, 0.2, 0.7, 0.3, 0.3, np.inf, np.inf])


@dataclass(frozen=True)
class Candidates:
    """Fits of several curves to each particle.

    Attributes
    ----------
    tasks : Tasks
        Sorted by particle.
    branch : ndarray of int64, shape (n_tasks,)
        1 where the fit started with p above 2.
    minima : Minima
        Rows and columns are those of the crops.
    """

    tasks: Tasks
    branch: np.ndarray
    minima: Minima


def fit_candidates(
    data: PixelData, outlines: Outlines, contours: ContourFits, sums: PixelSums
) -> Candidates:
    """Fit the pixels of each particle, from the best fits to its outline.

    Parameters
    ----------
    data : PixelData
    outlines : Outlines
    contours : ContourFits
    sums : callable
        What evaluates the model.

    Returns
    -------
    Candidates
    """
    misfit = contours.all_misfit_px.reshape(len(contours.d), LARGEST_D * N_BRANCHES)
    rank = misfit.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    enough = WORTH_FACTOR * contours.misfit_px + WORTH_PX
    is_worth = (misfit <= enough[:, None]) & (rank < MOST_STARTS)
    is_worth = is_worth.reshape(contours.all_misfit_px.shape)
    crop, d_index, branch = np.nonzero(is_worth)
    shapes = contours.all_parameters[is_worth]
    is_blunt = shapes[:, LN_P] > np.log(BLUNT_P)
    shapes[:, LN_P] += np.where(is_blunt, np.log(SHARPENING), 0.0)
    start = start_of(data.crops, outlines, crop, shapes)
    tasks = _tasks(data, crop, d_index + 1, start)
    first = _minimise(data, sums, tasks, start, FIRST_STEPS)
    chi2 = np.where(np.isfinite(first.sums.chi2), first.sums.chi2, np.inf)
    best = np.full(len(contours.d), np.inf)
    np.minimum.at(best, crop, chi2)
    n_used = np.bincount(data.owners()[data.weights > 0], minlength=len(best))
    scale = np.maximum(1.0, best / np.maximum(n_used, 1))
    goes_on = chi2 <= (best + WORTH_CHI2 * scale)[crop]
    kept = tasks.part(goes_on)
    minima = _minimise(data, sums, kept, first.parameters[goes_on], MAX_ITER)
    return Candidates(kept, branch[goes_on], minima)


def start_of(crops: Crops, outlines: Outlines, crop: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return parameters in the crops, with contrast and background.

    Parameters
    ----------
    crops : Crops
    outlines : Outlines
    crop : ndarray of int, shape (n,)
        Positions of the particles.
    shapes : ndarray of float, shape (n, 6)
        In the image.

    Returns
    -------
    ndarray of float64, shape (n, 8)
    """
    start = np.empty((len(crop), N_PIXEL_PARAMETERS))
    start[:, :N_PARAMETERS] = shapes
    start[:, ROW] -= crops.tops[crop]
    start[:, COLUMN] -= crops.lefts[crop]
    start[:, CONTRAST], start[:, BACKGROUND] = outlines.contrast[crop], outlines.background[crop]
    return start


def fit_circles(data: PixelData, sums: PixelSums, outlines: Outlines, crop: np.ndarray) -> Minima:
    """Fit circles to the pixels of some particles.

    Parameters
    ----------
    data : PixelData
    sums : callable
        What evaluates the model.
    outlines : Outlines
    crop : ndarray of int64, shape (n,)
        Positions of the particles.

    Returns
    -------
    Minima
    """
    shapes = np.zeros((len(crop), N_PARAMETERS))
    shapes[:, [ROW, COLUMN]] = outlines.centres[crop]
    shapes[:, LN_SIZE] = np.log(np.maximum(outlines.radii[crop].mean(axis=1), 0.3))
    circles = start_of(data.crops, outlines, crop, shapes)
    circles[:, [LN_P, LN_L, PHASE]] = np.log(2.0), 0.0, 0.0
    is_free = np.ones(circles.shape, dtype=bool)
    is_free[:, [LN_P, LN_L, PHASE]] = False
    tasks = _tasks(data, crop, np.full(len(crop), 2), circles)
    return _minimise(data, sums, tasks, circles, MAX_ITER, is_free)


def _tasks(data: PixelData, crop: np.ndarray, d: np.ndarray, start: np.ndarray) -> Tasks:
    nodes = nodes_per_quarter(start, d, data.table.psf_px)
    return Tasks(crop.astype(np.int64), d.astype(np.int64), nodes)


def _minimise(
    data: PixelData,
    sums: PixelSums,
    tasks: Tasks,
    start: np.ndarray,
    max_iter: int,
    is_free: np.ndarray | None = None,
) -> Minima:
    largest = np.log(2.0 * max(data.crops.n_rows.max(initial=1), data.crops.n_cols.max(initial=1)))
    no = np.full(2, np.inf)
    low = np.array([-np.inf, -np.inf, -2.0, np.log(P_LIMITS[0]), -np.log(L_LIMIT), -np.inf, *-no])
    high = np.array([np.inf, np.inf, largest, np.log(P_LIMITS[1]), np.log(L_LIMIT), np.inf, *no])
    return minimise(
        lambda parameters, which: sums(data, tasks.part(which), parameters),
        start,
        (low, high),
        LONGEST_STEP,
        is_free=is_free,
        tolerance=TOLERANCE,
        relative_tolerance=1e-7,
        max_iter=max_iter,
    )
