"""The expected value of an estimate: the true density averaged over the estimator's window.

E P(f) = ∫ S(g) |H_f(g)|² dg, with H_f the transform of the factors by which the frames are
multiplied for the frequency f. The integral is a sum over cells narrow enough for S to be constant
in each, so that one small matrix turns any density into expected estimates. Frequencies are in
cycles per frame.
"""

from __future__ import annotations

import numpy as np

_CELLS_PER_DECADE = 40
# longest period, in lengths of the trace: subtracting the mean removes slower ones
_LONGEST_PERIOD = 8
_POINTS_PER_LOBE = 8


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


def _power_below(weights: np.ndarray, points_per_lobe: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies from −1.5 to 2 and the integral of |H|² up to each; 1 per period."""
    from scipy.fft import fft, next_fast_len

    n = next_fast_len(points_per_lobe * len(weights))
    power = np.abs(fft(weights, n)) ** 2
    power /= power.sum()
    turn = np.arange(-(3 * n // 2), 2 * n + 1)
    steps = (power[turn[1:] % n] + power[turn[:-1] % n]) / 2
    return turn / n, np.concatenate([[0.0], np.cumsum(steps)])
