"""From fits of several curves to one result for each particle: the best one, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.shapes.candidates import Candidates
from umlpsd_gpu.shapes.crops import Crops
from umlpsd_gpu.shapes.family import (
    COLUMN,
    LN_L,
    LN_P,
    LN_SIZE,
    P_LIMITS,
    PHASE,
    ROW,
    canonical,
    radii_and_slopes,
)
from umlpsd_gpu.shapes.least_squares import Minima, covariances
from umlpsd_gpu.shapes.outline import Outlines
from umlpsd_gpu.shapes.pixel_model import BACKGROUND, CONTRAST, N_PIXEL_PARAMETERS, PixelData
from umlpsd_gpu.shapes.shape_fits import CIRCLE, IRREGULAR, SUPER_ELLIPSE, ShapeFits

# Half of a 95 % interval, in standard deviations
SD_95 = 1.959964
# Where ln p is less certain, only its lower bound is given
MOST_SD_LN_P = 0.3
# Two starts of one d are equally good within this χ²: sharp corners are then p near 1, not p = ∞
EQUAL_CHI2 = 1.0
# What L = 1 and p = 2 are worth in χ², as one parameter less: a square with round corners (d = 2,
# L = 1) and a curve with d = 4, L = 1.25 and p = 1.9 differ by less than the noise of most images
PLAIN_L_CHI2, PLAIN_P_CHI2 = 4.0, 3.0
# A circle is tried where the standard deviation of ln r along the outline is smaller
ROUND_LN_R = 0.08
# p, L and phase: what a super-ellipse has and a circle has not
N_MORE_PARAMETERS = 3
# A particle is irregular if χ² per pixel is above 1 by this many standard deviations, and the curve
# disagrees with the mask by more than half a pixel along the outline, or the outline turns back
SIGNIFICANT_SD, LEAST_JACCARD, OUTLINE_PX = 5.0, 0.9, 0.5
# So it is with a much larger χ² and a smaller disagreement; brightness inside may vary as well
LARGE_CHI2_PER_PX, LEAST_JACCARD_THEN = 3.0, 0.95

FitCircles = Callable[[np.ndarray], Minima]


@dataclass(frozen=True)
class _Chosen:
    """The best curve of each particle; rows and columns are those of the crops."""

    d: np.ndarray
    parameters: np.ndarray
    chi2: np.ndarray
    variances: np.ndarray
    is_circle: np.ndarray
    runner_up_d: np.ndarray
    delta_chi2: np.ndarray


def describe_fits(
    data: PixelData, outlines: Outlines, candidates: Candidates, fit_circles: FitCircles
) -> ShapeFits:
    """Choose the best curve of each particle, and say how good it is.

    Parameters
    ----------
    data : PixelData
    outlines : Outlines
    candidates : Candidates
    fit_circles : callable
        From positions of particles to fits of circles.

    Returns
    -------
    ShapeFits
    """
    crops = data.crops
    n_used = np.bincount(data.owners()[data.weights > 0], minlength=len(crops))
    n_degrees = np.maximum(n_used - N_PIXEL_PARAMETERS, 1)
    chosen = _with_circles(
        _best(candidates, len(crops)), fit_circles, _is_round(outlines), n_used, n_degrees
    )
    chi2_per_px = chosen.chi2 / n_degrees
    parameters = chosen.parameters.copy()
    parameters[:, : PHASE + 1] = canonical(parameters[:, : PHASE + 1], chosen.d)
    jaccard = _jaccard(crops, parameters, chosen.d)
    sd = np.sqrt(chosen.variances * np.maximum(1.0, chi2_per_px)[:, None])
    at_limit = parameters[:, LN_P] >= np.log(P_LIMITS[1]) - 1e-6
    is_irregular = _is_irregular(crops, outlines, chi2_per_px, n_degrees, jaccard)
    outcome = np.where(chosen.is_circle, CIRCLE, SUPER_ELLIPSE)
    ln_l = _interval(parameters[:, LN_L], sd[:, LN_L])
    ln_l[:, 0] = np.maximum(ln_l[:, 0], 0.0)
    shape = np.where(chosen.is_circle, np.nan, 1.0)[:, None]
    with np.errstate(over="ignore"):  # no limit where the image says nothing
        size = np.exp(_interval(parameters[:, LN_SIZE], sd[:, LN_SIZE]))
    return ShapeFits(
        labels=crops.labels,
        d=chosen.d,
        p=np.exp(parameters[:, LN_P]),
        l_ratio=np.exp(parameters[:, LN_L]),
        size_px=np.exp(parameters[:, LN_SIZE]),
        row=parameters[:, ROW] + crops.tops,
        column=parameters[:, COLUMN] + crops.lefts,
        phase_rad=parameters[:, PHASE],
        contrast=parameters[:, CONTRAST],
        background=parameters[:, BACKGROUND],
        ln_p_interval=shape * _interval(parameters[:, LN_P], sd[:, LN_P]),
        ln_l_interval=shape * ln_l,
        size_px_interval=size,
        p_is_lower_bound=(~chosen.is_circle) & (at_limit | (sd[:, LN_P] > MOST_SD_LN_P)),
        chi2_per_px=chi2_per_px,
        runner_up_d=chosen.runner_up_d,
        runner_up_delta_chi2=chosen.delta_chi2,
        jaccard=jaccard,
        outcome=np.where(is_irregular, IRREGULAR, outcome),
        touches_edge=crops.touches_edge,
        psf_px=data.table.psf_px,
    )


def _interval(value: np.ndarray, sd: np.ndarray) -> np.ndarray:
    return np.stack([value - SD_95 * sd, value + SD_95 * sd], axis=1)


def _best(candidates: Candidates, n: int) -> _Chosen:
    """Return the best curve of each particle, and the best of another d."""
    crop, d, minima = candidates.tasks.crop, candidates.tasks.d, candidates.minima
    chi2 = np.where(np.isfinite(minima.sums.chi2), minima.sums.chi2, np.inf)
    variances = np.maximum(np.einsum("nkk->nk", covariances(minima.sums.normal)), 1e-12)
    of_d = np.full((n, d.max(initial=1) + 1, 2), np.inf)
    task_of = np.zeros(of_d.shape, dtype=np.int64)
    of_d[crop, d, candidates.branch] = chi2 - _plainness(minima.parameters, variances, d)
    task_of[crop, d, candidates.branch] = np.arange(len(crop))
    branch = np.where(of_d[..., 0] <= of_d[..., 1] + EQUAL_CHI2, 0, 1)
    by_d = np.take_along_axis(of_d, branch[..., None], axis=2)[..., 0]
    rows = np.arange(n)
    winner = by_d.argmin(axis=1)
    task = task_of[rows, winner, branch[rows, winner]]
    others = by_d.copy()
    others[rows, winner] = np.inf
    second = others.argmin(axis=1)
    other = task_of[rows, second, branch[rows, second]]
    delta = np.where(np.isfinite(others[rows, second]), chi2[other] - chi2[task], np.inf)
    return _Chosen(
        d=winner.astype(np.int64),
        parameters=minima.parameters[task],
        chi2=chi2[task],
        variances=variances[task],
        is_circle=np.zeros(n, dtype=bool),
        runner_up_d=np.where(np.isfinite(delta), second, 0).astype(np.int64),
        delta_chi2=delta,
    )


def _plainness(parameters: np.ndarray, variances: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return the χ² by which a curve may be worse because L = 1 or p = 2 would fit as well."""
    off_l = parameters[:, LN_L] ** 2 / variances[:, LN_L]
    off_p = (parameters[:, LN_P] - np.log(2)) ** 2 / variances[:, LN_P]
    # with d = 1, L = 1 is no regular polygon
    plain_l = np.where(d > 1, np.maximum(PLAIN_L_CHI2 - off_l, 0), 0)
    return np.asarray(plain_l + np.maximum(PLAIN_P_CHI2 - off_p, 0))


