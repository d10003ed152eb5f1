"""What density an estimate has on average: the true one seen through the estimator's window.

E P(f) = ∫ S(g) |H_f(g)|² dg, where H_f is the transform of what the frames are multiplied by for
the frequency f. The integral is a sum over cells narrow enough for S to be even in each, so that
one small matrix turns any density into expected estimates. Frequencies are in cycles per frame.
"""

from __future__ import annotations

import numpy as np

_CELLS_PER_DECADE = 40
# of the longest period that matters: the mean that is removed takes slower ones along
_LONGEST_PERIOD = 8
_POINTS_PER_LOBE = 8


def cell_edges(n_frames: int) -> np.ndarray:
    """Return the ends of the cells, evenly spaced in ln f up to half the frame rate."""
    n_cells = int(np.ceil(_CELLS_PER_DECADE * np.log10(_LONGEST_PERIOD * n_frames / 2)))
    return 0.5 * 10 ** (-np.arange(n_cells + 1)[::-1] / _CELLS_PER_DECADE)


def cell_centres(edges: np.ndarray) -> np.ndarray:
    """Return the geometric means of neighbouring ends."""
    return np.sqrt(edges[1:] * edges[:-1])


def seen_through(window: np.ndarray, freqs: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of each cell in the estimates of one window.

    Parameters
    ----------
    window : ndarray, shape (n_frames_of_window,)
    freqs : ndarray, shape (n_freqs,)
    edges : ndarray, shape (n_cells + 1,)

    Returns
    -------
    ndarray, shape (n_freqs, n_cells)
        Rows add up to 1 but for what lies below the first cell.
    """
    shifts, power_below = _power_below(window, _POINTS_PER_LOBE)

    def below(offsets: np.ndarray) -> np.ndarray:
        return np.interp(offsets, shifts, power_below)

    upper = np.diff(below(edges - freqs[:, None]), axis=1)
    return upper - np.diff(below(-edges - freqs[:, None]), axis=1)


def seen_without_mean(window: np.ndarray, freq: float, edges: np.ndarray) -> np.ndarray:
    """Return the shares for one frequency where the mean of every window is removed; (n_cells,).

    They add up to less than 1 where the window itself would let the mean through.
    """
    n = len(window)
    wave = window * np.exp(2j * np.pi * freq * np.arange(n))
    # finer than a lobe: near 0 the response rises with the square of the frequency
    shifts, power_below = _power_below(wave - wave.mean(), 16 * _POINTS_PER_LOBE)
    passed = np.sum(np.abs(wave - wave.mean()) ** 2) / np.sum(window**2)
    upper, lower = (np.interp(sign * edges, shifts, power_below) for sign in (1, -1))
    return passed * (np.diff(upper) - np.diff(lower))


def without_trace_mean(n_frames: int, edges: np.ndarray) -> np.ndarray:
    """Return what the removed mean of a whole trace leaves of each cell, on average over time."""
    return 1 - np.sinc(cell_centres(edges) * n_frames) ** 2


def _power_below(weights: np.ndarray, points_per_lobe: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies from −1.5 to 2 and the share of |H|² up to each, 1 a period."""
    from scipy.fft import fft, next_fast_len

    n = next_fast_len(points_per_lobe * len(weights))
    power = np.abs(fft(weights, n)) ** 2
    power /= power.sum()
    turn = np.arange(-(3 * n // 2), 2 * n + 1)
    steps = (power[turn[1:] % n] + power[turn[:-1] % n]) / 2
    return turn / n, np.concatenate([[0.0], np.cumsum(steps)])
