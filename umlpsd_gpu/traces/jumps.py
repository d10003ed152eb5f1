"""Drift between blocks of frames → the frame at which the sample jumped."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.streaming import frames_at_once

# A step of this length between two blocks, and none before and after, is a jump
JUMP_PX, STEADY_SHARE = 1.5, 0.35


def place_jumps(
    drift: Array,
    movie: Movie,
    path: tuple[Array, Array],
    reference: Array,
    n_threads: int | None = None,
) -> None:
    """Change the drift around each jump so that it happens from one frame to the next.

    Parameters
    ----------
    drift : ndarray, shape (n_frames, 2)
        Interpolated between the blocks, in pixels; changed in place.
    movie : Movie
    path : tuple of ndarray
        Middle frames of the blocks (n_blocks,), and their displacements (n_blocks, 2).
    reference : ndarray, shape (n_rows, n_cols)
        High-pass filtered average of the scene at displacement 0.
    n_threads : int, optional
        Default: all cores.
    """
    centres, places = path
    i = 0
    while i < len(places) - 1:
        length = _find_jump(places, i)
        if length:
            # the first block may contain the jump, and so may the last
            first, last = max(0, i - 1), min(len(places) - 1, i + length + 1)
            within = int(centres[first] + 1), int(centres[last]) + 1
            before, after = places[i], places[i + length]
            frame = _find_frame(movie, within, (before, after), reference, n_threads)
            drift[within[0] : frame], drift[frame : within[1]] = before, after
        i += max(length, 1)


def _find_jump(places: Array, i: int) -> int:
    """Return how many blocks a jump that begins after block i takes, 1 or 2; 0 if there is none."""
    for length in (1, 2):
        if i + length >= len(places):
            return 0
        jump_px = float(np.hypot(*(places[i + length] - places[i])))
        before = places[i] - places[max(i - 1, 0)]
        after = places[min(i + length + 1, len(places) - 1)] - places[i + length]
        steps = [float(np.hypot(*step)) for step in (before, after)]
        # a block that contains the jump may be registered at either place, or between them
        if jump_px > JUMP_PX and max(steps) <= STEADY_SHARE * jump_px:
            return length
    return 0


def _find_frame(
    movie: Movie,
    within: tuple[int, int],
    places: tuple[Array, Array],
    reference: Array,
    n_threads: int | None,
) -> int:
    """Return the first frame that resembles the scene at the second place."""
    at_first, at_second = (
        ndimage.shift(reference, place, order=1, mode="constant") for place in places
    )
    contrast = at_first - at_second
    contrast -= contrast.mean()
    likeness = np.empty(within[1] - within[0])
    n_at_once = frames_at_once(movie, n_threads)
    for start in range(*within, n_at_once):
        frames = movie.read_frames(start, min(start + n_at_once, within[1]))
        for t, frame in enumerate(frames, start - within[0]):
            counts = np.nan_to_num(frame.astype(np.float64), posinf=0.0, neginf=0.0)
            likeness[t] = np.sum(counts * contrast)
    # what does not change tells nothing: zero is halfway between the levels at both ends
    n_end = max(1, len(likeness) // 4)
    likeness -= (likeness[:n_end].mean() + likeness[-n_end:].mean()) / 2
    return within[0] + int(np.argmax(np.concatenate([[0.0], np.cumsum(likeness)])))
