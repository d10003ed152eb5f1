"""Frames → values of single pixels, in memory, or in a file if they don't fit."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.storage.blocks import give_back, spool

# Frames buffered before they are transposed: few for traces in memory; up to half of the memory
# setting for a file, whose pages should be written only once [I]
WAITING_MB, MOST_WAITING_MB = 32.0, 512.0
# Pixels transposed at once: their frames stay in a core's cache, and written pages are freed soon
PIXELS_AT_ONCE = 64


def fits_in_memory(n_pixels: int, n_frames: int, memory_mb: float) -> bool:
    """Return whether traces of that size take no more than the memory setting.

    Parameters
    ----------
    n_pixels, n_frames : int
    memory_mb : float
        In MB (1e6 bytes).
    """
    return n_pixels * n_frames * np.dtype(np.float32).itemsize <= memory_mb * 1e6


def pixel_values(movie: Movie, rows: Array, cols: Array, memory_mb: float) -> Array:
    """Return the traces of single pixels.

    Parameters
    ----------
    movie : Movie
    rows, cols : ndarray of int, shape (n_traces,)
    memory_mb : float
        In MB (1e6 bytes). Larger traces are a memmap of a temporary file without a name.

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
            _transpose_into(waiting[:n_held], values, first - n_held)
            n_held = 0
        room = waiting[n_held : n_held + len(frames)]
        np.take(frames.reshape(len(frames), -1), pixels, axis=1, out=room, mode="clip")
        n_held += len(frames)
    _transpose_into(waiting[:n_held], values, movie.n_frames - n_held)
    return values


def _transpose_into(waiting: Array, values: Array, first: int) -> None:
    """Write frames, shape (n, n_traces), as columns of the traces from frame ``first`` on."""
    frames = slice(first, first + len(waiting))
    for start in range(0, len(values), PIXELS_AT_ONCE):
        traces = slice(start, start + PIXELS_AT_ONCE)
        # copied first: columns a power of two apart would share few cache lines
        values[traces, frames] = np.ascontiguousarray(waiting[:, traces]).T
        give_back(values[traces])
