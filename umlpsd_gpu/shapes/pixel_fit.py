"""Super-ellipses fitted to the pixels of particles, with the point-spread function in the model."""

from __future__ import annotations

from functools import partial

import numpy as np

from umlpsd_gpu.shapes.candidates import fit_candidates, fit_circles
from umlpsd_gpu.shapes.contour_fit import ContourFits, fit_contours
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.describe_fits import describe_fits
from umlpsd_gpu.shapes.noise import Noise, estimate_noise
from umlpsd_gpu.shapes.outline import Outlines, find_outlines
from umlpsd_gpu.shapes.pixel_engines import PixelSums, threaded_pixel_sums
from umlpsd_gpu.shapes.pixel_model import PixelData, blur_table
from umlpsd_gpu.shapes.psf import estimate_psf_of
from umlpsd_gpu.shapes.shape_fits import ShapeFits


def fit_shapes(
    image: np.ndarray,
    labels: np.ndarray,
    psf_px: float | None = None,
    noise: Noise | None = None,
    *,
    outlines: Outlines | None = None,
    margin_px: int = 6,
    sums: PixelSums = threaded_pixel_sums,
) -> ShapeFits:
    """Fit a super-ellipse to each labelled particle of an image.

    Parameters
    ----------
    image : ndarray of float or int, shape (n_rows, n_columns)
        Particles may be bright or dark. NaN: not measured; such pixels are left out.
    labels : ndarray of int, shape (n_rows, n_columns)
        0: background.
    psf_px : float, optional
        Standard deviation of the Gaussian point-spread function. Default: estimated from the image.
    noise : Noise, optional
        Default: estimated from the image.
    outlines : Outlines, optional
        Those of the same image and labels. Default: found here.
    margin_px : int, optional
        Width of the background that is fitted around a particle.
    sums : callable, optional
        What evaluates the model: `threaded_pixel_sums`, `pixel_sums` or that of a GPU.

    Returns
    -------
    ShapeFits
        One for each label, in rising order.

    Raises
    ------
    SettingsError
        If an argument is not allowed.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.particle_shapes import simulate_shapes
    >>> made = simulate_shapes(n_shapes=2, d_range=(3, 3), p_range=(4, 4), l_range=(1.5, 1.5))
    >>> fits = fit_shapes(made.image, made.labels, psf_px=0.8)
    >>> fits.d
    array([3, 3])
    """
    crops = cut_crops(image, labels, margin_px)
    if outlines is None:
        outlines = find_outlines(crops)
    contours = fit_contours(outlines)
    known = estimate_noise(image, labels) if noise is None and len(crops) else noise
    weights = np.zeros(len(crops.values))
    if known is not None:
        weights = crops.is_usable / crops.take(known.variance(np.asarray(image, dtype=np.float64)))
    width = estimate_psf_of(crops, outlines, contours, weights, sums) if psf_px is None else psf_px
    data = PixelData(crops, weights, blur_table(float(width)))
    return fit_pixels(data, outlines, contours, sums)


def fit_pixels(
    data: PixelData,
    outlines: Outlines,
    contours: ContourFits,
    sums: PixelSums = threaded_pixel_sums,
) -> ShapeFits:
    """Refine fits to outlines on the pixels.

    Parameters
    ----------
    data : PixelData
    outlines : Outlines
    contours : ContourFits
    sums : callable, optional
        What evaluates the model.

    Returns
    -------
    ShapeFits
    """
    candidates = fit_candidates(data, outlines, contours, sums)
    return describe_fits(data, outlines, candidates, partial(fit_circles, data, sums, outlines))
