"""Averages of the segments of a movie → how far the sample moved, and whether that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from umlpsd_gpu.compute.arrays import Array

NOTED_PX, CORRECTED_PX = 1.0, 2.0
SPOT_SNR, MOST_SPOTS = 8.0, 200
# A step up to this is followed without a doubt; a longer one must bring twice as many spots to
# places where there were spots before
SURE_STEP_PX, SAME_PLACE_PX = 2.5, 1.5
FEWEST_MATCHES = 2
SMALLEST_PX = 12
LEAST_PEAK, MOST_PEAKS = 0.4, 8
# A path with a long step must explain the spots of all segments by so much fewer places than rest
# does: a jump shows every emitter twice, while emitters that light up a lattice constant away from
# others that go out are as many places either way
MOST_PLACES = 0.8


@dataclass(frozen=True)
class Motion:
    """How the sample moved.

    Attributes
    ----------
    path_px : ndarray, shape (n_segments, 2)
        Displacement of each segment in rows and columns since the first one.
    registration : Registration
        Knows the scene.
    """

    path_px: Array
    registration: Registration

    @property
    def largest_px(self) -> float:
        """Return the largest distance between two segments in pixels."""
        return largest_distance(self.path_px)


def largest_distance(path: Array) -> float:
    """Return the largest distance between two places of a path; 0 for fewer than two.

    Parameters
    ----------
    path : ndarray, shape (n_places, 2)
    """
    if len(path) < 2:
        return 0.0
    gaps = path[:, None] - path[None]
    return float(np.hypot(gaps[..., 0], gaps[..., 1]).max())


def find_motion(segments: Sequence[Array], bin_px: int, psf_sigma_px: float) -> Motion:
    """Register the averages of consecutive segments of a movie.

    Each is high-pass filtered, only spots are kept, and they are correlated with the running mean
    of the earlier segments. A step is believed only if it brings at least two spots to places where
    there were spots before, a long one only if it brings twice as many as no step does: other
    emitters may be on.

    Parameters
    ----------
    segments : sequence of ndarray, shape (n_rows, n_cols)
        In time order.
    bin_px : int
        Pixels of the movie in each of their pixels, along each axis.
    psf_sigma_px : float
        Of the movie, in pixels.

    Returns
    -------
    Motion
        In pixels of the movie.
    """
    registration = Registration(psf_sigma_px / bin_px, bin_px)
    constant = np.logical_and.reduce([one == segments[0] for one in segments])
    path = np.array([registration.locate(segment, constant) for segment in segments])
    path = path.reshape(-1, 2)
    if not registration.is_needed(path):
        path = np.zeros_like(path)
    return Motion(path * bin_px, registration)


class Registration:
    """Finds how far images of one scene are displaced, one after the other.

    Parameters
    ----------
    psf_sigma_px : float
        In pixels of the images.
    bin_px : int
        Pixels of the movie in each of their pixels, along each axis.
    """

    def __init__(self, psf_sigma_px: float, bin_px: int = 1) -> None:
        self._psf_sigma_px, self.bin_px = psf_sigma_px, bin_px
        self._sure_step = max(SURE_STEP_PX / bin_px, 1.0)
        self._near = max(SAME_PLACE_PX / bin_px, 1.0)
        # places of spots in the first image, and in how many images each was seen
        self._seen, self._n_times, self._n_images = np.empty((0, 2)), np.empty(0, np.int64), 0
        self._n_earlier = 0  # places that were seen before the last image
        self._placed: list[tuple[Array, Array]] = []  # spots of each image, and its displacement
        self._reference: Array | None = None
        self.is_sure = False
        self.last = np.zeros(2)

    def locate(self, image: Array, constant: Array | None = None) -> Array:
        """Return the displacement of an image from the first one, in its pixels.

        Where too few spots are seen that were seen before, it is that of the image before, and
        ``is_sure`` is False.

        Parameters
        ----------
        image : ndarray, shape (n_rows, n_cols)
        constant : ndarray of bool, optional
            Pixels that measure nothing.
        """
        self.is_sure = False
        if min(image.shape) < SMALLEST_PX:
            return self.last
        spots, places = _keep_spots(image, constant, self._psf_sigma_px)
        if not len(places):
            return self.last
        transform = fft.rfft2(spots)
        if self._reference is None:
            self._reference, self.is_sure = transform, True
            self._remember(places)
            self._placed.append((places, self.last))
            return self.last
        correlation = fft.irfft2(np.conj(self._reference) * transform, s=spots.shape)
        self.last = self._choose(correlation, places)
        self._reference = self._reference + transform * _phases(self.last, spots.shape)
        self._remember(places - self.last)
        self._placed.append((places, self.last))
        return self.last

    def is_needed(self, path: Array) -> bool:
        """Return whether a path explains the images by clearly fewer places than rest does.

        Paths without a long step are believed as they are.

        Parameters
        ----------
        path : ndarray, shape (n_images, 2)
            Displacements of the images that were located.
        """
        steps = np.hypot(*np.diff(path, axis=0).T)
        if not len(steps) or steps.max() <= self._sure_step:
            return True
        # the image in which the sample jumps shows every spot twice, whatever one believes
        every = range(len(self._placed))
        return any(self._saves_places([i for i in every if i != left_out]) for left_out in every)

    def _saves_places(self, images: Sequence[int]) -> bool:
        """Return whether the displacements explain some of the images by clearly fewer places."""
        chosen = [self._placed[i] for i in images]
        if len(chosen) < 2:
            return False
        followed = self._count_places([places - moved for places, moved in chosen])
        at_rest = self._count_places([places for places, _ in chosen])
        return followed <= MOST_PLACES * at_rest

    def _count_places(self, images: Sequence[Array]) -> int:
        """Return how many different places the spots of all images are at."""
        known = images[0]
        for places in images[1:]:
            is_new = cKDTree(known).query(places)[0] > self._near
            known = np.concatenate([known, places[is_new]])
        return len(known)

    def locate_near(self, image: Array, guides: Array) -> Array | None:
        """Return the displacement of an image that is near one of several; None if it is not sure.

        What is known of the scene does not change.

        Parameters
        ----------
        image : ndarray, shape (n_rows, n_cols)
        guides : ndarray, shape (n, 2)
            In pixels of the image, as the result.
        """
        spots, places = _keep_spots(image, None, self._psf_sigma_px)
        if self._reference is None or not len(places):
            return None
        correlation = fft.irfft2(np.conj(self._reference) * fft.rfft2(spots), s=spots.shape)
        reach = int(np.ceil(self._sure_step))
        square = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        around = np.moveaxis(square, 0, -1).reshape(-1, 2)
        cells = np.unique((np.rint(guides)[:, None] + around).reshape(-1, 2), axis=0).astype(int)
        rows, cols = (cells % correlation.shape).T
        best = int(np.argmax(correlation[rows, cols]))
        peak = int(np.ravel_multi_index((rows[best], cols[best]), correlation.shape))
        found = _interpolate_peak(correlation, peak)
        known = cKDTree(self._seen[self._n_times >= min(2, self._n_images)])
        n_known = np.count_nonzero(known.query(places - found)[0] <= self._near)
        return found if n_known >= FEWEST_MATCHES else None

    def _remember(self, places: Array) -> None:
        self._n_images += 1
        self._n_earlier = len(self._seen)
        if not len(self._seen):
            self._seen, self._n_times = places, np.ones(len(places), np.int64)
            return
        distance, nearest = cKDTree(self._seen).query(places)
        is_new = distance > self._near
        self._n_times[np.unique(nearest[~is_new])] += 1
        self._seen = np.concatenate([self._seen, places[is_new]])
        self._n_times = np.append(self._n_times, np.ones(np.count_nonzero(is_new), np.int64))

    def _choose(self, correlation: Array, places: Array) -> Array:
        """Return the displacement under which most spots were seen before, the nearest of them."""
        # an image in which the sample jumps shows the second places before it is known
        is_known = self._n_times >= min(2, self._n_images)
        is_known[: self._n_earlier] = True
        known = cKDTree(self._seen[is_known])

        def count(shift: Array) -> int:
            return int(np.count_nonzero(known.query(places - shift)[0] <= self._near))

        trials = _find_peaks(correlation)
        steps = np.hypot(*(trials - self.last).T)
        counts = np.array([count(shift) for shift in trials])
        n_still = count(self.last)
        n_needed = np.where(
            steps <= self._sure_step,
            FEWEST_MATCHES,
            max(FEWEST_MATCHES, 2 * n_still, -(-len(places) // 2)),
        )
        enough = counts >= n_needed
        if not enough.any():
            self.is_sure = n_still >= FEWEST_MATCHES
            return self.last
        self.is_sure = True
        best = np.lexsort((steps, -counts, ~enough))[0]
        chosen: Array = trials[best]
        return chosen


def _find_peaks(correlation: Array) -> Array:
    """Return the displacements of the highest maxima of a correlation, shape (n, 2)."""
    is_peak = correlation == ndimage.maximum_filter(correlation, 5, mode="wrap")
    is_peak &= correlation >= LEAST_PEAK * correlation.max()
    peaks = np.flatnonzero(is_peak)
    peaks = peaks[np.argsort(-correlation.ravel()[peaks], kind="stable")[:MOST_PEAKS]]
    return np.array([_interpolate_peak(correlation, int(peak)) for peak in peaks])


def _keep_spots(image: Array, constant: Array | None, psf_sigma_px: float) -> tuple[Array, Array]:
    """Return an image of the spots, and rows and columns of the brightest, shape (n, 2)."""
    sigma = max(psf_sigma_px, 0.6)
    sound = np.isfinite(image)
    if constant is not None and constant.any() and not constant.all():
        sound &= ~constant
    near_edge = None
    if not sound.all():
        image = np.where(sound, image, np.median(image[sound]) if sound.any() else 0.0)
        near_edge = ndimage.maximum_filter(~sound, 2 * round(2 * sigma) + 1)
    filtered = ndimage.gaussian_filter(image, sigma, truncate=3.0)
    filtered -= ndimage.gaussian_filter(image, 3 * sigma, truncate=3.0)
    if near_edge is not None:
        filtered[near_edge] = 0
    few = filtered.ravel()[:: max(1, filtered.size // 20_000)]
    few = few[few != 0] if few.any() else few
    noise = 1.4826 * float(np.median(np.abs(few)))
    limit = SPOT_SNR * max(noise, 1e-12 * float(np.abs(image).max()) + 1e-30)
    is_place = (filtered >= limit) & (filtered == ndimage.maximum_filter(filtered, 3))
    places = np.argwhere(is_place)
    if len(places) > MOST_SPOTS:
        order = np.argsort(filtered[tuple(places.T)], kind="stable")
        places = places[order[-MOST_SPOTS:]]
    # all spots count alike: one that is much brighter must not decide alone
    spots = np.clip(filtered - limit / 2, 0, 2 * limit) / limit
    return spots.astype(np.float32), places.astype(np.float64)


def _interpolate_peak(correlation: Array, where: int) -> Array:
    """Return the place of a maximum, by a parabola along each axis; beyond the half is negative."""
    place = np.array(np.unravel_index(where, correlation.shape))
    found = place.astype(np.float64)
    for axis, size in enumerate(correlation.shape):
        ends = [
            tuple((place + step * (np.arange(2) == axis)) % correlation.shape) for step in (-1, 1)
        ]
        low, high = (float(correlation[end]) for end in ends)
        bend = low - 2 * float(correlation[tuple(place)]) + high
        found[axis] += 0.5 * (low - high) / bend if bend < 0 else 0.0
        if found[axis] > size / 2:
            found[axis] -= size
    return found


def _phases(moved: Array, shape: tuple[int, ...]) -> Array:
    """Return the factors that shift an image back, for its transform."""
    rows = np.exp(2j * np.pi * fft.fftfreq(shape[0]) * moved[0])
    cols = np.exp(2j * np.pi * fft.rfftfreq(shape[1]) * moved[1])
    phases: Array = (rows[:, None] * cols).astype(np.complex64)
    return phases
