"""Frames → values of single pixels, in memory, or in a file where they don't fit."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.storage.blocks import give_back, spool

# Frames that wait to be turned into traces: in memory few enough to be cheap; for a file, whose
# pages had better be written once, up to half of the memory setting [I]
WAITING_MB, MOST_WAITING_MB = 32.0, 512.0
# Pixels turned at once: their frames stay in a core's cache, and a page written is given back soon
PIXELS_AT_ONCE = 64


def fits_in_memory(n_pixels: int, n_frames: int, memory_mb: float) -> bool:
    """Return whether as many traces take no more than the memory setting."""
    return n_pixels * n_frames * np.dtype(np.float32).itemsize <= memory_mb * 1e6


def pixel_values(movie: Movie, rows: np.ndarray, cols: np.ndarray, memory_mb: float) -> np.ndarray:
    """Return the traces of single pixels.

    Parameters
    ----------
    movie : Movie
    rows, cols : ndarray of int, shape (n_traces,)
    memory_mb : float
        Traces that take more are a memmap of a temporary file without a name.

    Returns
    -------
    ndarray or memmap, shape (n_traces, n_frames), float32, counts
        NaN and infinities are kept.

    Raises
    ------
    OutputError
        If the temporary folder has no room.
    """
    shape, waiting_mb = (rows.size, movie.n_frames), WAITING_MB
    if fits_in_memory(*shape, memory_mb):
        values = np.empty(shape, np.float32)
    else:
        values = spool(*shape, np.float32)
        waiting_mb = min(memory_mb / 2, MOST_WAITING_MB)
    pixels = rows * movie.n_cols + cols
    n_fitting = min(int(waiting_mb * 1e6 // (rows.size * movie.dtype.itemsize)), movie.n_frames)
    waiting, n_held = np.empty((0, rows.size), movie.dtype), 0
    for first, frames in movie.chunks():
        if not len(waiting):  # the first chunk is the longest
            waiting = np.empty((max(n_fitting, len(frames)), rows.size), movie.dtype)
        if n_held + len(frames) > len(waiting):
            _turn(waiting[:n_held], values, first - n_held)
            n_held = 0
        room = waiting[n_held : n_held + len(frames)]
        np.take(frames.reshape(len(frames), -1), pixels, axis=1, out=room, mode="clip")
        n_held += len(frames)
    _turn(waiting[:n_held], values, movie.n_frames - n_held)
    return values


def _turn(waiting: np.ndarray, values: np.ndarray, first: int) -> None:
    """Write frames (n, n_traces) as columns of the traces, from frame ``first`` on."""
    frames = slice(first, first + len(waiting))
    for start in range(0, len(values), PIXELS_AT_ONCE):
        traces = slice(start, start + PIXELS_AT_ONCE)
        # compact first: columns a power of two apart would share a few lines of the cache
        values[traces, frames] = np.ascontiguousarray(waiting[:, traces]).T
        give_back(values[traces])