def _with_circles(
    best: _Chosen,
    fit_circles: FitCircles,
    is_round: np.ndarray,
    n_used: np.ndarray,
    n_degrees: np.ndarray,
) -> _Chosen:
    """Replace curves that are not significantly better than a circle."""
    crop = np.flatnonzero(is_round)
    circles = fit_circles(crop)
    noise = np.maximum(1.0, best.chi2[crop] / n_degrees[crop])
    gain = (circles.sums.chi2 - best.chi2[crop]) / noise
    is_circle = gain <= N_MORE_PARAMETERS * np.log(np.maximum(n_used[crop], 2))
    which, kept = crop[is_circle], np.flatnonzero(is_circle)
    is_free = np.ones((len(kept), N_PIXEL_PARAMETERS), dtype=bool)
    is_free[:, [LN_P, LN_L, PHASE]] = False
    variances = covariances(circles.sums.normal[kept], is_free)
    found = _Chosen(*(getattr(best, name).copy() for name in best.__dataclass_fields__))
    found.d[which] = 2
    found.parameters[which] = circles.parameters[kept]
    found.chi2[which] = circles.sums.chi2[kept]
    found.variances[which] = np.einsum("nkk->nk", variances)
    found.is_circle[which] = True
    return found


def _is_round(outlines: Outlines) -> np.ndarray:
    ln_r = np.log(np.maximum(outlines.radii, 0.3))
    return np.asarray(ln_r.std(axis=1) < ROUND_LN_R)


