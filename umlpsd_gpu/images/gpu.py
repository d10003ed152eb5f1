"""Amplitude spectra of windows on the GPU; the version for the CPU is in ``windowed_fft.py``.

A kernel gathers, centres and tapers the windows in one pass, cuFFT transforms them, and a kernel
writes the amplitudes to their place in the result.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import kernel

THREADS = 256
# cuFFT indexes the values of one call in 32 bits
MOST_FFT_VALUES = 1 << 28


def window_amplitudes(
    image: Array, window: int, step: int, grid: tuple[int, int], taper: np.ndarray
) -> Array:
    """Return the amplitude spectra of overlapping windows.

    Parameters
    ----------
    image : cupy.ndarray of float32, shape (n_rows, n_columns)
    window, step : int
        In pixels.
    grid : tuple of int
        Rows and columns of windows.
    taper : ndarray of float32, shape (window,)
        NumPy; of both directions.

    Returns
    -------
    cupy.ndarray of float32, shape (n_windows, window * (window // 2 + 1))
        Half planes of frequencies, flattened.

    Notes
    -----
    Works on blocks of windows that fit the free memory.
    """
    cupy = xp_of(image)
    image, on_device = cupy.ascontiguousarray(image), cupy.asarray(taper)
    n_windows, n_frequencies = grid[0] * grid[1], window * (window // 2 + 1)
    amplitudes: Array = cupy.empty((n_windows, n_frequencies), dtype="float32")
    cut, fold = kernel("cut_windows"), kernel("spectrum_amplitudes")

    def fill(first: int, stop: int) -> None:
        n = stop - first
        tiles = cupy.empty((n, window, window), dtype="float32")
        cut(
            n,
            THREADS,
            *(image, on_device, image.shape[1], grid[1], step, window, first, n, tiles),
            shared_bytes=8 * window,
        )
        spectra, part = cupy.fft.rfft2(tiles, axes=(1, 2)), amplitudes[first:stop]
        fold(-(-part.size // THREADS), THREADS, spectra, part.size, part)

    def work(start: int, stop: int) -> None:
        most = max(1, MOST_FFT_VALUES // (window * window))
        for first in range(start, stop, most):
            fill(first, min(first + most, stop))

    # windows and their spectra, and twice that for cuFFT's work area
    in_blocks(n_windows, 4 * window * window * 4, work)
    return amplitudes
