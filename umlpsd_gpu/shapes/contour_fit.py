"""Super-ellipses fitted to outlines: quick, but corners are as round as the outline has them.

The point-spread function rounds corners, so that p above 4 comes out too small; `pixel_fit` starts
from these fits and corrects it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.shapes.family import (
    COLUMN,
    LN_L,
    LN_P,
    LN_SIZE,
    N_PARAMETERS,
    P_LIMITS,
    PHASE,
    ROW,
    radii_and_slopes,
)
from umlpsd_gpu.shapes.least_squares import Evaluate, Sums, minimise
from umlpsd_gpu.shapes.outline import Outlines, angles_rad
from umlpsd_gpu.shapes.starts import LARGEST_D, N_BRANCHES, Starts, find_starts

# Every second of the 128 points is fitted
POINT_STEP = 2
# A start is worth a fit if its misfit is at most this many times the best one plus a constant
WORTH_FACTOR, WORTH_CONSTANT = 3.0, 0.02
MAX_ITER = 12
L_LIMIT = 8.0
# Slopes of the radius against the angle, relative, at which tips of p < 1 are cut off
STEEPEST = 4.0


@dataclass(frozen=True)
class ContourFits:
    """The best fit to each outline, and those of all d.

    Attributes
    ----------
    d : ndarray of int64, shape (n,)
        The best d.
    parameters : ndarray of float64, shape (n, 6)
        Row, column, ln size, ln p, ln L and phase of the best fit; see `umlpsd_gpu.shapes.family`.
    misfit_px : ndarray of float64, shape (n,)
        Root mean square distance of the outline from the curve.
    all_parameters : ndarray of float64, shape (n, 7, 2, 6)
        For d from 1, from two starts each.
    all_misfit_px : ndarray of float64, shape (n, 7, 2)
        ∞ where the start was too poor to be followed.
    """

    d: np.ndarray
    parameters: np.ndarray
    misfit_px: np.ndarray
    all_parameters: np.ndarray
    all_misfit_px: np.ndarray


def fit_contours(outlines: Outlines, starts: Starts | None = None) -> ContourFits:
    """Fit super-ellipses of every d to outlines.

    Parameters
    ----------
    outlines : Outlines
    starts : Starts, optional
        Default: the best entries of the dictionary.

    Returns
    -------
    ContourFits
    """
    first = find_starts(outlines) if starts is None else starts
    n = len(outlines.radii)
    best = first.misfit.min(axis=(1, 2))
    is_worth = first.misfit <= (WORTH_FACTOR * best + WORTH_CONSTANT)[:, None, None]
    particle, d_index, _ = np.nonzero(is_worth)
    largest = np.log(2 * outlines.radii.max(initial=1.0))
    limits = (
        np.array([-np.inf, -np.inf, -np.inf, np.log(P_LIMITS[0]), -np.log(L_LIMIT), -np.inf]),
        np.array([np.inf, np.inf, largest, np.log(P_LIMITS[1]), np.log(L_LIMIT), np.inf]),
    )
    found = minimise(
        _residual_sums(outlines, particle, d_index + 1),
        first.parameters[is_worth],
        limits,
        longest_step=np.array([3.0, 3.0, 0.3, 0.7, 0.4, 0.3]),
        tolerance=1e-4,
        relative_tolerance=1e-3,
        max_iter=MAX_ITER,
    )
    parameters, misfit = first.parameters.copy(), np.full(first.misfit.shape, np.inf)
    parameters[is_worth] = found.parameters
    n_points = outlines.radii.shape[1] // POINT_STEP
    misfit[is_worth] = np.sqrt(found.sums.chi2 / n_points)
    winner = misfit.reshape(n, LARGEST_D * N_BRANCHES).argmin(axis=1)
    rows = np.arange(n)
    return ContourFits(
        d=winner // N_BRANCHES + 1,
        parameters=parameters.reshape(n, LARGEST_D * N_BRANCHES, N_PARAMETERS)[rows, winner],
        misfit_px=misfit.reshape(n, LARGEST_D * N_BRANCHES)[rows, winner],
        all_parameters=parameters,
        all_misfit_px=misfit,
    )


def _residual_sums(outlines: Outlines, particle: np.ndarray, d: np.ndarray) -> Evaluate:
    """Return a function that gives χ², gradient and normal matrix of the distances to curves."""
    rays = angles_rad(outlines.radii.shape[1])
    ln_r = np.log(np.maximum(outlines.radii, 0.3))
    slope = (np.roll(ln_r, -2, axis=1) - np.roll(ln_r, 2, axis=1)) / (4 * rays[1])
    kept = slice(None, None, POINT_STEP)
    weights = (1.0 / (1.0 + slope**2))[:, kept]
    rows = (outlines.centres[:, :1] + outlines.radii * np.sin(rays))[:, kept]
    columns = (outlines.centres[:, 1:] + outlines.radii * np.cos(rays))[:, kept]

    def evaluate(parameters: np.ndarray, which: np.ndarray) -> Sums:
        owner, order = particle[which], d[which][:, None]
        y = rows[owner] - parameters[:, ROW, None]
        x = columns[owner] - parameters[:, COLUMN, None]
        distance = np.maximum(np.hypot(x, y), 1e-3)
        half = 0.5 * order * (np.arctan2(y, x) + parameters[:, PHASE, None])
        ln_radius, by_ln_p, by_ln_l, by_half = radii_and_slopes(
            half, parameters[:, LN_P, None], parameters[:, LN_L, None]
        )
        radius = np.exp(parameters[:, LN_SIZE, None] + ln_radius)
        tilt = np.clip(0.5 * order * by_half, -STEEPEST, STEEPEST) * radius
        cosine, sine = x / distance, y / distance
        # of the radius of the curve minus the distance of the point
        derivatives = np.stack(
            [
                sine - tilt * cosine / distance,
                cosine + tilt * sine / distance,
                radius,
                radius * by_ln_p,
                radius * by_ln_l,
                tilt,
            ],
            axis=2,
        )
        residual, weight = distance - radius, weights[owner]
        weighted = derivatives * weight[..., None]
        return Sums(
            np.einsum("nk,nk,nk->n", residual, residual, weight),
            np.einsum("nkj,nk->nj", weighted, residual),
            np.matmul(weighted.transpose(0, 2, 1), derivatives),
        )

    return evaluate
