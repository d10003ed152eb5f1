"""The expected value of an estimate: the true density averaged over the estimator's window.

E P(f) = ∫ S(g) |H_f(g)|² dg, with H_f the transform of the factors by which the frames are
multiplied for the frequency f. The integral is a sum over cells narrow enough for S to be constant
in each, so that one small matrix turns any density into expected estimates. Frequencies are in
cycles per frame.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_CELLS_PER_DECADE = 40
# longest period, in lengths of the trace: subtracting the mean removes slower ones
_LONGEST_PERIOD = 8
_POINTS_PER_LOBE = 8
# A longer Hamming window responds as one of this length, with frequencies in bins of either; within
# this many bins of its frequency it is calculated so, and beyond them from the steps at its ends
LONGEST_WINDOW = 1 << 14
_NEAR_BINS = 512
_HAMMING_END, _HAMMING_POWER = 0.08, 0.54**2 + 0.46**2 / 2


def cell_edges(n_frames: int) -> np.ndarray:
    """Return the edges of the cells, evenly spaced in ln f, up to half the frame rate.

    Parameters
    ----------
    n_frames : int
        Frames of a trace.

    Returns
    -------
    ndarray, shape (n_cells + 1,), cycles per frame
    """
    n_cells = int(np.ceil(_CELLS_PER_DECADE * np.log10(_LONGEST_PERIOD * n_frames / 2)))
    return 0.5 * 10 ** (-np.arange(n_cells + 1)[::-1] / _CELLS_PER_DECADE)


def cell_centres(edges: np.ndarray) -> np.ndarray:
    """Return the geometric means of neighbouring edges.

    Parameters
    ----------
    edges : ndarray, shape (n_cells + 1,)

    Returns
    -------
    ndarray, shape (n_cells,)
    """
    centres: np.ndarray = np.sqrt(edges[1:] * edges[:-1])
    return centres


def window_response(window: np.ndarray, freqs: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the weight of each cell in the estimates of one window.

    Parameters
    ----------
    window : ndarray, shape (nperseg,)
        Weight of each frame.
    freqs : ndarray, shape (n_freqs,), cycles per frame
    edges : ndarray, shape (n_cells + 1,), cycles per frame

    Returns
    -------
    ndarray, shape (n_freqs, n_cells)
        Rows add up to 1, less the weight of frequencies below the first cell.
    """
    shifts, power_below = _power_below(window, _POINTS_PER_LOBE)

    def below(offsets: np.ndarray) -> np.ndarray:
        share: np.ndarray = np.interp(offsets, shifts, power_below)
        return share

    upper = np.diff(below(edges - freqs[:, None]), axis=1)
    return upper - np.diff(below(-edges - freqs[:, None]), axis=1)


def hamming_response(n_window: int, freqs: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return `window_response` of a Hamming window, without an FFT of a very long one.

    Parameters
    ----------
    n_window : int
        Frames of the window.
    freqs : ndarray, shape (n_freqs,), cycles per frame
    edges : ndarray, shape (n_cells + 1,), cycles per frame

    Returns
    -------
    ndarray, shape (n_freqs, n_cells)
    """
    if n_window <= LONGEST_WINDOW:
        return window_response(np.hamming(n_window), freqs, edges)
    shifts, power_below = _long_hamming()
    centre = np.interp(0.0, shifts, power_below)

    def near(offsets: np.ndarray) -> np.ndarray:
        """Return the power from 0 to an offset of few bins."""
        scaled = np.interp(offsets * n_window / LONGEST_WINDOW, shifts, power_below)
        return np.asarray(scaled - centre)

    def tail(offsets: np.ndarray) -> np.ndarray:
        """Return the power from an offset to half a period, averaged over the sidelobes."""
        steps = _HAMMING_END**2 / (2 * np.pi * n_window * _HAMMING_POWER)
        return np.asarray(steps / np.tan(np.pi * offsets))

    limit = _NEAR_BINS / n_window

    def below(offsets: np.ndarray) -> np.ndarray:
        periods = np.round(offsets)
        rest = offsets - periods
        size = np.abs(rest)
        far = 0.5 - tail(np.maximum(size, limit))
        share = np.where(size <= limit, near(np.minimum(size, limit)), far)
        power: np.ndarray = periods + np.sign(rest) * share
        return power

    upper = np.diff(below(edges - freqs[:, None]), axis=1)
    weights: np.ndarray = upper - np.diff(below(-edges - freqs[:, None]), axis=1)
    return weights


def window_response_without_mean(window: np.ndarray, freq: float, edges: np.ndarray) -> np.ndarray:
    """Return the weights for one frequency if the mean of every window is subtracted.

    They add up to less than 1 where the window itself would transmit the mean.

    Parameters
    ----------
    window : ndarray, shape (nperseg,)
        Weight of each frame.
    freq : float
        Cycles per frame.
    edges : ndarray, shape (n_cells + 1,), cycles per frame

    Returns
    -------
    ndarray, shape (n_cells,)
    """
    n = len(window)
    wave = window * np.exp(2j * np.pi * freq * np.arange(n))
    # a finer grid: near 0 the response rises with the square of the frequency
    shifts, power_below = _power_below(wave - wave.mean(), 16 * _POINTS_PER_LOBE)
    passed = np.sum(np.abs(wave - wave.mean()) ** 2) / np.sum(window**2)
    upper, lower = (np.interp(sign * edges, shifts, power_below) for sign in (1, -1))
    weights: np.ndarray = passed * (np.diff(upper) - np.diff(lower))
    return weights


def mean_removal_response(n_frames: int, edges: np.ndarray) -> np.ndarray:
    """Return the share of each cell that remains after subtracting the mean of a whole trace.

    Parameters
    ----------
    n_frames : int
        Frames of a trace.
    edges : ndarray, shape (n_cells + 1,), cycles per frame

    Returns
    -------
    ndarray, shape (n_cells,)
        Averaged over time.
    """
    share: np.ndarray = 1 - np.sinc(cell_centres(edges) * n_frames) ** 2
    return share


@cache
def _long_hamming() -> tuple[np.ndarray, np.ndarray]:
    """Return `_power_below` of the window that stands for longer ones."""
    return _power_below(np.hamming(LONGEST_WINDOW), _POINTS_PER_LOBE)


def _power_below(weights: np.ndarray, points_per_lobe: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies from −1.5 to 2 and the integral of |H|² up to each; 1 per period."""
    from scipy.fft import fft, next_fast_len

    n = next_fast_len(points_per_lobe * len(weights))
    power = np.abs(fft(weights, n)) ** 2
    power /= power.sum()
    turn = np.arange(-(3 * n // 2), 2 * n + 1)
    steps = (power[turn[1:] % n] + power[turn[:-1] % n]) / 2
    return turn / n, np.concatenate([[0.0], np.cumsum(steps)])
