"""The noise of curves, from their third differences."""

from __future__ import annotations

import numpy as np

# Median absolute deviation of a Gaussian, divided by its standard deviation
MAD_OF_GAUSSIAN = 0.6744897501960817
# Second differences of simulated diodes are a fifth larger than those of their noise, third ones
# are not. The variance of a third difference of white noise is 1 + 9 + 9 + 1 times that of a value
ORDER, VARIANCE_OF_DIFFERENCE = 3, 20.0
# The noise of a tunnel current grows with it. Where the quietest quarter of a curve has less than
# half of the noise of the whole, that is the noise floor; equal noise is never so uneven in blocks
# of 16 points.
N_BLOCKS, LEAST_BLOCK, QUARTER, MOST_SHARE = 8, 16, 25, 0.5
# Root mean square of the quietest quarter, divided by the standard deviation, for equal noise [M]
QUIET_BIAS = 0.9


def noise_of_curves(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise floor of each curve.

    Third differences of a smooth curve are small, and those of white noise are √20 times as large
    as the noise. Their median absolute deviation ignores steep parts and jumps, if these are less
    than half of the curve. A curve of few discrete levels, whose deviation is 0, gets the root mean
    square of its third differences.

    Parameters
    ----------
    values : ndarray, shape (n_curves, n_points)
        In any unit; at least four points.

    Returns
    -------
    ndarray, shape (n_curves,)
        In the same unit; 0 for a constant curve, NaN where values are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.analyses.curves.conditioning.noise import noise_of_curves
    >>> curves = np.linspace(0, 9, 400) + np.random.default_rng(0).normal(0, 0.2, (1, 400))
    >>> noise_of_curves(curves).round(1)
    array([0.2])
    """
    third = np.diff(values, ORDER, axis=1)
    centred = np.abs(third - np.median(third, axis=1, keepdims=True))
    robust = np.median(centred, axis=1) / MAD_OF_GAUSSIAN
    plain = np.sqrt(np.mean(np.square(third), axis=1))
    whole = np.where(robust > 0, robust, plain)
    quiet = _quietest_quarter(third)
    floor = np.where((quiet > 0) & (quiet < MOST_SHARE * whole), quiet, whole)
    sd: np.ndarray = floor / np.sqrt(VARIANCE_OF_DIFFERENCE)
    return sd


def _quietest_quarter(third: np.ndarray) -> np.ndarray:
    """Return the lower quartile of the root mean squares of blocks; 0 for short curves."""
    width = max(LEAST_BLOCK, third.shape[1] // N_BLOCKS)
    n_blocks = third.shape[1] // width
    if n_blocks < 4:
        return np.zeros(len(third))
    blocks = third[:, : n_blocks * width].reshape(len(third), n_blocks, width)
    size = np.sqrt(np.mean(np.square(blocks), axis=2))
    quiet: np.ndarray = np.percentile(size, QUARTER, axis=1) / QUIET_BIAS
    return quiet
