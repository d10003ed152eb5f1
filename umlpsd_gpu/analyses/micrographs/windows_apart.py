"""How well the spectra of some windows predict those of others, which share no pixel with them.

A second opinion on whether something is local. It needs no surrogates, which sharp lattices make
vary too much; but it overlooks what is weak, and windows across a border count as spectra of their
own.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.cross_validation import cross_validation_loss
from umlpsd_gpu.images.spectral_shapes import spectral_shapes
from umlpsd_gpu.images.windowed_fft import WindowedSpectra

# Fewer windows can't be split into halves that say something
FEWEST_APART = 12
# The taper makes neighbouring frequencies alike: squares of this many are left out together
TILE = 8
# Gradients of brightness, which reach over many windows of a random field as well, are in
# frequencies of up to so many periods a window
LONGEST_PERIODS = 3
# Share of the variance that must be predicted: mixtures of two phases without local structure reach
# 4e-4, a fifth of an image without its lattice 5e-3 and more
LEAST_GAIN = 2e-3


def count_predictive(spectra: WindowedSpectra, coherent: np.ndarray, k_max: int) -> int:
    """Return how many components of some windows predict the spectra of others best.

    Parameters
    ----------
    spectra : WindowedSpectra
    coherent : ndarray of bool, shape (n_frequencies,)
        Frequencies to leave out; from `umlpsd_gpu.images.spectral_shapes.coherent_frequencies`.
    k_max : int

    Returns
    -------
    int
        Beyond the mean spectrum; 0 where none predicts anything, or windows are too few.
    """
    stride = -(-spectra.window // spectra.step)
    numbers = np.arange(spectra.grid[0] * spectra.grid[1]).reshape(spectra.grid)
    apart = numbers[::stride, ::stride].ravel()
    if apart.size < FEWEST_APART:
        return 0
    left_out = coherent | _is_low(spectra.window)
    shapes = on_host(spectral_shapes(spectra.amplitudes[apart], left_out).values)
    mean = shapes.mean(axis=0, dtype=np.float64)
    # a compromise between the noise of amplitudes, which grows with them, and weak lines
    scaled = (shapes - mean) / np.sqrt(np.maximum(mean, np.finfo(np.float32).tiny))
    loss = cross_validation_loss(scaled, k_max, groups=_tiles(spectra.window)[~left_out])
    return int(np.argmin(loss)) + 1 if loss.min() < 1 - LEAST_GAIN else 0


def _is_low(window: int) -> np.ndarray:
    rows = np.fft.fftfreq(window)[:, None] * window
    periods = np.hypot(rows, np.arange(window // 2 + 1))
    low: np.ndarray = (periods <= LONGEST_PERIODS).ravel()
    return low


def _tiles(window: int) -> np.ndarray:
    """Return the number of the tile of each frequency of a half plane."""
    n_columns = window // 2 + 1
    rows, columns = np.divmod(np.arange(window * n_columns), n_columns)
    tiles: np.ndarray = rows // TILE * n_columns + columns // TILE
    return tiles
