"""Averages of a movie of extended objects → how far they moved, by the edges of their image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array

EDGE_SIGMA_PX = 1.0
UPSAMPLING = 20  # registration to 1/20 px
# Images of fewer pixels along an axis are not registered; nor is a displacement believed that
# leaves less than this share of the image to compare (our choice)
FEWEST_PX, LEAST_SHARED = 16, 0.5
# Edges that are less alike than this tell no place
LEAST_LIKENESS = 0.2
# A step of this length or more must take this share of the way from the likeness at rest to
# equality, a shorter one proportionally less (our choice)
LEAST_GAIN, LONG_STEP_PX = 0.2, 2.0


class EdgeRegistration:
    """Finds how far images of one scene are displaced, one after the other.

    The brightness of grains changes in time, and that of neighbours differently, while the edges
    between them stay where they are: the phases of the transformed gradient magnitudes are
    compared [1]_.

    References
    ----------
    .. [1] M. Guizar-Sicairos, S. T. Thurman and J. R. Fienup, Opt. Lett. 33, 156 (2008); through
       ``skimage.registration.phase_cross_correlation``.
    """

    def __init__(self) -> None:
        self._edges: Array | None = None
        self._n_images = 0
        self.last = np.zeros(2)

    def locate(self, image: Array) -> Array | None:
        """Return the displacement of an image from the first one, and remember the image.

        Parameters
        ----------
        image : ndarray, shape (n_rows, n_cols)
            Pixels that are not finite count as the median.

        Returns
        -------
        ndarray, shape (2,), or None
            Rows and columns; None if it is not sure, or the image is smaller than 16 pixels.
        """
        edges = _find_edges(image)
        if min(edges.shape) < FEWEST_PX or not edges.any():
            return None
        if self._edges is None:
            self._edges, self._n_images = edges, 1
            return self.last
        found = self._locate(edges)
        if found is None:
            return None
        self.last = found
        self._n_images += 1
        back = ndimage.shift(edges, -found, order=1, mode="nearest")
        self._edges = self._edges + (back - self._edges) / self._n_images
        return found

    def _locate(self, edges: Array) -> Array | None:
        from skimage.registration import phase_cross_correlation

        back = phase_cross_correlation(
            self._edges, edges, upsample_factor=UPSAMPLING, normalization="phase"
        )[0]
        found: Array = -back
        at_rest, moved = self._likeness(edges, self.last), self._likeness(edges, found)
        step_px = float(np.hypot(*(found - self.last)))
        needed = LEAST_GAIN * min(1.0, step_px / LONG_STEP_PX)
        if moved > at_rest + needed * (1 - at_rest):
            return found
        return self.last if at_rest >= LEAST_LIKENESS else None

    def _likeness(self, edges: Array, moved: Array) -> float:
        """Return the correlation of the edges with the known ones in this place; −1…1."""
        known = ndimage.shift(self._edges, moved, order=1, mode="constant", cval=np.nan)
        shared = np.isfinite(known)
        if shared.mean() < LEAST_SHARED:
            return -1.0
        if not known[shared].std() or not edges[shared].std():
            return 0.0
        return float(np.corrcoef(known[shared], edges[shared])[0, 1])


def find_texture_motion(segments: Sequence[Array], bin_px: int) -> Array:
    """Register the averages of consecutive segments of a movie by their edges.

    Parameters
    ----------
    segments : sequence of ndarray, shape (n_rows, n_cols)
        In time order.
    bin_px : int
        Pixels of the movie in each of their pixels, along each axis.

    Returns
    -------
    ndarray, shape (n_segments, 2)
        Displacement since the first segment in rows and columns, in pixels of the movie. A segment
        whose place is not sure has that of the one before.
    """
    registration = EdgeRegistration()
    path = []
    for segment in segments:
        registration.locate(segment)
        path.append(registration.last * bin_px)
    return np.array(path).reshape(-1, 2)


def _find_edges(image: Array) -> Array:
    sound = np.isfinite(image)
    if not sound.all():
        image = np.where(sound, image, np.median(image[sound]) if sound.any() else 0.0)
    edges: Array = ndimage.gaussian_gradient_magnitude(
        image.astype(np.float64), EDGE_SIGMA_PX, mode="nearest"
    )
    return edges
