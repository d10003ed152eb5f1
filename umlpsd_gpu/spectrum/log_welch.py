"""Welch's method with a separate window length for each frequency, on a logarithmic grid.

After Podshivaylov & Frantsuzov, github ``edvardviq/Power-Spectral-Density`` [L]; most likely the
estimator of the paper [I]. The constants below are theirs; other values would be another method.
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
HIGHEST_FREQUENCY = 0.4  # of the frame rate: aliasing adds power above
# Frames of a stretch of a trace (0.25 MB), so that it stays in a core's cache
CACHED_FRAMES = 32_768
# Windows longer than this are multiplied in pieces, which takes half the time
LONGEST_MULTIPLIED, MULTIPLIED_FRAMES = 8192, 4096
LEAST_N_FRAMES = LEAST_N_WINDOWS * LEAST_WINDOW


@dataclass(frozen=True)
class LogGrid:
    """Frequencies and windows for traces of one length.

    Attributes
    ----------
    n_frames : int
    cycles : ndarray, shape (n_freqs,), int64
        Frequencies as whole cycles per length of the trace, in rising order.
    windows : ndarray, shape (n_freqs,), int64
        Odd number of frames of the window of each frequency; not increasing.
    n_windows : ndarray, shape (n_freqs,), int64
        Number of windows with 50 % overlap in a trace.
    """

    n_frames: int
    cycles: np.ndarray
    windows: np.ndarray
    n_windows: np.ndarray

    @property
    def dof(self) -> np.ndarray:
        """Return the χ² degrees of freedom of averaged half-overlapping Hann-like windows."""
        return 36.0 * self.n_windows**2 / (19.0 * self.n_windows - 1.0)


def log_grid(n_frames: int) -> LogGrid:
    """Choose frequencies 0.05 decade apart, each with a window of about three periods.

    Parameters
    ----------
    n_frames : int
        Frames of a trace, at least 303.

    Returns
    -------
    LogGrid

    Raises
    ------
    TracesError
        If three of the shortest windows do not fit in a trace.
    """
    if n_frames < LEAST_N_FRAMES:
        raise TracesError(
            f"log_welch needs traces of at least {LEAST_N_FRAMES} frames, got {n_frames}; "
            "choose --psd periodogram (method='periodogram' in Python) or record a longer movie"
        )
    longest = (n_frames - LEAST_N_WINDOWS) // (2 * LEAST_N_WINDOWS) * 2 + 1
    first = round(PERIODS_PER_WINDOW * n_frames / longest)
    last = round(HIGHEST_FREQUENCY * n_frames)
    n_freqs = int(POINTS_PER_DECADE * np.log10(last / first) + 1e-9) + 1
    # decades are integer powers, so that exact multiples of the first frequency are not rounded up
    decades, steps = np.divmod(np.arange(n_freqs), POINTS_PER_DECADE)
    cycles = np.ceil(first * 10**decades * 10.0 ** (steps / POINTS_PER_DECADE)).astype(np.int64)
    windows = PERIODS_PER_WINDOW * n_frames // (2 * cycles) * 2 + 1
    windows = np.maximum(windows, LEAST_WINDOW)
    windows[0] = longest
    return LogGrid(n_frames, cycles, windows, 2 * n_frames // windows - 1)


def windowed_waves(grid: LogGrid) -> list[tuple[int, slice, np.ndarray]]:
    """Return the factors by which frames are multiplied, for each group of equal windows.

    Parameters
    ----------
    grid : LogGrid

    Returns
    -------
    list of (window, columns, waves)
        ``columns`` is the slice of frequencies that share the window length; ``waves``, float64,
        shape (window, 2 · number of frequencies), contains the Hamming window times cosines, then
        times sines, divided by the root of the window's sum of squares.
    """
    shared = []
    # one piece of memory, which goes back to the system as a whole
    memory = np.empty(2 * int(grid.windows.sum()))
    for window in np.unique(grid.windows)[::-1].tolist():
        (members,) = np.nonzero(grid.windows == window)
        size = 2 * len(members) * window
        waves, memory = memory[:size].reshape(window, 2 * len(members)), memory[size:]
        hamming = np.empty(window)
        for part, circle in _circle(1, window - 1, window):
            hamming[part] = 0.54 - 0.46 * circle.real
        hamming /= np.sqrt((hamming**2).sum())
        for column, cycles in enumerate(grid.cycles[members].tolist()):
            for part, circle in _circle(cycles, grid.n_frames, window):
                np.multiply(circle.real, hamming[part], out=waves[part, column])
                np.multiply(circle.imag, hamming[part], out=waves[part, column + len(members)])
        shared.append((window, slice(members[0], members[-1] + 1), waves))
    return shared


def _circle(cycles: int, n_frames: int, window: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield exp(2πi · cycles · frame / n_frames) for the frames of a window, piece by piece.

    A frame is a multiple of the square root plus a rest, so that two short tables give all; whole
    turns are removed as integers, which is exact for large cycles · frame.
    """
    rest = 1 << (window.bit_length() // 2)
    steps = (np.arange(-(-window // rest)) * rest, np.arange(rest))
    coarse, fine = (np.exp(2j * np.pi * (cycles * step % n_frames / n_frames)) for step in steps)
    n_multiples = max(1, MULTIPLIED_FRAMES // rest)
    for first in range(0, len(coarse), n_multiples):
        part = slice(first * rest, min((first + n_multiples) * rest, window))
        circle = np.outer(coarse[first : first + n_multiples], fine).ravel()
        yield part, circle[: part.stop - part.start]


def log_welch(
    centred: np.ndarray, dt_s: float, shared: list[tuple[int, slice, np.ndarray]]
) -> np.ndarray:
    """Estimate spectral densities of traces whose means were subtracted.

    Parameters
    ----------
    centred : ndarray, shape (n_traces, n_frames), float64
        Traces less their means, C order, finite.
    dt_s : float
        Frame interval, s.
    shared : list
        From `windowed_waves`.

    Returns
    -------
    ndarray, shape (n_traces, n_freqs), float64, counts²/Hz
        Mean over windows of |Σ_t w_t x_t e^{iωt}|² / Σ w² · dt / 2π.
    """
    n_traces, n_frames = centred.shape
    powers = [np.zeros((n_traces, waves.shape[1])) for *_, waves in shared]
    # all windows of a stretch, while it is in the cache
    for first in range(0, n_frames, CACHED_FRAMES):
        for (window, _, waves), power in zip(shared, powers, strict=True):
            for segments in _half_overlapping(centred, window, first):
                coefficients = _multiply(segments, waves)
                power += np.einsum("ijk,ijk->ik", coefficients, coefficients)
    psd = np.empty((n_traces, shared[-1][1].stop))
    for (window, columns, _), power in zip(shared, powers, strict=True):
        cosines, sines = np.hsplit(power, 2)
        n_windows = 2 * n_frames // window - 1
        psd[:, columns] = (cosines + sines) * (dt_s / (2 * np.pi * n_windows))
    return psd


def _multiply(segments: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Return the sums over the frames of windows, long ones in pieces that stay in the cache."""
    window = len(waves)
    length = MULTIPLIED_FRAMES if window > LONGEST_MULTIPLIED else window
    total: np.ndarray = segments[:, :, :length] @ waves[:length]
    for first in range(length, window, length):
        piece = slice(first, first + length)
        total += segments[:, :, piece] @ waves[piece]
    return total


def _half_overlapping(centred: np.ndarray, window: int, first: int) -> Iterator[np.ndarray]:
    """Yield the windows that start in a stretch: the even ones, then those half a window later.

    Long windows, of which few start in a stretch, are all yielded with the first one.
    """
    n_traces, n_frames = centred.shape
    n_windows = 2 * n_frames // window - 1
    length = CACHED_FRAMES if window <= CACHED_FRAMES else n_frames
    if first % length:
        return
    for start, count in ((0, (n_windows + 1) // 2), (window // 2, n_windows // 2)):
        begin, stop = (
            min(count, max(0, -((start - edge) // window))) for edge in (first, first + length)
        )
        if begin < stop:
            stretch = centred[:, start + begin * window : start + stop * window]
            yield stretch.reshape(n_traces, stop - begin, window)
