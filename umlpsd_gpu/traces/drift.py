"""Movie → drift: the displacement of the sample at every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.images import sum_of_frames
from umlpsd_gpu.traces.jumps import place_jumps
from umlpsd_gpu.traces.motion import SURE_STEP_PX, Motion
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, stretches
from umlpsd_gpu.traces.sums import bin_image
from umlpsd_gpu.traces.texture_motion import EdgeRegistration

# Averaged before registration, since single frames are too noisy; fewer in short movies
FRAMES_PER_BLOCK, FEWEST_PER_BLOCK, FEWEST_BLOCKS = 50, 8, 20
UPSAMPLING = 20  # registration to 1/20 px


Registering = Callable[[Array, float], tuple[Array | None, Array]]


def estimate_drift(
    movie: Movie,
    psf_sigma_px: float = 1.3,
    n_threads: int | None = None,
    motion: Motion | None = None,
    edges_path_px: Array | None = None,
) -> Array:
    """Estimate the drift by phase cross-correlation of averaged frames.

    Blocks of 50 frames (fewer in movies of less than 1000) are averaged, high-pass filtered and
    smoothed with the PSF (so that uneven background does not keep the peak at zero), and registered
    [1]_ against the running mean of the preceding blocks, corrected for their drift; emitters that
    are dark in the first block still contribute later. Between the centres of blocks the drift is
    interpolated linearly, unless it jumps: then the frame of the jump is the one that divides the
    frames around it best into those that resemble the spots at the one place and those that
    resemble them at the other.

    Parameters
    ----------
    movie : Movie
    psf_sigma_px : float
        Standard deviation of a spot's image, in pixels.
    n_threads : int, optional
        Default: all cores.
    motion : Motion, optional
        Of longer segments. Blocks are then registered near the segments around them, with the spots
        of the whole movie, and left out where fewer than two spots are seen.
    edges_path_px : ndarray, shape (n_segments, 2), optional
        Displacements of longer segments, by the edges of extended objects. Blocks are then
        registered by their edges near these, and left out elsewhere.

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
    middles: list[float] = []
    path: list[Array] = []
    reference: Array | None = None
    register = _register_each(psf_sigma_px)
    if motion is not None:
        register = _register_near(motion, psf_sigma_px)
    elif edges_path_px is not None:
        register = _register_edges(edges_path_px, psf_sigma_px)
    for middle, average in _average_blocks(movie, n_threads):
        place, reference = register(average, middle / movie.n_frames)
        if place is not None:
            middles.append(middle)
            path.append(place)
    frames = np.arange(movie.n_frames)
    known, centres = np.array(path or [np.zeros(2)]), np.array(middles or [0.0])
    drift = np.stack([np.interp(frames, centres, known[:, axis]) for axis in (0, 1)], axis=1)
    if reference is not None:
        place_jumps(drift, movie, (centres, known), reference, n_threads)
    relative: Array = drift - drift[0]
    return relative


class _Scene:
    """The mean of images of one scene, each shifted back by its displacement."""

    def __init__(self) -> None:
        self.mean: Array | None = None
        self._n_images = 0

    def begin(self, image: Array) -> Array:
        """Return the mean so far; zero before the first image."""
        if self.mean is None:
            self.mean = np.zeros_like(image)
        return self.mean

    def add(self, image: Array, place: Array) -> None:
        self._n_images += 1
        mean = self.begin(image)
        mean += (ndimage.shift(image, -place, order=1, mode="nearest") - mean) / self._n_images


def _register_each(psf_sigma_px: float) -> Registering:
    """Return a function that registers every block by phase cross-correlation."""
    from skimage.registration import phase_cross_correlation

    scene = _Scene()

    def register(average: Array, at: float) -> tuple[Array | None, Array]:
        image = _keep_spots(average, psf_sigma_px)
        reference, shift = scene.begin(image), np.zeros(2)
        if reference.any() and image.any():
            shift = phase_cross_correlation(
                reference, image, upsample_factor=UPSAMPLING, normalization=None
            )[0]
        scene.add(image, -shift)
        return -shift, reference

    return register


def _register_near(motion: Motion, psf_sigma_px: float) -> Registering:
    """Return a function that registers blocks by their spots, near the segments of a movie."""
    registration, bin_px = motion.registration, motion.registration.bin_px

    def locate(average: Array, guides: Array) -> Array | None:
        found = registration.locate_near(bin_image(average, bin_px), guides / bin_px)
        return None if found is None else found * bin_px

    return _register_by(locate, motion.path_px, psf_sigma_px)


def _register_edges(path_px: Array, psf_sigma_px: float) -> Registering:
    """Return a function that registers blocks by their edges, near the segments of a movie."""
    registration = EdgeRegistration()

    def locate(average: Array, guides: Array) -> Array | None:
        place = registration.locate(average)
        if place is None or np.hypot(*(place - guides).T).min() > SURE_STEP_PX:
            return None
        return place

    return _register_by(locate, path_px, psf_sigma_px)


def _register_by(
    locate: Callable[[Array, Array], Array | None], path_px: Array, psf_sigma_px: float
) -> Registering:
    """Return a function that registers blocks by ``locate``, which takes the places near by."""
    scene = _Scene()

    def register(average: Array, at: float) -> tuple[Array | None, Array]:
        segment = min(int(at * len(path_px)), len(path_px) - 1)
        place = locate(average, path_px[max(0, segment - 1) : segment + 2])
        image = _keep_spots(average, psf_sigma_px)
        reference = scene.begin(image)
        if place is not None:
            scene.add(image, place)
        return place, reference

    return register


def frames_per_block(n_frames: int) -> int:
    """Return the frames averaged before registration.

    Parameters
    ----------
    n_frames : int
        Of the movie.
    """
    return max(FEWEST_PER_BLOCK, min(FRAMES_PER_BLOCK, n_frames // FEWEST_BLOCKS))


def _average_blocks(movie: Movie, n_threads: int | None) -> Iterator[tuple[float, Array]]:
    """Yield the middle frame and the average of each block."""
    n_at_once = frames_at_once(movie, n_threads)
    n_per_block = frames_per_block(movie.n_frames)

    def averages(first: int, stop: int) -> list[tuple[float, Array]]:
        found = []
        for begin in range(first, stop, n_per_block):
            end = min(begin + n_per_block, stop)
            total = sum_of_frames(movie, begin, end, n_at_once)
            found.append(((begin + end - 1) / 2, np.nan_to_num(total / (end - begin))))
        return found

    for found in in_order(averages, stretches(movie, n_per_block), n_threads):
        yield from found


def _keep_spots(image: Array, psf_sigma_px: float) -> Array:
    narrow = ndimage.gaussian_filter(image, psf_sigma_px)
    spots: Array = narrow - ndimage.gaussian_filter(image, 4 * psf_sigma_px)
    return spots
