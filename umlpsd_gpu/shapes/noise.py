"""The noise of an image of particles: variance inside and outside, linear in the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from umlpsd_gpu.errors import SettingsError

# A median absolute deviation of a normal distribution in standard deviations
MAD_TO_SD = 1.4826
# Distance from outlines at which second differences see noise alone
CLEAR_PX = 3
LEAST_SAMPLES = 50
# Smoothing of the signal that the variance follows, so that it doesn't follow its own noise
SIGNAL_PX = 1.5
# The variance is at least this share of that of the background
LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Noise:
    """Variance of a pixel: ``constant + per_count · signal``.

    Attributes
    ----------
    constant : float
        In counts².
    per_count : float
        In counts; 0 where it can't be told from the image.
    least : float
        The variance is at least this, in counts².
    """

    constant: float
    per_count: float
    least: float

    def variance(self, image: np.ndarray) -> np.ndarray:
        """Return the variance of each pixel.

        Parameters
        ----------
        image : ndarray of float, shape (n_rows, n_columns)
            NaN: not measured.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_columns)
            Above 0 everywhere.
        """
        is_finite = np.isfinite(image)
        filled = np.where(is_finite, image, np.median(image[is_finite]) if is_finite.any() else 0)
        if self.per_count == 0:
            return np.full(filled.shape, max(self.constant, self.least))
        signal = ndimage.gaussian_filter(np.asarray(filled, dtype=np.float64), SIGNAL_PX)
        return np.asarray(np.maximum(self.constant + self.per_count * signal, self.least))


def known_noise(sd: float) -> Noise:
    """Return noise of one standard deviation everywhere.

    Parameters
    ----------
    sd : float
        In counts, above 0.

    Returns
    -------
    Noise

    Raises
    ------
    SettingsError
        If the value is not above 0.
    """
    if not (np.isfinite(sd) and sd > 0):
        raise SettingsError(
            f"the standard deviation of the noise is {sd}; give a number above 0, or None to "
            "estimate it"
        )
    return Noise(sd**2, 0.0, sd**2)


def estimate_noise(image: np.ndarray, labels: np.ndarray) -> Noise:
    """Estimate the noise from second differences inside and outside the particles.

    Parameters
    ----------
    image : ndarray of float, shape (n_rows, n_columns)
        NaN: not measured.
    labels : ndarray of int, shape (n_rows, n_columns)
        0: background.

    Returns
    -------
    Noise
        Smooth changes of brightness don't count; noise that is correlated between neighbouring
        pixels is underestimated, which χ² per pixel shows.

    Raises
    ------
    SettingsError
        If the image has fewer than 50 triples of finite pixels.
    """
    values = np.asarray(image, dtype=np.float64)
    second = (values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]) / np.sqrt(6)
    mask = np.asarray(labels) > 0
    inside = ndimage.binary_erosion(mask, iterations=CLEAR_PX)[:, 1:-1] & np.isfinite(second)
    outside = ~ndimage.binary_dilation(mask, iterations=CLEAR_PX)[:, 1:-1] & np.isfinite(second)
    groups = [group for group in (outside, inside) if np.count_nonzero(group) >= LEAST_SAMPLES]
    if not groups:
        groups = [np.isfinite(second)]
    if np.count_nonzero(groups[0]) < LEAST_SAMPLES:
        raise SettingsError(
            f"the image has {np.count_nonzero(groups[0])} triples of neighbours without NaN; its "
            "noise can't be estimated from fewer than 50: give the noise"
        )
    middle = values[:, 1:-1]
    variances = [_variance(second[group]) for group in groups]
    levels = [float(np.median(middle[group])) for group in groups]
    # an image without noise has a smallest variance, so that weights are finite
    least = max(LEAST_SHARE * max(variances), 1e-12 * max(1.0, float(np.nanvar(values))))
    if len(groups) < 2 or levels[0] == levels[1]:
        return Noise(variances[0], 0.0, least)
    per_count = (variances[1] - variances[0]) / (levels[1] - levels[0])
    return Noise(variances[0] - per_count * levels[0], per_count, least)


def _variance(differences: np.ndarray) -> float:
    return float((MAD_TO_SD * np.median(np.abs(differences))) ** 2)
