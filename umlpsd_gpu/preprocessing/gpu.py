"""Smoothing and scaling of traces on the GPU, from CuPy arrays to CuPy arrays.

The CPU versions of these functions are in ``bin.py``, ``normalise.py`` and ``wavelet.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.preprocessing.bin import require_window
from umlpsd_gpu.preprocessing.normalise import require_samples
from umlpsd_gpu.preprocessing.wavelet import load_wavelet, require_level
from umlpsd_gpu.traces.traces import ROUNDING

MODES = (
    "zero",
    "constant",
    "symmetric",
    "antisymmetric",
    "reflect",
    "antireflect",
    "smooth",
    "periodic",
    "periodization",
)
# More would leave an H100 fewer than 3 blocks per multiprocessor; cards before sm_70 have 48 KiB.
# Traces of up to 10,900 frames fit (db4).
SHARED_BYTES = 64 << 10
# Longer ones are smoothed in device memory, by enough blocks to fill a card
N_BLOCKS_IN_MEMORY = 512
MOST_THREADS = 512
FRAMES_PER_THREAD = 8


def bin_minmax(values: Array, frames_per_bin: int) -> Array:
    """Average each trace over consecutive groups of frames, then scale it to [0, 1].

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real type.
    frames_per_bin : int
        Window W, from 1 to ``n_frames``; 1 leaves the traces unsmoothed.

    Returns
    -------
    cupy.ndarray, shape (n_traces, ceil(n_frames / W)), float64
        `minmax` of `bin_mean`: 0 for a constant trace, NaN for one with NaN or infinity.

    Raises
    ------
    SettingsError
        If the window is not a whole number of frames from 1 to ``n_frames``.
    """
    require_window(frames_per_bin, values.shape[1])
    n_bins = -(-values.shape[1] // frames_per_bin)
    counts = _convert_counts(values)
    scaled: Array = xp_of(values).empty((len(values), n_bins), dtype="float64")
    _bin_minmax_into(scaled, counts, frames_per_bin)
    return scaled


def minmax(values: Array) -> Array:
    """Scale each trace to [0, 1] by its own minimum and maximum.

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_samples)
        Counts, of any real type.

    Returns
    -------
    cupy.ndarray, shape (n_traces, n_samples), float64
        0 for a constant trace, NaN for one with NaN or infinity.

    Raises
    ------
    TracesError
        If the traces have no samples.
    """
    require_samples(values.shape[1])
    return bin_minmax(values, 1)


def wavelet_minmax(
    values: Array, level: int, wavelet: str = "db4", mode: str = "symmetric"
) -> Array:
    """Smooth each trace to its wavelet approximation of one level, then scale it to [0, 1].

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real type.
    level : int
        From 1 to ``pywt.dwt_max_level(n_frames, wavelet)``.
    wavelet, mode : str
        PyWavelets names.

    Returns
    -------
    cupy.ndarray, shape (n_traces, n_frames), float64
        `minmax` of `wavelet_approximation`: 0 for a constant trace, NaN for one with NaN or
        infinity.

    Raises
    ------
    SettingsError
        If the wavelet or mode is not known, or the level is too high for the length of the traces.
    """
    filters = load_wavelet(wavelet, mode)
    require_level(level, values.shape[1], filters.dec_len, wavelet)
    smoothed = dwt_approximation(values, level, filters.dec_lo, filters.rec_lo, mode)
    _bin_minmax_into(smoothed, smoothed, 1)
    return smoothed


def dwt_approximation(
    values: Array,
    level: int,
    dec_lo: Sequence[float],
    rec_lo: Sequence[float],
    mode: str = "symmetric",
) -> Array:
    """Smooth each trace to its discrete-wavelet approximation, without PyWavelets.

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real type.
    level : int
        At least 1; ``(n_taps - 1) * 2**level`` must not exceed ``n_frames``.
    dec_lo, rec_lo : sequence of float, length n_taps
        Low-pass filters in PyWavelets' order, an even number of taps.
    mode : str
        Signal extension beyond both ends: a name of PyWavelets.

    Returns
    -------
    cupy.ndarray, shape (n_traces, n_frames), float64
        Constant traces don't change. NaN and infinity spread over the length of the filters.

    Raises
    ------
    SettingsError
        If the mode is not available on the GPU, the filters don't match, or the level is too high
        for the length of the traces.
    """
    _require_filters(dec_lo, rec_lo, mode)
    n_traces, n_frames = values.shape
    n_taps = len(dec_lo)
    require_level(level, n_frames, n_taps, f"a filter of {n_taps} taps")
    cupy = xp_of(values)
    counts = _convert_counts(values)
    smoothed: Array = cupy.empty((n_traces, n_frames), dtype="float64")
    taps = [cupy.asarray(filter_, dtype="float64") for filter_ in (dec_lo, rec_lo)]
    n_coefs = _count_coefficients(n_frames, n_taps, mode)
    n_held = n_coefs + _count_coefficients(n_coefs, n_taps, mode)
    most_bytes = cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"]
    in_shared = 8 * n_held <= min(SHARED_BYTES, most_bytes)
    n_blocks = n_traces if in_shared else min(n_traces, N_BLOCKS_IN_MEMORY)
    scratch = None if in_shared else cupy.empty((n_blocks, n_held), dtype="float64")
    run = kernel(
        "dwt_approximation",
        VALUE=C_TYPES[counts.dtype.name],
        EXTENSION=mode,
        N_TAPS=n_taps,
        IN_SHARED=int(in_shared),
    )
    run(
        n_blocks,
        _count_threads(n_frames),
        *(counts, *taps, smoothed, scratch, n_traces, n_frames, level),
        shared_bytes=8 * n_held if in_shared else 0,
    )
    return smoothed


def _require_filters(dec_lo: Sequence[float], rec_lo: Sequence[float], mode: str) -> None:
    if mode not in MODES:
        raise SettingsError(
            f"the wavelet mode '{mode}' is not available on the GPU; choose from "
            f"{', '.join(MODES)}, or device cpu"
        )
    if len(dec_lo) % 2 or len(rec_lo) != len(dec_lo):
        raise SettingsError(
            f"the filters have {len(dec_lo)} and {len(rec_lo)} taps, but need the same even "
            "number; pad the shorter one with zeros"
        )


def _bin_minmax_into(scaled: Array, counts: Array, frames_per_bin: int) -> None:
    """Fill ``scaled``, which may be ``counts`` itself if that is float64 and the window is 1."""
    n_traces, n_frames = counts.shape
    run = kernel("bin_minmax", VALUE=C_TYPES[counts.dtype.name])
    n_lanes = _count_lanes(frames_per_bin)
    run(
        n_traces,
        _count_threads(n_frames),
        counts,
        scaled,
        n_frames,
        frames_per_bin,
        n_lanes,
        ROUNDING,
    )


def _convert_counts(values: Array) -> Array:
    """Return the values in C order, in a type that the kernels take."""
    if values.dtype.name not in C_TYPES:
        values = values.astype("uint8" if values.dtype.name == "bool" else "float64")
    counts: Array = xp_of(values).ascontiguousarray(values)
    return counts


def _count_threads(n_frames: int) -> int:
    return min(MOST_THREADS, 32 * max(1, n_frames // (32 * FRAMES_PER_THREAD)))


def _count_lanes(frames_per_bin: int) -> int:
    """Return how many lanes share a bin: enough to read, few to combine."""
    if frames_per_bin < 8:
        return 1
    return 8 if frames_per_bin < 128 else 32


def _count_coefficients(n: int, n_taps: int, mode: str) -> int:
    return (n + 1) // 2 if mode == "periodization" else (n + n_taps - 1) // 2
