"""Images → signal-to-noise ratio of spots, from valid pixels only."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array

NOISE_TILE_PX = 64
MASKED_SNR = 4.0
N_MASKINGS = 3
# share of a Gaussian's weight on valid pixels, below which the filtered image means nothing
LEAST_WEIGHT = 0.05


def filter_matched(image: Array, psf_sigma_px: float, valid: Array | None = None) -> Array:
    """Filter with a difference of Gaussians and divide by the local noise.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_cols)
        Finite where valid.
    psf_sigma_px : float
        Standard deviation of the narrow Gaussian in pixels; the wide one has twice that.
    valid : ndarray of bool, optional
        Pixels to use; the Gaussians are normalised to them. Default: all.

    Returns
    -------
    ndarray, shape (n_rows, n_cols)
        Signal-to-noise ratio; 0 at invalid pixels.
    """
    if valid is None:
        filtered = ndimage.gaussian_filter(image, psf_sigma_px)
        filtered -= ndimage.gaussian_filter(image, 2 * psf_sigma_px)
        largest = float(np.abs(image).max())
    else:
        filtered = _filter_valid(image, psf_sigma_px, valid)
        largest = float(np.abs(image[valid]).max(initial=0.0))
    rounding = 1e-12 * largest + 1e-300
    snr: Array = filtered
    snr /= measure_local_noise(filtered, psf_sigma_px, rounding, valid)
    return snr


def fill_gaps(image: Array, valid: Array, psf_sigma_px: float) -> Array:
    """Return the image with invalid pixels replaced by the average of valid ones nearby.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_cols)
    valid : ndarray of bool, same shape
    psf_sigma_px : float
    """
    if not valid.any():
        return np.zeros_like(image)
    level = float(np.median(image[valid]))
    weight = ndimage.gaussian_filter(valid.astype(np.float64), 2 * psf_sigma_px)
    near = ndimage.gaussian_filter(np.where(valid, image - level, 0.0), 2 * psf_sigma_px)
    average = level + near / np.maximum(weight, LEAST_WEIGHT)
    filled: Array = np.where(valid, image, average)
    return filled


def _filter_valid(image: Array, psf_sigma_px: float, valid: Array) -> Array:
    """Return the difference of Gaussians over valid pixels, with the noise it has elsewhere.

    Where pixels are missing fewer are averaged, and noise is larger. For noise that is independent
    from pixel to pixel the factor follows from the weights, and the image is divided by it.
    """
    narrow, wide = psf_sigma_px, 2 * psf_sigma_px
    mask = valid.astype(np.float64)
    level = float(np.median(image[valid])) if valid.any() else 0.0
    shifted = np.where(valid, image - level, 0.0)
    weights = [ndimage.gaussian_filter(mask, sigma) for sigma in (narrow, wide)]
    usable = valid & (weights[0] > LEAST_WEIGHT) & (weights[1] > LEAST_WEIGHT)
    in_narrow, in_wide = (np.where(usable, weight, 1.0) for weight in weights)
    filtered = ndimage.gaussian_filter(shifted, narrow) / in_narrow
    filtered -= ndimage.gaussian_filter(shifted, wide) / in_wide
    # products of two Gaussians are Gaussians
    mixed = narrow * wide / np.hypot(narrow, wide)
    terms = (
        (narrow / np.sqrt(2), 1 / (4 * np.pi * narrow**2), in_narrow**2),
        (mixed, -1 / (np.pi * (narrow**2 + wide**2)), in_narrow * in_wide),
        (wide / np.sqrt(2), 1 / (4 * np.pi * wide**2), in_wide**2),
    )
    variance = sum(c * ndimage.gaussian_filter(mask, s) / weight for s, c, weight in terms)
    usual = sum(c for _, c, _ in terms)
    excess = np.sqrt(np.maximum(variance / usual, 1.0))
    valid_only: Array = np.where(usable, filtered / excess, 0.0)
    return valid_only


def measure_local_noise(
    filtered: Array, psf_sigma_px: float, rounding: float, valid: Array | None = None
) -> Array:
    """Return the robust standard deviation around each pixel, at least ``rounding``.

    Spots would raise it where they are dense, so they and their surroundings are masked and it is
    measured again.

    Parameters
    ----------
    filtered : ndarray, shape (n_rows, n_cols)
    psf_sigma_px : float
    rounding : float
        Smallest noise.
    valid : ndarray of bool, optional
        Pixels that are measured. Default: all.
    """
    invalid = np.zeros(filtered.shape, dtype=bool) if valid is None else ~valid
    noise = _measure_tiled_sigma(filtered, invalid, rounding)
    for _ in range(N_MASKINGS):
        noise *= MASKED_SNR
        strong = (np.abs(filtered) > noise).astype(np.float32)
        del noise  # large images: no more of them in memory than needed
        spots = ndimage.uniform_filter(strong, 2 * round(2 * psf_sigma_px) + 1) > 1e-6
        del strong
        noise = _measure_tiled_sigma(filtered, invalid | spots, rounding, invalid)
    return noise


def _measure_tiled_sigma(
    values: Array, masked: Array, least: float, invalid: Array | None = None
) -> Array:
    """Interpolate 1.4826 × the median absolute deviation of each tile's unmasked pixels."""
    from skimage.transform import resize

    if masked.all() and invalid is not None:
        masked = invalid
    n_down, n_across = (max(1, round(size / NOISE_TILE_PX)) for size in values.shape)
    clear = np.abs(values)
    clear[masked] = np.nan
    tiles = np.array(
        [
            [_take_median(tile) for tile in np.array_split(band, n_across, axis=1)]
            for band in np.array_split(clear, n_down, axis=0)
        ]
    )
    del clear
    tiles[np.isnan(tiles)] = np.nan_to_num(_take_median(tiles))
    sigma: Array = resize(tiles, values.shape, order=1, mode="edge", anti_aliasing=False)
    sigma *= 1.4826
    return np.maximum(sigma, least, out=sigma)


def _take_median(values: Array) -> float:
    clear = values[~np.isnan(values)]
    return float(np.median(clear)) if clear.size else float("nan")
