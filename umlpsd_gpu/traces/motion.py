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


@dataclass(frozen=True)
class Motion:
    """How the sample moved.

    Attributes
    ----------
    path_px : ndarray, shape (n_segments, 2)
        Displacement of each segment in rows and columns since the first one.
    """

    path_px: Array

    @property
    def largest_px(self) -> float:
        """Return the largest distance between two segments in pixels."""
        if len(self.path_px) < 2:
            return 0.0
        gaps = self.path_px[:, None] - self.path_px[None]
        return float(np.hypot(gaps[..., 0], gaps[..., 1]).max())


def find_motion(segments: Sequence[Array], bin_px: int, psf_sigma_px: float) -> Motion:
    """Register the averages of consecutive segments of a movie.

    Each is high-pass filtered, only spots are kept, and they are correlated with the running mean
    of the earlier segments. A long step is believed only if it brings at least two spots, and
    twice as many as no step does, to places where there were spots before: other emitters may be
    on.

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
    path = np.zeros((len(segments), 2))
    if len(segments) < 2 or min(segments[0].shape) < SMALLEST_PX:
        return Motion(path)
    seen = np.empty((0, 2))  # places of spots, in the frame of the first segment
    reference: Array | None = None
    shape = segments[0].shape
    for i, segment in enumerate(segments):
        spots = _keep_spots(segment, psf_sigma_px / bin_px)
        places = _find_places(spots)
        transform = fft.rfft2(spots)
        if len(places) and reference is not None and len(seen):
            before = path[i - 1] / bin_px
            path[i] = bin_px * _register(reference, transform, places, seen, before, shape, bin_px)
        elif i:
            path[i] = path[i - 1]
        moved = path[i] / bin_px
        back = transform * _phases(moved, shape)
        reference = back if reference is None else reference + back
        seen = _join(seen, places - moved)
    return Motion(path)


def _keep_spots(image: Array, psf_sigma_px: float) -> Array:
    sigma = max(psf_sigma_px, 0.6)
    sound = np.isfinite(image)
    image = np.where(sound, image, np.median(image[sound]) if sound.any() else 0.0)
    filtered = ndimage.gaussian_filter(image, sigma, truncate=3.0)
    filtered -= ndimage.gaussian_filter(image, 3 * sigma, truncate=3.0)
    few = filtered.ravel()[:: max(1, filtered.size // 20_000)]
    noise = 1.4826 * float(np.median(np.abs(few)))
    limit = SPOT_SNR * max(noise, 1e-12 * float(np.abs(image).max()) + 1e-30)
    # all spots count alike: one that is much brighter must not decide alone
    spots: Array = np.clip(filtered - limit / 2, 0, 2 * limit) / limit
    return spots


def _find_places(spots: Array) -> Array:
    """Return rows and columns of the brightest spots, shape (n, 2)."""
    candidates = np.argwhere((spots >= 0.5) & (spots == ndimage.maximum_filter(spots, 3)))
    if len(candidates) > MOST_SPOTS:
        order = np.argsort(spots[tuple(candidates.T)], kind="stable")
        candidates = candidates[order[-MOST_SPOTS:]]
    return candidates.astype(np.float64)


def _register(
    reference: Array,
    transform: Array,
    places: Array,
    seen: Array,
    before: Array,
    shape: tuple[int, ...],
    bin_px: int,
) -> Array:
    """Return the displacement of a segment, in its own pixels."""
    correlation = fft.irfft2(np.conj(reference) * transform, s=shape)
    found = _interpolate_peak(correlation, np.argmax(correlation))
    step_px = float(np.hypot(*(found - before))) * bin_px
    if step_px <= SURE_STEP_PX:
        return found
    near = max(SAME_PLACE_PX / bin_px, 1.0)
    n_moved, n_still = (
        np.count_nonzero(cKDTree(seen).query(places - shift)[0] <= near)
        for shift in (found, before)
    )
    if n_moved >= max(FEWEST_MATCHES, 2 * n_still, len(places) / 2):
        return found
    return before


def _interpolate_peak(correlation: Array, where: np.intp) -> Array:
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


def _join(seen: Array, places: Array) -> Array:
    """Return all places, those seen before only once."""
    if not len(seen) or not len(places):
        return places if len(places) else seen
    is_new = cKDTree(seen).query(places)[0] > 1.0
    return np.concatenate([seen, places[is_new]])