def _jaccard(crops: Crops, parameters: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return the overlap of the inside of each curve with the mask, by the centres of pixels."""
    sizes = crops.n_rows * crops.n_cols
    owner = np.repeat(np.arange(len(crops)), sizes)
    within = np.arange(len(owner)) - crops.starts[owner]
    y = within // crops.n_cols[owner] - parameters[owner, ROW]
    x = within % crops.n_cols[owner] - parameters[owner, COLUMN]
    distance = np.hypot(x, y)
    # only between the smallest and the largest radius is there something to calculate
    half = np.linspace(0, np.pi / 2, 65)
    extremes = radii_and_slopes(half, parameters[:, LN_P, None], parameters[:, LN_L, None])[0]
    size = parameters[:, LN_SIZE]
    inside = distance <= np.exp(size + extremes.min(axis=1))[owner] * 0.99
    at = np.flatnonzero(~inside & (distance <= np.exp(size + extremes.max(axis=1))[owner] * 1.01))
    own = owner[at]
    angle = np.arctan2(y[at], x[at]) + parameters[own, PHASE]
    ln_radius = radii_and_slopes(0.5 * d[own] * angle, parameters[own, LN_P], parameters[own, LN_L])
    inside[at] = np.log(np.maximum(distance[at], 1e-9)) <= size[own] + ln_radius[0]
    both, either = inside & crops.is_inside, inside | crops.is_inside
    counts = [np.bincount(owner[part], minlength=len(crops)) for part in (both, either)]
    return np.asarray(counts[0] / np.maximum(counts[1], 1))


def _is_irregular(
    crops: Crops,
    outlines: Outlines,
    chi2_per_px: np.ndarray,
    n_degrees: np.ndarray,
    jaccard: np.ndarray,
) -> np.ndarray:
    owner = np.repeat(np.arange(len(crops)), crops.n_rows * crops.n_cols)
    area = np.bincount(owner[crops.is_inside], minlength=len(crops))
    perimeter = 2 * np.sqrt(np.pi * np.maximum(area, 1))
    is_apart = (jaccard < LEAST_JACCARD) & ((1 - jaccard) * area > OUTLINE_PX * perimeter)
    is_unexplained = chi2_per_px > 1 + SIGNIFICANT_SD * np.sqrt(2 / n_degrees)
    is_large = (chi2_per_px > LARGE_CHI2_PER_PX) & (jaccard < LEAST_JACCARD_THEN)
    return np.asarray(is_unexplained & (is_apart | ~outlines.is_star_shaped) | is_large)
