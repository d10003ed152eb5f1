"""Local amplitude spectra of an image: Fourier transforms of overlapping windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError


@dataclass(frozen=True)
class WindowedSpectra:
    """Amplitude spectra of all windows of an image.

    Attributes
    ----------
    amplitudes : ndarray of float32, shape (n_windows, n_frequencies)
        Rows of windows one after the other; of each the half plane of `numpy.fft.rfft2`, flattened.
    grid : tuple of int
        Rows and columns of windows.
    window, step : int
        Size and distance of windows, in pixels.
    """

    amplitudes: Array
    grid: tuple[int, int]
    window: int
    step: int

    @property
    def spectrum_shape(self) -> tuple[int, int]:
        """Shape of the half plane of frequencies; tuple of int."""
        return self.window, self.window // 2 + 1

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the centres of windows, in pixels."""
        first = (self.window - 1) / 2
        rows, columns = (first + self.step * np.arange(n) for n in self.grid)
        return rows, columns


def windowed_spectra(image: Array, window: int = 128, step: int = 64) -> WindowedSpectra:
    """Return the amplitude spectra of overlapping windows.

    Of each window the mean is removed, then it is multiplied by a Hann window: Jany, Janas and
    Krok, Micron 130, 102800 (2020), whose windows of 128 pixels at steps of 64 are the default.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Finite.
    window, step : int
        In pixels.

    Returns
    -------
    WindowedSpectra

    Raises
    ------
    TracesError
        If the image is smaller than two windows that overlap.
    """
    n_rows, n_columns = image.shape
    if min(n_rows, n_columns) < window + step:
        raise TracesError(
            f"an image of {n_rows} × {n_columns} pixels is too small for windows of {window} at "
            f"steps of {step}: at least {window + step} pixels are needed on each side; choose "
            "smaller windows"
        )
    grid = (n_rows - window) // step + 1, (n_columns - window) // step + 1
    taper = _hann(window)
    image = image.astype(np.float32, copy=False)
    if isinstance(image, np.ndarray):
        amplitudes = np.empty((grid[0] * grid[1], window * (window // 2 + 1)), np.float32)
        for row in range(grid[0]):
            tiles = cut_windows(image[row * step : row * step + window], step, taper)
            # SciPy transforms single precision in single precision
            spectra = np.abs(fft.rfft2(tiles, axes=(1, 2)))
            amplitudes[row * grid[1] : (row + 1) * grid[1]] = spectra.reshape(grid[1], -1)
    else:
        from umlpsd_gpu.images.gpu import window_amplitudes

        amplitudes = window_amplitudes(image, window, step, grid, taper)
    return WindowedSpectra(amplitudes, grid, window, step)


def cut_windows(strip: np.ndarray, step: int, taper: np.ndarray) -> np.ndarray:
    """Return the windows of a row of windows, without their means and tapered.

    Parameters
    ----------
    strip : ndarray of float32, shape (window, n_columns)
    step : int
    taper : ndarray of float32, shape (window,)

    Returns
    -------
    ndarray of float32, shape (n_windows, window, window)
    """
    views = np.lib.stride_tricks.sliding_window_view(strip, taper.size, axis=1)[:, ::step]
    tiles = np.moveaxis(views, 1, 0)
    means = tiles.mean(axis=(1, 2), dtype=np.float64)[:, None, None]
    centred = np.empty(tiles.shape, np.float32)
    # differences in double precision, without a copy of them
    np.subtract(tiles, means, out=centred, casting="same_kind")
    centred *= np.outer(taper, taper)
    return centred


def full_spectrum(half: Array, window: int) -> Array:
    """Return half planes of frequencies as full, centred planes.

    Parameters
    ----------
    half : ndarray, shape (..., window * (window // 2 + 1))
    window : int
        Rows of the half planes.

    Returns
    -------
    ndarray, shape (..., window, window)
        Zero frequency at [window // 2, window // 2].
    """
    plane = half.reshape(*half.shape[:-1], window, window // 2 + 1)
    # the amplitude at a frequency is that at the opposite one
    opposite_columns = window - np.arange(window // 2 + 1, window)
    opposite_rows = -np.arange(window) % window
    other = plane[..., opposite_rows, :][..., opposite_columns]
    whole: Array = np.fft.fftshift(np.concatenate([plane, other], axis=-1), axes=(-2, -1))
    return whole


def _hann(window: int) -> np.ndarray:
    """Return a periodic Hann window."""
    taper: np.ndarray = np.hanning(window + 1)[:-1].astype(np.float32)
    return taper
