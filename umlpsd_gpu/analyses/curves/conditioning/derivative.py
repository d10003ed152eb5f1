"""The derivative dI/dV: Savitzky–Golay, or a lock-in channel in units of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.signal import savgol_coeffs, savgol_filter

ORDER = 3
SMALLEST_WINDOW = 5
# Windows longer than this share of a curve blur every feature.
LARGEST_SHARE = 1 / 8
# The noise of the derivative is at most this share of its large values in the median curve.
NOISE_SHARE = 0.05
# A lock-in channel must follow the derivative this closely to be used in its place.
LEAST_CORRELATION = 0.9
# The window is chosen from about this many curves.
MOST_CURVES = 500


@dataclass(frozen=True)
class Derivative:
    """dI/dV of all curves.

    Attributes
    ----------
    conductance : dict of str to ndarray, shape (n_curves, n_points)
        In siemens, by sweep; NaN where saturated points would enter.
    resolution_v : float
        Width of the window in volts; 0 for a lock-in channel.
    channel : str
        Lock-in channel; empty for Savitzky–Golay.
    """

    conductance: dict[str, np.ndarray]
    resolution_v: float
    channel: str = ""


def differentiate(
    bias: np.ndarray,
    current: Mapping[str, np.ndarray],
    is_saturated: Mapping[str, np.ndarray],
    noise: np.ndarray,
    n_points: int | None = None,
) -> Derivative:
    """Differentiate curves by Savitzky and Golay's filter of order 3 (Anal. Chem. 36, 1627, 1964).

    Parameters
    ----------
    bias : ndarray, shape (n_points,)
        In volts, evenly spaced.
    current, is_saturated : mapping of str to ndarray, shape (n_curves, n_points)
        By sweep, in amperes.
    noise : ndarray, shape (n_curves,)
        In amperes.
    n_points : int, optional
        Length of the window, odd. Default: the shortest with which the noise of the derivative
        is below 5 % of the large values of the median curve.

    Returns
    -------
    Derivative
    """
    step = (bias[-1] - bias[0]) / (bias.size - 1)
    window = n_points or choose_window(step, next(iter(current.values())), noise)
    window = min(window, bias.size - 1 + bias.size % 2)
    found = {}
    for name, values in current.items():
        known = np.isfinite(values).all(axis=1)
        slopes = np.full(values.shape, np.nan)
        slopes[known] = savgol_filter(
            values[known], window, min(ORDER, window - 1), deriv=1, delta=step, axis=1
        )
        touched = binary_dilation(is_saturated[name], np.ones((1, window), dtype=bool))
        slopes[touched] = np.nan
        found[name] = slopes
    return Derivative(found, (window - 1) * step)


def choose_window(step: float, current: np.ndarray, noise: np.ndarray) -> int:
    """Return the length of the Savitzky–Golay window that the noise asks for.

    Parameters
    ----------
    step : float
        Between points, in volts.
    current : ndarray, shape (n_curves, n_points)
        In amperes.
    noise : ndarray, shape (n_curves,)
        In amperes.

    Returns
    -------
    int
        Odd, at least 5 and at most 1/8 of the points (but 5).
    """
    known = np.flatnonzero(np.isfinite(current).all(axis=1) & (noise > 0))
    longest = max(SMALLEST_WINDOW, int(LARGEST_SHARE * current.shape[1]) // 2 * 2 + 1)
    if not known.size:
        return SMALLEST_WINDOW
    some = known[:: max(1, known.size // MOST_CURVES)]
    smooth = savgol_filter(current[some], longest, ORDER, deriv=1, delta=step, axis=1)
    large_in_noise = np.median(np.percentile(np.abs(smooth), 95, axis=1) / noise[some])
    for window in range(SMALLEST_WINDOW, longest, 2):
        gain = np.sqrt(np.sum(np.square(savgol_coeffs(window, ORDER, deriv=1, delta=step))))
        if gain <= NOISE_SHARE * large_in_noise:
            return window
    return longest


def scale_lock_in(
    derivative: Derivative,
    channels: Mapping[str, Mapping[str, np.ndarray]],
    is_saturated: Mapping[str, Mapping[str, np.ndarray]],
) -> Derivative:
    """Use the lock-in channel that follows dI/dV best, scaled to it.

    Parameters
    ----------
    derivative : Derivative
        Numerical, of all sweeps.
    channels, is_saturated : mapping of str to mapping of str to ndarray
        By channel, then by sweep; arrays of shape (n_curves, n_points).

    Returns
    -------
    Derivative
        The numerical one if no channel has a correlation of at least 0.9 with it. Where the
        channel is clipped the numerical derivative stays.
    """
    fits = {name: _fit(derivative, channels[name], is_saturated[name]) for name in channels}
    best = max(fits, key=lambda name: fits[name][2], default="")
    if not best or fits[best][2] < LEAST_CORRELATION:
        return derivative
    slope, intercept, _ = fits[best]
    found = {}
    for sweep, numerical in derivative.conductance.items():
        usable = np.isfinite(channels[best][sweep]) & ~is_saturated[best][sweep]
        scaled = slope * channels[best][sweep] + intercept
        found[sweep] = np.where(usable & np.isfinite(numerical), scaled, numerical)
    return Derivative(found, 0.0, best)


def _fit(
    derivative: Derivative, channel: Mapping[str, np.ndarray], saturated: Mapping[str, np.ndarray]
) -> tuple[float, float, float]:
    """Return slope, intercept and correlation of the derivative against a channel."""
    if set(channel) < set(derivative.conductance):
        return 0.0, 0.0, 0.0
    numerical = np.concatenate([values.ravel() for values in derivative.conductance.values()])
    signal = np.concatenate([channel[sweep].ravel() for sweep in derivative.conductance])
    clipped = np.concatenate([saturated[sweep].ravel() for sweep in derivative.conductance])
    use = np.isfinite(numerical) & np.isfinite(signal) & ~clipped
    if np.count_nonzero(use) < 3 or np.ptp(signal[use]) == 0:
        return 0.0, 0.0, 0.0
    slope, intercept = np.polyfit(signal[use], numerical[use], 1)
    return (
        float(slope),
        float(intercept),
        abs(float(np.corrcoef(signal[use], numerical[use])[0, 1])),
    )
