"""A movie whose frames are shifted back by the drift of the sample while they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie


def register(movie: Movie, drift: Array) -> Movie:
    """Return the movie as it would be if the sample had stayed where it was in the first frame.

    Values between pixels are interpolated linearly, which averages up to four pixels: noise is
    smaller there, and neighbouring pixels share some of it.

    Parameters
    ----------
    movie : Movie
    drift : ndarray, shape (n_frames, 2)
        Displacement in rows and columns since the first frame, in pixels.

    Returns
    -------
    Movie
        Float32 frames. Pixels that come from beyond the edge repeat it: see `seen_throughout`.
    """
    reader = _RegisteredReader(movie, drift)
    return replace(movie, read_frames=reader, dtype=np.dtype(np.float32))


def seen_throughout(shape: tuple[int, int], drift: Array) -> Array:
    """Return which pixels of a registered movie are inside the recorded image in every frame.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    drift : ndarray, shape (n_frames, 2)

    Returns
    -------
    ndarray, shape (n_rows, n_cols), bool
    """
    seen = np.ones(shape, dtype=bool)
    for axis, n_pixels in enumerate(shape):
        at = np.arange(n_pixels)
        inside = (at + drift[:, axis].min() >= 0) & (at + drift[:, axis].max() <= n_pixels - 1)
        seen &= np.expand_dims(inside, 1 - axis)
    return seen


@dataclass(frozen=True)
class _RegisteredReader:
    movie: Movie
    drift: Array

    def __call__(self, first: int, stop: int) -> Array:
        frames = self.movie.read_frames(first, stop).astype(np.float32, copy=False)
        shifted = np.empty_like(frames)
        for t, frame in enumerate(frames):
            shifted[t] = _shift_back(frame, self.drift[first + t])
        return shifted


def _shift_back(frame: Array, moved_px: Array) -> Array:
    """Return the frame as if the sample had not moved; rows first, then columns."""
    for axis, moved in enumerate(moved_px.tolist()):
        whole = int(np.floor(moved))
        at = np.arange(frame.shape[axis]) + whole
        last = frame.shape[axis] - 1
        near = frame.take(at.clip(0, last), axis=axis)
        far = frame.take((at + 1).clip(0, last), axis=axis)
        frame = near + np.float32(moved - whole) * (far - near)
    return frame
