"""Wavelet smoothing: the approximation of one level, with all details set to zero.

PyWavelets computes the transform on the CPU; on a GPU it gives only the filter taps.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError

# Samples that are interpolated at once (0.1 MB), so that they stay in a core's cache
CACHED_SAMPLES = 16_384


class Decomposition:
    """The coefficients of an ensemble at one level, which higher levels start from.

    They are computed when first asked for, by any thread, and take 2^−level of the memory of the
    traces.

    Parameters
    ----------
    level : int
        The lowest level that will be asked for, 1 or above.
    wavelet, mode : str
        PyWavelets names.
    """

    def __init__(self, level: int, wavelet: str, mode: str) -> None:
        self._level, self._filters, self._mode = level, load_wavelet(wavelet, mode), mode
        self._lock = Lock()
        self._of_row: dict[int, np.ndarray] = {}

    def coefficients(self, row: int, trace: np.ndarray, level: int) -> np.ndarray:
        """Return the approximation coefficients of a trace.

        Parameters
        ----------
        row : int
            Number of the trace in the ensemble.
        trace : ndarray, shape (n_frames,), float64
        level : int
            The lowest level or above.

        Returns
        -------
        ndarray, shape (n_coefficients,)
        """
        with self._lock:
            if row not in self._of_row:
                self._of_row[row] = _decompose(trace, self._level, self._filters, self._mode)
            start = self._of_row[row]
        return _decompose(start, level - self._level, self._filters, self._mode)


def wavelet_approximation(
    values: Array,
    level: int,
    wavelet: str = "db4",
    mode: str = "symmetric",
    decomposition: Decomposition | None = None,
    first_row: int = 0,
) -> Array:
    """Smooth each trace to its discrete-wavelet approximation of one level, at full length.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts, of any real type; NumPy.
    level : int
        From 1 to ``pywt.dwt_max_level(n_frames, wavelet)``; level L averages about 2^L frames.
    wavelet, mode : str
        PyWavelets names of the wavelet and of the signal extension beyond both ends.
    decomposition : Decomposition, optional
        With the same wavelet and mode, for an ensemble that is smoothed at several levels.
    first_row : int
        Number of the first trace in the ensemble of ``decomposition``.

    Returns
    -------
    ndarray, shape (n_traces, n_frames), float64
        Equal to ``pywt.waverec`` of ``pywt.wavedec`` with zeroed details, except for constant
        traces, which don't change (some filters of PyWavelets sum to 1 only within 1e-3). NaN and
        infinity spread over the length of the filters.

    Raises
    ------
    SettingsError
        If the wavelet or mode is not known, or the level is too high for the length of the traces.

    Notes
    -----
    Our interpretation [I] of the paper's WL scales; wavelet and mode are settings.
    """
    counts = np.asarray(values, dtype=np.float64)
    filters = load_wavelet(wavelet, mode)
    require_level(level, counts.shape[1], filters.dec_len, wavelet)
    constant = counts.min(axis=1) == counts.max(axis=1)
    smoothed = np.empty_like(counts)
    # one trace at a time: PyWavelets copies along other axes, and would compute details
    for row, trace in enumerate(counts):
        if decomposition is None:
            coefficients = _decompose(trace, level, filters, mode)
        else:
            coefficients = decomposition.coefficients(first_row + row, trace, level)
        smoothed[row] = _reconstruct(coefficients, trace.size, level, filters, mode)
    # the filters' taps sum to √2 only up to rounding, some wavelets' worse
    smoothed[constant] = counts[constant]
    return smoothed


def _decompose(trace: np.ndarray, n_levels: int, filters: Any, mode: str) -> np.ndarray:
    """Return the approximation coefficients some levels higher."""
    import pywt

    for _ in range(n_levels):
        trace = pywt.downcoef("a", trace, filters, mode=mode)
    return trace


def _reconstruct(
    coefficients: np.ndarray, n_frames: int, level: int, filters: Any, mode: str
) -> np.ndarray:
    """Return the samples, at full length, of which these are the coefficients of one level."""
    import pywt

    lengths = [n_frames]
    for _ in range(level - 1):
        lengths.append(pywt.dwt_coeff_len(lengths[-1], filters.dec_len, mode))
    # the sum of infinities of both signs is NaN, without a warning
    with np.errstate(invalid="ignore"):
        for length in reversed(lengths):
            if mode == "periodization":
                coefficients = pywt.idwt(coefficients, None, filters, mode=mode)[:length]
            else:
                coefficients = _interpolate(coefficients, filters)[:length]
    return coefficients


def _interpolate(coefficients: np.ndarray, filters: Any) -> np.ndarray:
    """Return the samples one level lower, with the same bits as ``pywt.idwt`` without details.

    Vectors of samples instead of one after another take 40 % of the time.
    """
    even, odd = filters.rec_lo[::2], filters.rec_lo[1::2]
    n_taps = len(even)
    n_pairs = len(coefficients) - n_taps + 1
    samples = np.empty((n_pairs, 2))
    for first in range(0, n_pairs, CACHED_SAMPLES):
        stop = min(first + CACHED_SAMPLES, n_pairs)
        for parity, taps in enumerate((even, odd)):
            total = np.zeros(stop - first)
            for tap, weight in enumerate(taps, start=1):
                shift = n_taps - tap
                total += weight * coefficients[first + shift : stop + shift]
            samples[first:stop, parity] = total
    return samples.ravel()


def max_level(n_frames: int, wavelet: str) -> int:
    """Return the highest level at which some sample does not depend on the trace's ends.

    Parameters
    ----------
    n_frames : int
    wavelet : str
        PyWavelets name.
    """
    import pywt

    return int(pywt.dwt_max_level(n_frames, wavelet))


def load_wavelet(wavelet: str, mode: str) -> Any:
    """Return PyWavelets' filters; SettingsError if the wavelet or mode is not known.

    Parameters
    ----------
    wavelet, mode : str
        PyWavelets names.
    """
    import pywt

    if wavelet not in pywt.wavelist(kind="discrete"):
        raise SettingsError(f"'{wavelet}' is not a discrete wavelet of PyWavelets; try 'db4'")
    if mode not in pywt.Modes.modes:
        raise SettingsError(
            f"'{mode}' is not a mode of PyWavelets; choose from {', '.join(pywt.Modes.modes)}"
        )
    return pywt.Wavelet(wavelet)


def require_level(level: int, n_frames: int, n_taps: int, wavelet: str) -> None:
    """Raise SettingsError if the level is too high for the length of traces and filters.

    The highest is that of ``pywt.dwt_max_level``; PyWavelets is not needed.

    Parameters
    ----------
    level : int
    n_frames : int
    n_taps : int
        Length of the filters.
    wavelet : str
        Name of the wavelet or filter, for the message.
    """
    highest = max(0, (n_frames // (n_taps - 1)).bit_length() - 1)
    if not isinstance(level, int | np.integer) or not 1 <= level <= highest:
        allowed = f"whole levels from 1 to {highest}" if highest else "no level at all"
        raise SettingsError(
            f"wavelet level {level} is not possible for traces of {n_frames} frames, for which "
            f"{wavelet} allows {allowed}; choose another level, a shorter wavelet or binning"
        )
