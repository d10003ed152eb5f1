"""Welch's estimate with a window of its own for every frequency, on a logarithmic grid.

After Podshivaylov & Frantsuzov, github ``edvardviq/Power-Spectral-Density`` [L]; most likely the
estimator of the paper [I]. The constants below are theirs: another value is another method.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.errors import TracesError

PERIODS_PER_WINDOW = 3
LEAST_WINDOW = 101
LEAST_N_WINDOWS = 3
POINTS_PER_DECADE = 20
HIGHEST_FREQUENCY = 0.4  # of the frame rate: aliases pile up beyond
LEAST_N_FRAMES = LEAST_N_WINDOWS * LEAST_WINDOW


@dataclass(frozen=True)
class LogGrid:
    """Frequencies and windows for traces of one length.

    Attributes
    ----------
    n_frames : int
    cycles : ndarray, shape (n_freqs,), int64
        Frequencies as whole cycles in the length of the trace, rising.
    windows : ndarray, shape (n_freqs,), int64
        Odd number of frames in each frequency's window, never rising.
    n_windows : ndarray, shape (n_freqs,), int64
        Windows with 50 % overlap that fit the trace.
    """

    n_frames: int
    cycles: np.ndarray
    windows: np.ndarray
    n_windows: np.ndarray

    @property
    def dof(self) -> np.ndarray:
        """Return χ² degrees of freedom of averaged, half-overlapping Hann-like windows."""
        return 36.0 * self.n_windows**2 / (19.0 * self.n_windows - 1.0)


def log_grid(n_frames: int) -> LogGrid:
    """Lay out frequencies 0.05 decade apart, each with a window of about three periods.

    Raises
    ------
    TracesError
        If three of the shortest windows don't fit: below 303 frames.
    """
    if n_frames < LEAST_N_FRAMES:
        raise TracesError(
            f"log_welch needs traces of at least {LEAST_N_FRAMES} frames, got {n_frames}; "
            "choose --psd periodogram (method='periodogram' in Python) or record longer"
        )
    longest = (n_frames - LEAST_N_WINDOWS) // (2 * LEAST_N_WINDOWS) * 2 + 1
    first = round(PERIODS_PER_WINDOW * n_frames / longest)
    last = round(HIGHEST_FREQUENCY * n_frames)
    n_freqs = int(POINTS_PER_DECADE * np.log10(last / first) + 1e-9) + 1
    # whole decades are left out of the power, so that rounding up meets exact multiples of first
    decades, steps = np.divmod(np.arange(n_freqs), POINTS_PER_DECADE)
    cycles = np.ceil(first * 10**decades * 10.0 ** (steps / POINTS_PER_DECADE)).astype(np.int64)
    windows = PERIODS_PER_WINDOW * n_frames // (2 * cycles) * 2 + 1
    windows = np.maximum(windows, LEAST_WINDOW)
    windows[0] = longest
    return LogGrid(n_frames, cycles, windows, 2 * n_frames // windows - 1)


def kernels(grid: LogGrid) -> list[tuple[int, slice, np.ndarray]]:
    """Return what the frames of a window are multiplied by, for all frequencies sharing it.

    Returns
    -------
    list of (window, columns, kernel)
        ``columns`` are the frequencies; ``kernel`` (window, 2 · their number), float64, holds
        the Hamming window times cosines, then times sines, over the root of its sum of squares.
    """
    shared = []
    for window in np.unique(grid.windows)[::-1].tolist():
        (members,) = np.nonzero(grid.windows == window)
        frames = np.arange(window)
        # whole turns are dropped in integers: exact where k · frame is large
        turns = np.outer(frames, grid.cycles[members]) % grid.n_frames / grid.n_frames
        hamming = np.hamming(window)[:, None]
        waves = np.hstack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)])
        kernel = waves * hamming / np.sqrt((hamming**2).sum())
        shared.append((window, slice(members[0], members[-1] + 1), kernel))
    return shared


def log_welch(
    centred: np.ndarray, dt_s: float, shared: list[tuple[int, slice, np.ndarray]]
) -> np.ndarray:
    """Estimate the spectral density of centred traces at the frequencies of the kernels.

    Parameters
    ----------
    centred : ndarray, shape (n_traces, n_frames), float64
        Traces less their means, C order.
    dt_s : float
    shared : list
        From `kernels`.

    Returns
    -------
    ndarray, shape (n_traces, n_freqs), float64
        mean over windows of |Σ_t w_t x_t e^{iωt}|² / Σ w² · dt / 2π.
    """
    n_freqs = shared[-1][1].stop
    psd = np.empty((len(centred), n_freqs))
    for window, columns, kernel in shared:
        n_windows = 0
        power = np.zeros((len(centred), kernel.shape[1]))
        for segments in _half_overlapping(centred, window):
            n_windows += segments.shape[1]
            power += np.square(segments @ kernel).sum(axis=1)
        cosines, sines = np.hsplit(power, 2)
        psd[:, columns] = (cosines + sines) * (dt_s / (2 * np.pi * n_windows))
    return psd


def _half_overlapping(centred: np.ndarray, window: int) -> Iterator[np.ndarray]:
    """Yield the windows from the first frame on, then those half a window later, as views."""
    n_traces, n_frames = centred.shape
    n_windows = 2 * n_frames // window - 1
    for start, count in ((0, (n_windows + 1) // 2), (window // 2, n_windows // 2)):
        stretch = centred[:, start : start + count * window]
        yield stretch.reshape(n_traces, count, window)
