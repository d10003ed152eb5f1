"""Movie → drift: the displacement of the sample at every frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.images import sum_of_frames
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, stretches

FRAMES_PER_BLOCK = 50  # averaged before registration: single frames are too noisy
UPSAMPLING = 20  # registration to 1/20 px


def estimate_drift(movie: Movie, psf_sigma_px: float = 1.3, n_threads: int | None = None) -> Array:
    """Estimate the drift by phase cross-correlation of averaged frames.

    Blocks of 50 frames are averaged, high-pass filtered and smoothed with the PSF (so that uneven
    background does not keep the peak at zero), and registered [1]_ against the running mean of the
    preceding blocks, corrected for their drift; emitters that are dark in the first block still
    contribute later. Between the centres of blocks the drift is interpolated linearly.

    Parameters
    ----------
    movie : Movie
    psf_sigma_px : float
        Standard deviation of a spot's image, in pixels.
    n_threads : int, optional
        Default: all cores.

    Returns
    -------
    ndarray, shape (n_frames, 2), float64
        Displacement in rows and columns since the first frame, in pixels. Pixels that are NaN count
        as 0.

    References
    ----------
    .. [1] M. Guizar-Sicairos, S. T. Thurman and J. R. Fienup, Opt. Lett. 33, 156 (2008); through
       ``skimage.registration.phase_cross_correlation``.
    """
    from skimage.registration import phase_cross_correlation

    reference: Array | None = None
    middles, moved = [], []
    for n_done, (middle, average) in enumerate(_average_blocks(movie, n_threads)):
        image = _keep_spots(average, psf_sigma_px)
        if reference is None:
            reference = np.zeros_like(image)
        shift = np.zeros(2)
        if reference.any() and image.any():
            shift = phase_cross_correlation(
                reference, image, upsample_factor=UPSAMPLING, normalization=None
            )[0]
        back = ndimage.shift(image, shift, order=1, mode="nearest")
        reference += (back - reference) / (n_done + 1)
        middles.append(middle)
        moved.append(-shift)
    frames = np.arange(movie.n_frames)
    path = np.array(moved)
    drift = np.stack([np.interp(frames, middles, path[:, axis]) for axis in (0, 1)], axis=1)
    relative: Array = drift - drift[0]
    return relative


def _average_blocks(movie: Movie, n_threads: int | None) -> Iterator[tuple[float, Array]]:
    """Yield the middle frame and the average of each block."""
    n_at_once = frames_at_once(movie, n_threads)

    def averages(first: int, stop: int) -> list[tuple[float, Array]]:
        found = []
        for begin in range(first, stop, FRAMES_PER_BLOCK):
            end = min(begin + FRAMES_PER_BLOCK, stop)
            total = sum_of_frames(movie, begin, end, n_at_once)
            found.append(((begin + end - 1) / 2, np.nan_to_num(total / (end - begin))))
        return found

    for found in in_order(averages, stretches(movie, FRAMES_PER_BLOCK), n_threads):
        yield from found


def _keep_spots(image: Array, psf_sigma_px: float) -> Array:
    narrow = ndimage.gaussian_filter(image, psf_sigma_px)
    spots: Array = narrow - ndimage.gaussian_filter(image, 4 * psf_sigma_px)
    return spots
