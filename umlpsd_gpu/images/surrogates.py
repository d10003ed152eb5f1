"""Images with the same spectrum and random phases: what is stationary stays, what is local goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host


class Surrogates:
    """Makes images with the amplitudes of an image and random phases.

    Opposite borders of an image differ, which a Fourier transform sees as a step; the smooth part
    that holds this step is removed first (Moisan, J. Math. Imaging Vis. 39, 161, 2011).

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
    """

    def __init__(self, image: Array) -> None:
        """Calculate the amplitudes."""
        values = on_host(image).astype(np.float64)
        self.shape = values.shape
        amplitudes = np.abs(fft.rfft2(periodic_part(values - values.mean())))
        # in this unit, squares are far from the ends of single precision
        self.unit = float(amplitudes.max()) or 1.0
        self.amplitudes = (amplitudes / self.unit).astype(np.float32)

    def draw(self, seed: int | Sequence[int]) -> np.ndarray:
        """Return one image; its mean is 0.

        Parameters
        ----------
        seed : int or sequence of int

        Returns
        -------
        ndarray of float32, shape (n_rows, n_columns)
        """
        rng = np.random.default_rng(seed)
        # the phases of real white noise have the symmetry of a real image
        noise = fft.rfft2(rng.standard_normal(self.shape).astype(np.float32))
        gain = self.amplitudes / np.maximum(np.abs(noise), np.finfo(np.float32).tiny)
        # SciPy transforms single precision in single precision
        drawn: np.ndarray = fft.irfft2(noise * gain, self.shape) * np.float32(self.unit)
        return drawn


def periodic_part(image: np.ndarray) -> np.ndarray:
    """Return an image without the smooth part that makes its opposite borders differ.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)

    Returns
    -------
    ndarray, shape (n_rows, n_columns)
    """
    n_rows, n_columns = image.shape
    step = np.zeros_like(image)
    step[0], step[-1] = image[-1] - image[0], image[0] - image[-1]
    step[:, 0] += image[:, -1] - image[:, 0]
    step[:, -1] += image[:, 0] - image[:, -1]
    by_row = 2 * np.cos(2 * np.pi * np.fft.fftfreq(n_rows))[:, None]
    by_column = 2 * np.cos(2 * np.pi * np.fft.rfftfreq(n_columns))
    laplacian = by_row + by_column - 4
    laplacian[0, 0] = 1
    smooth = fft.rfft2(step) / laplacian
    smooth[0, 0] = 0
    periodic: np.ndarray = image - fft.irfft2(smooth, image.shape)
    return periodic
