"""Temporal images → the pixels that measure something."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.images import MovieImages
from umlpsd_gpu.traces.unsound import find_plateau

LEAST_SOUND_SHARE = 0.5
# the variance of equal numbers, by rounding, relative to the square of their mean
ROUNDING = 1e-13
# Constant pixels by themselves are dead; where there are many, the movie is dark and most pixels
# never see a photon
MOST_DEAD = 0.01
# A row or column whose level differs from its neighbours' by this many standard errors
LINE_SNR, FEWEST_IN_LINE = 8.0, 16
# How far the averages of lines that are looked at closely stand out, and how many others are
SUSPICIOUS, N_TYPICAL = 4.0, 24


def find_valid(images: MovieImages) -> tuple[Array | None, int]:
    """Return which pixels can be searched for emitters.

    A pixel is valid if it is sound in at least half of the frames, if it varies in time, and if it
    is not part of a row or column of the sensor that varies by itself.

    Parameters
    ----------
    images : MovieImages

    Returns
    -------
    valid : ndarray of bool, shape (n_rows, n_cols), or None
        None if all pixels are valid.
    n_lines : int
        Rows and columns of the sensor that vary by themselves.
    """
    finite = np.isfinite(images.mean) & np.isfinite(images.variance)
    if images.sound_share is not None:
        finite &= images.sound_share >= LEAST_SOUND_SHARE
    valid = finite & ~_find_constant(images, finite)
    n_lines = 0
    if valid.any():
        lines, n_lines = _find_lines(images, valid)
        valid &= ~lines
    return None if valid.all() else valid, n_lines


def _find_constant(images: MovieImages, finite: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        varies = images.variance > ROUNDING * images.mean**2
    constant = finite & ~varies
    if not constant.any() or not (finite & varies).any():
        return np.zeros_like(constant)
    areas = find_plateau(constant)
    alone = constant & ~areas
    return constant if alone.sum() <= MOST_DEAD * constant.size else areas


def _find_lines(images: MovieImages, valid: Array) -> tuple[Array, int]:
    """Return the pixels, and the number, of rows and columns that stand out along their length."""
    found = [np.zeros(size, bool) for size in valid.shape[::-1]]
    with np.errstate(invalid="ignore"):
        pictures = (images.mean, np.sqrt(images.variance))
    for picture in pictures:
        for axis in (0, 1):
            found[axis] |= _stands_out(np.where(valid, picture, np.nan), axis)
    cols, rows = found
    return rows[:, None] | cols, int(rows.sum() + cols.sum())


def _stands_out(picture: Array, axis: int) -> Array:
    """Return which lines along an axis differ from the lines two away, all along."""
    n_lines, length = picture.shape[1 - axis], picture.shape[axis]
    stands_out = np.zeros(n_lines, bool)
    if min(n_lines, length) < FEWEST_IN_LINE:
        return stands_out
    known = np.isfinite(picture)
    total = picture.sum(axis=axis) if known.all() else np.nansum(picture, axis=axis)
    level = total / np.maximum(known.sum(axis=axis), 1)
    padded = np.pad(level, 2, mode="reflect")
    contrast = np.abs(level - (padded[:-4] + padded[4:]) / 2)
    # all lines may differ from each other a little: the pattern of the camera's readout
    suspects = np.flatnonzero(contrast > SUSPICIOUS * 1.4826 * np.median(contrast))
    lines = np.moveaxis(picture, axis, 1)
    typical = _measure_contrast(lines, np.linspace(2, n_lines - 3, N_TYPICAL).astype(int))
    usual = 1.4826 * np.median(np.abs(typical[0])), np.median(typical[1])
    median, error = _measure_contrast(lines, suspects)
    significant = np.abs(median) > LINE_SNR * np.maximum(np.maximum(error, usual[1]), usual[0])
    size = np.zeros(n_lines)
    size[suspects[significant]] = np.abs(median[significant])
    # lines two away from one that stands out differ from it as well, by half as much
    extreme: Array = (size > 0) & (size >= 0.6 * ndimage.maximum_filter1d(size, 5))
    return extreme


def _measure_contrast(lines: Array, chosen: Array) -> tuple[Array, Array]:
    """Return the median contrast of chosen lines to those two away, and its standard error."""
    n_lines, length = lines.shape
    before = np.abs(chosen - 2)
    after = np.where(chosen + 2 < n_lines, chosen + 2, 2 * n_lines - 4 - chosen)
    contrast = lines[chosen] - (lines[before] + lines[after]) / 2
    known = np.isfinite(contrast)
    n_known = known.sum(axis=1)
    ordered = np.sort(np.where(known, contrast, np.inf), axis=1)
    every = np.arange(len(chosen))
    places = [np.minimum(length - 1, (q * n_known).astype(int)) for q in (0.25, 0.5, 0.75)]
    low, median, high = (np.where(n_known >= FEWEST_IN_LINE, ordered[every, p], 0) for p in places)
    # of the median of Gaussian values, whose quartiles are 1.349 standard deviations apart
    error = 1.2533 * (high - low) / 1.349 / np.sqrt(np.maximum(n_known, 1))
    return median, error


def describe_left_out(valid: Array | None, n_lines: int = 0) -> str:
    """Return a sentence about the share of the image that is left out; "" for none.

    Parameters
    ----------
    valid : ndarray of bool, or None
    n_lines : int
        Rows and columns that vary by themselves.
    """
    if valid is None:
        return ""
    percent = 100 * float(np.mean(~valid))
    if n_lines:
        return (
            f"{n_lines} rows or columns of the sensor vary by themselves and were left out; with "
            f"what is constant or NaN, {percent:.1f} % of the field"
        )
    return f"{max(percent, 0.1):.1f} % of the field is constant or NaN and was left out"


def spread_invalid(valid: Array, reach_px: float) -> Array:
    """Return the pixels at least one of whose neighbours within a square is invalid.

    Parameters
    ----------
    valid : ndarray of bool, shape (n_rows, n_cols)
    reach_px : float
        Half of the side of the square, in pixels.
    """
    size = 2 * int(np.ceil(reach_px)) + 1
    spread: Array = ndimage.maximum_filter(~valid, size=size, mode="constant", cval=False)
    return spread
