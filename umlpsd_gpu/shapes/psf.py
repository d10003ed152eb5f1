"""The width of the point-spread function, from the edges of isolated particles."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.candidates import start_of
from umlpsd_gpu.shapes.contour_fit import ContourFits, fit_contours
from umlpsd_gpu.shapes.crops import Crops, cut_crops
from umlpsd_gpu.shapes.family import LN_P, P_LIMITS
from umlpsd_gpu.shapes.least_squares import minimise
from umlpsd_gpu.shapes.noise import Noise, estimate_noise
from umlpsd_gpu.shapes.outline import Outlines, find_outlines
from umlpsd_gpu.shapes.pixel_engines import PixelSums, threaded_pixel_sums
from umlpsd_gpu.shapes.pixel_model import PixelData, Tasks, blur_table, nodes_per_quarter

# Particles to look at, at most, and the share of usable pixels in the crop of an isolated one
MOST_PARTICLES, ISOLATED_SHARE = 40, 0.55
# Widths that are tried, in pixels
NARROWEST_PX, WIDEST_PX, PRECISION_PX = 0.3, 4.0, 0.01
# Steps of the fit at each width; each starts where the last one ended
MAX_ITER = 6
DEFAULT_PSF_PX = 0.8
LONGEST_STEP = np.array([1.0, 1.0, 0.1, 0.5, 0.2, 0.2, np.inf, np.inf])


def estimate_psf(
    image: np.ndarray, labels: np.ndarray, noise: Noise | None = None, margin_px: int = 6
) -> float:
    """Return the standard deviation of the Gaussian blur with which particles fit best.

    Parameters
    ----------
    image : ndarray of float or int, shape (n_rows, n_columns)
        NaN: not measured.
    labels : ndarray of int, shape (n_rows, n_columns)
        0: background.
    noise : Noise, optional
        Default: estimated from the image.
    margin_px : int, optional
        Width of the background that is fitted around a particle.

    Returns
    -------
    float
        In pixels, 0.3 to 4.

    Raises
    ------
    SettingsError
        If there is no particle.
    """
    crops = cut_crops(image, labels, margin_px)
    if len(crops) == 0:
        raise SettingsError(
            "the labels have no particle, and the point-spread function is estimated from "
            "particles: give labels above 0, or psf_px"
        )
    outlines = find_outlines(crops)
    known = estimate_noise(image, labels) if noise is None else noise
    weights = crops.is_usable / crops.take(known.variance(np.asarray(image, dtype=np.float64)))
    return estimate_psf_of(crops, outlines, fit_contours(outlines), weights)


def estimate_psf_of(
    crops: Crops,
    outlines: Outlines,
    contours: ContourFits,
    weights: np.ndarray,
    sums: PixelSums = threaded_pixel_sums,
) -> float:
    """Return the standard deviation of the blur, from crops that are there already.

    Parameters
    ----------
    crops : Crops
    outlines : Outlines
    contours : ContourFits
    weights : ndarray of float, shape (n_pixels,)
        1 / variance; 0 for pixels that are left out.
    sums : callable, optional
        What evaluates the model.

    Returns
    -------
    float
        In pixels; 0.8 where no particle is isolated.
    """
    chosen = _isolated(crops, outlines, contours)
    if chosen.size == 0:
        return DEFAULT_PSF_PX
    now = start_of(crops, outlines, chosen, contours.parameters[chosen])
    n_used = np.add.reduceat(weights > 0, crops.starts, dtype=np.int64)[chosen]
    low, high = np.full(8, -np.inf), np.full(8, np.inf)
    low[LN_P], high[LN_P] = np.log(P_LIMITS)

    def misfit(psf_px: float) -> float:
        data = PixelData(crops, weights, blur_table(round(float(psf_px), 4)))
        nodes = nodes_per_quarter(now, contours.d[chosen], data.table.psf_px)
        tasks = Tasks(chosen, contours.d[chosen], nodes)
        found = minimise(
            lambda parameters, which: sums(data, tasks.part(which), parameters),
            now,
            (low, high),
            LONGEST_STEP,
            tolerance=0.1,
            max_iter=MAX_ITER,
        )
        now[:] = found.parameters
        # independent of the noise, and of single particles that are no super-ellipse
        return float(np.sum(n_used * np.log(np.maximum(found.sums.chi2, 1e-300))))

    misfit(DEFAULT_PSF_PX)
    found = minimize_scalar(
        misfit,
        bounds=(NARROWEST_PX, WIDEST_PX),
        method="bounded",
        options={"xatol": PRECISION_PX, "maxiter": 25},
    )
    return float(found.x)


def _isolated(crops: Crops, outlines: Outlines, contours: ContourFits) -> np.ndarray:
    """Return the positions of isolated particles whose outline is well described."""
    if len(crops) == 0:
        return np.zeros(0, dtype=np.int64)
    sizes = crops.n_rows * crops.n_cols
    share = np.add.reduceat(crops.is_usable, crops.starts, dtype=np.int64) / sizes
    radius = outlines.radii.mean(axis=1)
    is_good = ~crops.touches_edge & outlines.is_star_shaped & (share >= ISOLATED_SHARE)
    is_good &= (contours.misfit_px < 0.1 * radius) & (radius > 4)
    found = np.flatnonzero(is_good)
    best = np.argsort((contours.misfit_px / radius)[found], kind="stable")[:MOST_PARTICLES]
    return np.sort(found[best]).astype(np.int64)
