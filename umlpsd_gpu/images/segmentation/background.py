"""The background of an image, whether particles are darker or brighter, and the noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

Polarity = Literal["dark", "bright"]
# Rows and columns of the reduced image in which the background is sought
REDUCED_SIDE = 128
# Its first smoothing, as a share of the shorter side; later ones and the last, in particle sizes
FIRST_SHARE, SIZES, NARROW_SIZES = 1 / 6, 1.5, 1.0
# Once the size is known, the first guess is this percentile (of bright particles: 100 less it) in
# windows of this many particle sizes
PERCENTILE, WINDOW_SIZES = 80, 3.5
LARGEST_WINDOW = 12
# Degree of the polynomial that is subtracted first, and the least share of the image to fit it to
DEGREE, LEAST_FITTED = 2, 0.15
# Rounds of leaving out what differs, and how many standard deviations differ
N_ROUNDS, MOST_DEVIATION = 6, 2.5
# Standard deviation of a normal distribution over its median absolute deviation
MAD_TO_SD = 1.4826
SIGNS = {"bright": 1, "dark": -1}


@dataclass(frozen=True)
class Flattened:
    """An image less its background, so that particles are positive.

    Attributes
    ----------
    values : ndarray of float32, shape (n_rows, n_columns)
        0 where the image is annotated.
    background : ndarray of float32, shape (n_rows, n_columns)
        In units of the image.
    polarity : {"dark", "bright"}
        Whether particles are darker or brighter than the background.
    noise : float
        Standard deviation of the background, in units of the image.
    """

    values: np.ndarray
    background: np.ndarray
    polarity: Polarity
    noise: float


def flatten(
    image: np.ndarray,
    is_annotated: np.ndarray,
    size_px: float | None = None,
    polarity: Polarity | None = None,
) -> Flattened:
    """Subtract a slowly varying background, in which particles are left out.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Without NaN.
    is_annotated : ndarray of bool, shape (n_rows, n_columns)
        Pixels that are left out.
    size_px : float, optional
        Of the particles; the background then follows changes over some of them.
    polarity : {"dark", "bright"}, optional
        Found by which of darker and brighter pixels stand out more, if not given.

    Returns
    -------
    Flattened
    """
    values = np.asarray(image, dtype=np.float32)
    step = max(1, min(values.shape) // REDUCED_SIDE)
    weights = reduce_mean((~is_annotated).astype(np.float32), step)
    small = reduce_mean(np.where(is_annotated, 0, values), step) / np.maximum(weights, 1e-6)
    is_used = weights > 0.5
    surface = _fit_surface(small, is_used)
    small = small - surface
    sign = 0 if polarity is None else SIGNS[polarity]
    sigma = FIRST_SHARE * min(small.shape)
    guess = None
    if size_px is not None:
        if not sign:
            sign = SIGNS[flatten(image, is_annotated).polarity]
        sigma = min(sigma, max(SIZES * size_px / step, 2.0))
        guess = _percentile(small, is_used, round(WINDOW_SIZES * size_px / step), sign)
    background, is_background, sign = _fit_background(small, is_used, sigma, sign, guess)
    full = enlarge(background + surface, step, values.shape)
    residual = np.where(is_annotated, 0, sign * (values - full)).astype(np.float32)
    is_plain = enlarge(is_background.astype(np.float32), step, values.shape) > 0.9
    noise = _spread(residual[is_plain & ~is_annotated])
    name: Polarity = "bright" if sign > 0 else "dark"
    return Flattened(residual, full, name, noise)


def flatten_around(
    image: np.ndarray, flat: Flattened, is_left_out: np.ndarray, size_px: float
) -> Flattened:
    """Subtract the background again, now that it is known where particles are.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Without NaN.
    flat : Flattened
        As found before.
    is_left_out : ndarray of bool, shape (n_rows, n_columns)
        Particles with their surroundings, and annotations.
    size_px : float
        Of the particles.

    Returns
    -------
    Flattened
    """
    step = max(1, min(image.shape) // REDUCED_SIDE)
    sign = SIGNS[flat.polarity]
    weights = reduce_mean((~is_left_out).astype(np.float32), step)
    correction = reduce_mean(np.where(is_left_out, 0, flat.values), step) / np.maximum(
        weights, 1e-6
    )
    smooth = smooth_where(correction, weights, max(NARROW_SIZES * size_px / step, 2.0))
    full = enlarge(smooth, step, image.shape)
    values = np.where(flat.values == 0, 0, flat.values - full).astype(np.float32)
    noise = _spread(values[~is_left_out])
    return Flattened(values, flat.background + sign * full, flat.polarity, noise)


def _fit_surface(small: np.ndarray, is_used: np.ndarray) -> np.ndarray:
    """Return a polynomial through what does not stand out: averages are biased at the edges."""
    down, right = (np.linspace(-1, 1, n) for n in small.shape)
    powers = [(a, b) for a in range(DEGREE + 1) for b in range(DEGREE + 1 - a)]
    basis = [(down[:, None] ** a) * (right[None, :] ** b) for a, b in powers]
    design = np.stack([term.ravel() for term in basis], axis=1)
    values, is_fitted = small.ravel().astype(np.float64), is_used.ravel().copy()
    fitted = np.full(values.shape, np.median(values[is_fitted]))
    for _ in range(N_ROUNDS):
        factors, *_ = np.linalg.lstsq(design[is_fitted], values[is_fitted], rcond=None)
        fitted = design @ factors
        residual = np.abs(values - fitted)
        candidate = is_used.ravel() & (
            residual <= MOST_DEVIATION * MAD_TO_SD * np.median(residual[is_fitted])
        )
        if candidate.mean() < LEAST_FITTED:
            break
        is_fitted = candidate
    surface: np.ndarray = fitted.reshape(small.shape).astype(np.float32)
    return surface


def _percentile(small: np.ndarray, is_used: np.ndarray, window: int, sign: int) -> np.ndarray:
    """Return a percentile of the surroundings: it follows slopes that a wide average misses."""
    whole = np.where(is_used, small, np.median(small[is_used]))
    # the time grows with the area of the window
    step = max(1, window // LARGEST_WINDOW)
    coarse = reduce_mean(whole, step)
    size = min(max(window // step, 3), min(coarse.shape))
    percent = 100 - PERCENTILE if sign > 0 else PERCENTILE
    guess = ndimage.percentile_filter(coarse, percent, size=size)
    return enlarge(ndimage.gaussian_filter(guess, size / 4), step, small.shape)


def _fit_background(
    small: np.ndarray, is_used: np.ndarray, sigma: float, sign: int, guess: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Fit a smooth background to what does not stand out from it, again and again."""
    is_background, is_sign_sought = is_used, sign == 0
    background = guess
    for number in range(N_ROUNDS):
        if background is None or number > 0:
            # wide first: a narrow window inside a dense group would follow it
            width = sigma * max(1.0, 2.0 - number) if guess is None else sigma
            background = smooth_where(small, is_background, width)
        residual = small - background
        spread = _spread(residual[is_background])
        if is_sign_sought:
            sign = _stand_out(residual[is_used], spread)
        limit = MOST_DEVIATION * spread
        stands_out = (sign * residual > limit) | (sign * residual < -2 * limit)
        candidate = is_used & ~ndimage.binary_dilation(stands_out)
        # where nearly all of the image stands out, the background is what is left
        if candidate.mean() < 0.05:
            break
        is_background = candidate
    assert background is not None
    return background, is_background, sign


