"""Trends of brightness and contrast across an image, as of uneven illumination or thickness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.factorisation.surrogate_rank import SIGNIFICANCE, p_values
from umlpsd_gpu.images.windowed_fft import WindowedSpectra

# A trend of brightness is told if it explains this share of the variance of the windows' means,
# and reaches this share of the scatter of pixels within a window
BRIGHTNESS_SHARE, LEAST_BRIGHTNESS = 0.8, 0.3
# Changes of contrast below this standard deviation are not told
LEAST_CONTRAST = 0.03
FEWEST_WINDOWS = 16


@dataclass(frozen=True)
class Trend:
    """A smooth change across the windows of an image.

    Attributes
    ----------
    change : float
        Largest minus smallest value of the trend.
    share : float
        Share of the variance that it explains, 0…1.
    """

    change: float
    share: float


def fit_trend(values: np.ndarray, grid: tuple[int, int]) -> Trend:
    """Fit a polynomial of second degree to values of windows.

    Parameters
    ----------
    values : ndarray, shape (n_windows,)
    grid : tuple of int
        Rows and columns of windows.

    Returns
    -------
    Trend
    """
    row, column = (axis.ravel() for axis in np.meshgrid(*map(_centred, grid), indexing="ij"))
    terms = np.stack([np.ones(row.size), row, column, row**2, row * column, column**2], axis=1)
    fitted = terms @ np.linalg.lstsq(terms, values, rcond=None)[0]
    total = float(values.var())
    return Trend(float(np.ptp(fitted)), float(fitted.var()) / total if total > 0 else 0.0)


def describe_brightness(image: np.ndarray, spectra: WindowedSpectra) -> str | None:
    """Say how the brightness changes smoothly across an image.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
    spectra : WindowedSpectra
        Their windows are used.

    Returns
    -------
    str or None
        None if there is no such trend, or windows are too few to tell.
    """
    if spectra.grid[0] * spectra.grid[1] < FEWEST_WINDOWS:
        return None
    means, within = _window_means(image, spectra)
    trend = fit_trend(means, spectra.grid)
    if trend.share < BRIGHTNESS_SHARE or trend.change < LEAST_BRIGHTNESS * within:
        return None
    return (
        f"The brightness changes smoothly across the image, by {trend.change / within:.2g} times "
        "the scatter within a window, as it does with uneven illumination; windows are compared "
        "without their mean."
    )


def describe_contrast(
    contrast: np.ndarray, of_surrogates: Sequence[np.ndarray], grid: tuple[int, int]
) -> str | None:
    """Say how the contrast changes across an image, if it does more than in surrogates.

    Parameters
    ----------
    contrast : ndarray, shape (n_windows,)
        Mean amplitudes of windows, by that of all.
    of_surrogates : sequence of ndarray, shape (n_windows,)
        At least 3.
    grid : tuple of int
        Rows and columns of windows.

    Returns
    -------
    str or None
        None if the contrast doesn't change, or windows are too few to tell.
    """
    if contrast.size < FEWEST_WINDOWS or contrast.std() < LEAST_CONTRAST:
        return None
    variances = np.array([[each.var()] for each in of_surrogates])
    (p,) = p_values(np.array([contrast.var()]), variances)
    if p > SIGNIFICANCE:
        return None
    trend = fit_trend(contrast, grid)
    smooth = (
        f"a smooth trend of {100 * trend.change:.0f} % across the image explains "
        f"{100 * trend.share:.0f} % of this, as uneven illumination, focus or thickness would"
        if trend.share >= 0.5
        else "it does so from place to place, not as a smooth trend"
    )
    return (
        f"The contrast of windows varies by ± {100 * contrast.std():.0f} % (p = {p:.2g}); {smooth}"
        ". Spectra are compared by their shape, so that contrast alone counts as nothing local."
    )


def _centred(n: int) -> np.ndarray:
    return np.linspace(-1, 1, n)


def _window_means(image: np.ndarray, spectra: WindowedSpectra) -> tuple[np.ndarray, float]:
    """Return the means of windows, and the median of the standard deviations within them."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (spectra.window, spectra.window))
    windows = windows[:: spectra.step, :: spectra.step]
    means, scatter = [], []
    for row in windows:
        means.append(row.mean(axis=(1, 2), dtype=np.float64))
        scatter.append(row.std(axis=(1, 2), dtype=np.float64))
    return np.concatenate(means), float(np.median(np.concatenate(scatter)))
