"""Wavelet smoothing: the approximation of one level, with all details set to zero.

PyWavelets computes the transform on the CPU; on a GPU it gives only the filter taps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError


def wavelet_approximation(
    values: Array, level: int, wavelet: str = "db4", mode: str = "symmetric"
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
    import pywt

    counts = np.asarray(values, dtype=np.float64)
    filters = load_wavelet(wavelet, mode)
    require_level(level, counts.shape[1], filters.dec_len, wavelet)
    constant = counts.min(axis=1) == counts.max(axis=1)
    smoothed = np.empty_like(counts)
    # one trace at a time: PyWavelets copies along other axes, and would compute details
    for row, trace in enumerate(counts):
        lengths = []
        for _ in range(level):
            lengths.append(len(trace))
            trace = pywt.downcoef("a", trace, filters, mode=mode)
        for length in reversed(lengths):
            trace = pywt.idwt(trace, None, filters, mode=mode)[:length]
        smoothed[row] = trace
    # the filters' taps sum to √2 only up to rounding, some wavelets' worse
    smoothed[constant] = counts[constant]
    return smoothed


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
