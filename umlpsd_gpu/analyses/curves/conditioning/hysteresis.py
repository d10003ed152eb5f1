"""Hysteresis: the shift in bias between both sweeps of a curve."""

from __future__ import annotations

import numpy as np

# Shifts up to this share of the bias range are found.
MOST_SHIFT = 1 / 8
# Curves are compared in blocks, to keep the memory small.
BLOCK = 1024


def shift_between_sweeps(
    bias: np.ndarray, forward: np.ndarray, backward: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Return the shift of the backward against the forward sweep by cross-correlation.

    The lag of the largest cross-correlation, with the energies of the overlapping parts subtracted
    (the smallest mean squared difference), is refined by linear least squares. Currents are
    compared as asinh(I/3σ), so that the largest do not decide alone.

    Parameters
    ----------
    bias : ndarray, shape (n_points,)
        In volts, evenly spaced.
    forward, backward : ndarray, shape (n_curves, n_points)
        Currents in amperes over the same bias.
    noise : ndarray, shape (n_curves,)
        In amperes.

    Returns
    -------
    ndarray, shape (n_curves,)
        In volts, positive where the backward sweep is shifted to larger bias: I_backward(V) =
        I_forward(V − shift). NaN where no shift up to 1/8 of the range fits best, or a value is
        missing.
    """
    shift = np.full(len(forward), np.nan)
    for start in range(0, len(forward), BLOCK):
        rows = slice(start, start + BLOCK)
        scale = 3 * np.maximum(noise[rows], np.finfo(np.float64).tiny)[:, None]
        pair = (np.arcsinh(values[rows] / scale) for values in (forward, backward))
        shift[rows] = _best_lags(*pair)
    found: np.ndarray = shift * (bias[-1] - bias[0]) / (bias.size - 1)
    return found


def _best_lags(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    n = forward.shape[1]
    most = max(1, int(MOST_SHIFT * n))
    lags = np.arange(-most, most + 1)
    difference = np.stack([_mean_square(forward, backward, lag) for lag in lags.tolist()], axis=1)
    known = np.isfinite(difference).all(axis=1)
    best = lags[np.argmin(np.where(known[:, None], difference, 0), axis=1)]
    refined = np.full(len(forward), np.nan)
    for lag in np.unique(best[known]).tolist():
        rows = known & (best == lag)
        refined[rows] = lag + _remaining_lag(forward[rows], backward[rows], lag)
    # the smallest difference is at an end of the range: it may be smaller beyond
    return np.where(np.abs(best) < most, refined, np.nan)


def _overlap(forward: np.ndarray, backward: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    n = forward.shape[1]
    early = forward[:, max(-lag, 0) : n + min(-lag, 0)]
    return early, backward[:, max(lag, 0) : n + min(lag, 0)]


def _mean_square(forward: np.ndarray, backward: np.ndarray, lag: int) -> np.ndarray:
    early, late = _overlap(forward, backward, lag)
    mean: np.ndarray = np.mean(np.square(late - early), axis=1)
    return mean


def _remaining_lag(forward: np.ndarray, backward: np.ndarray, lag: int) -> np.ndarray:
    """Return the fraction of a point that remains, from a line through each point."""
    early, late = _overlap(forward, backward, lag)
    slope = np.gradient((early + late) / 2, axis=1)
    steepness = np.sum(np.square(slope), axis=1)
    remaining = -np.sum((late - early) * slope, axis=1) / np.where(steepness > 0, steepness, 1)
    found: np.ndarray = np.clip(remaining, -1, 1)
    return found