def _stand_out(residual: np.ndarray, spread: float) -> int:
    """Return +1 if brighter pixels stand out more than darker ones, otherwise −1."""
    limit = MOST_DEVIATION * spread
    bright = float(np.sum(np.maximum(residual - limit, 0.0)))
    dark = float(np.sum(np.maximum(-residual - limit, 0.0)))
    return 1 if bright > dark else -1


def _spread(values: np.ndarray) -> float:
    if not values.size:
        return 0.0
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values))))


def smooth_where(values: np.ndarray, weights: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth an image, with pixels of different weights.

    Parameters
    ----------
    values : ndarray of float, shape (n_rows, n_columns)
    weights : ndarray of bool or float, shape (n_rows, n_columns)
        0 for what is not used.
    sigma : float
        Standard deviation of the Gaussian, in pixels.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_columns)
        Far from all used pixels, a much wider average of them.
    """
    weights = weights.astype(np.float32)
    summed = ndimage.gaussian_filter(values * weights, sigma, truncate=3.0)
    weight = ndimage.gaussian_filter(weights, sigma, truncate=3.0)
    far = ndimage.gaussian_filter(values * weights, 3 * sigma, truncate=2.0)
    far_weight = ndimage.gaussian_filter(weights, 3 * sigma, truncate=2.0)
    far, far_weight = far + 1e-6 * np.average(values, weights=weights), far_weight + 1e-6
    # few used pixels nearby say little: the wide average is worth a hundredth of a full window
    smooth: np.ndarray = (summed + 0.01 * far / far_weight) / (weight + 0.01)
    return smooth.astype(np.float32)


def reduce_mean(values: np.ndarray, step: int) -> np.ndarray:
    """Average blocks of pixels; the last rows and columns are repeated to fill a block.

    Parameters
    ----------
    values : ndarray of float, shape (n_rows, n_columns)
    step : int
        Side of a block.

    Returns
    -------
    ndarray of float32, shape (ceil(n_rows / step), ceil(n_columns / step))
    """
    if step == 1:
        return np.asarray(values, dtype=np.float32)
    padding = [(0, -n % step) for n in values.shape]
    whole = np.pad(np.asarray(values, dtype=np.float32), padding, mode="edge")
    n_rows, n_columns = whole.shape[0] // step, whole.shape[1] // step
    blocks: np.ndarray = whole.reshape(n_rows, step, n_columns, step).mean(axis=(1, 3))
    return blocks


def enlarge(values: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate between the centres of blocks: the opposite of `reduce_mean`.

    Parameters
    ----------
    values : ndarray of float32
    step : int
        Side of a block.
    shape : (int, int)
        Of the result.

    Returns
    -------
    ndarray of float32, shape ``shape``
    """
    if step == 1:
        return values
    full = values
    for axis, n in enumerate(shape):
        places = (np.arange(n) + 0.5) / step - 0.5
        first = np.clip(np.floor(places).astype(int), 0, values.shape[axis] - 1)
        second = np.minimum(first + 1, values.shape[axis] - 1)
        share = np.clip(places - first, 0, 1).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        full = np.take(full, first, axis) * (1 - share) + np.take(full, second, axis) * share
    return full
