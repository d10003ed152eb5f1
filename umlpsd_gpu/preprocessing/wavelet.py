"""Wavelet smoothing: the approximation of a level kept, every detail set to zero.

PyWavelets owns the transform on the CPU; on a device it gives the taps only.
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
        PyWavelets names of the wavelet and of the extension beyond both ends.

    Returns
    -------
    ndarray, shape (n_traces, n_frames), float64
        Equal to ``pywt.waverec`` of ``pywt.wavedec`` with zeroed details, but for constant
        traces: they stay as they are (some filters of PyWavelets sum to 1 only within 1e-3).
        NaN and infinity spread over the reach of the filters.

    Raises
    ------
    SettingsError
        If the wavelet or mode is not known, or the level doesn't suit the length of the traces.

    Notes
    -----
    Our reading [I] of the paper's WL scales; wavelet and mode are settings.
    """
    import pywt

    counts = np.asarray(values, dtype=np.float64)
    filters = known_wavelet(wavelet, mode)
    require_level(level, counts.shape[1], filters.dec_len, wavelet)
    constant = counts.min(axis=1) == counts.max(axis=1)
    smoothed, lengths = counts, []
    for _ in range(level):
        lengths.append(smoothed.shape[1])
        smoothed, _ = pywt.dwt(smoothed, filters, mode=mode, axis=1)
    for length in reversed(lengths):
        smoothed = pywt.idwt(smoothed, None, filters, mode=mode, axis=1)[:, :length]
    # the filters' taps sum to √2 only up to rounding, some wavelets' worse
    smoothed[constant] = counts[constant]
    return smoothed


def max_level(n_frames: int, wavelet: str) -> int:
    """Return the deepest level at which a sample is still free of the trace's ends."""
    import pywt

    return int(pywt.dwt_max_level(n_frames, wavelet))


def known_wavelet(wavelet: str, mode: str) -> Any:
    """Return PyWavelets' filters; SettingsError where it doesn't know the wavelet or the mode."""
    import pywt

    if wavelet not in pywt.wavelist(kind="discrete"):
        raise SettingsError(f"'{wavelet}' is no discrete wavelet of PyWavelets; try 'db4'")
    if mode not in pywt.Modes.modes:
        raise SettingsError(f"'{mode}' is no mode of PyWavelets: {', '.join(pywt.Modes.modes)}")
    return pywt.Wavelet(wavelet)


def require_level(level: int, n_frames: int, n_taps: int, wavelet: str) -> None:
    """SettingsError if the level doesn't suit traces of that length and filters of so many taps.

    The highest is that of ``pywt.dwt_max_level``; PyWavelets isn't needed here.
    """
    highest = max(0, (n_frames // (n_taps - 1)).bit_length() - 1)
    if not isinstance(level, int | np.integer) or not 1 <= level <= highest:
        allowed = f"whole levels from 1 to {highest}" if highest else "no level at all"
        raise SettingsError(
            f"wavelet level {level} doesn't suit traces of {n_frames} frames, for which "
            f"{wavelet} allows {allowed}; choose another level, a shorter wavelet or binning"
        )
