"""Spectra and exponents on the GPU, from CuPy arrays; exponents are copied to the host.

The CPU versions are in ``log_welch.py`` and ``fit.py``, and SciPy's ``welch`` and ``periodogram``.
Where float32 represents the counts exactly (float32 and integers of up to 16 bits), the mean is
calculated and subtracted in float64 and everything else is done in float32; other counts are
processed in float64. Squares are summed in float64. On f^(−β) noise of 6,000 and 10,000 frames, β
0…1.5, float32 changed no exponent by more than 9e-7 (``log_welch`` 1.2e-7).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.spectrum.log_welch import log_grid, windowed_waves

# counts that float32 represents exactly
IN_FLOAT32 = ("uint8", "int8", "uint16", "int16", "float32")
# dtypes without a kernel → the smallest dtype that represents their numbers
HELD_BY = {"bool": "uint8", "float16": "float32"}
LANES = 32
THREADS = 256
# cuFFT indexes the values of one call in 32 bits
MOST_FFT_VALUES = 1 << 28


@dataclass(frozen=True)
class Tiling:
    """How the work of ``log_welch`` is divided; the result does not depend on it.

    Attributes
    ----------
    traces_per_lane, freqs_per_warp : int
        Larger values load less data per multiply-add; smaller values give more warps.
    most_warps : int
        Largest number of warps in a block.
    """

    traces_per_lane: int
    freqs_per_warp: int
    most_warps: int


NARROW = Tiling(1, 1, 4)
WIDE = {"float": Tiling(6, 2, 5), "double": Tiling(2, 2, 5)}
# wide tiles of fewer traces leave much of an H200 idle (predicted, not measured)
MANY_TRACES = 4096


def log_welch(values: Array, dt_s: float, tiling: Tiling | None = None) -> Array:
    """Estimate densities on the logarithmic grid, as `log_welch.log_welch` does on the CPU.

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real dtype.
    dt_s : float
        Frame interval, s.
    tiling : Tiling, optional
        Default: chosen by the number of traces.

    Returns
    -------
    cupy.ndarray, shape (n_traces, n_freqs), float64, counts²/Hz
        NaN for a trace that contains NaN or infinity, 0 for a constant one.

    Raises
    ------
    TracesError
        If the traces are too short for three windows.
    """
    cupy = xp_of(values)
    n_traces, n_frames = values.shape
    grid = log_grid(n_frames)
    n_freqs = len(grid.windows)
    counts = _prepare_counts(values)
    if tiling is None:
        tiling = WIDE[counts.real] if n_traces >= MANY_TRACES else NARROW
    # as few parts as the block size allows, all equal
    n_pairs = -(-n_freqs // tiling.freqs_per_warp)
    n_warps = -(-n_pairs // -(-n_pairs // tiling.most_warps))
    n_parts = -(-n_pairs // n_warps)
    psd: Array = cupy.empty((n_traces, n_freqs), dtype="float64")
    rows, first_row = _wave_table(n_frames, counts.dtype)
    tables = map(cupy.asarray, (rows, grid.windows, grid.n_windows, first_row))
    run = kernel(
        "log_welch",
        VALUE=counts.value,
        REAL=counts.real,
        TRACES_PER_LANE=tiling.traces_per_lane,
        FREQS_PER_WARP=tiling.freqs_per_warp,
    )
    n_traces_at_once = LANES * tiling.traces_per_lane
    run(
        -(-n_traces // n_traces_at_once) * n_parts,
        LANES * n_warps,
        *(counts.values, counts.centres, *tables),
        *(float(dt_s), n_traces, n_frames, n_freqs, psd),
        shared_bytes=LANES * (n_traces_at_once + 1) * counts.dtype.itemsize,
    )
    return psd


def segment_spectra(
    values: Array, dt_s: float, nperseg: int, step: int, window: np.ndarray | None = None
) -> Array:
    """Estimate one-sided densities from overlapping segments, each with its mean subtracted.

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real dtype.
    dt_s : float
        Frame interval, s.
    nperseg, step : int
        Frames of a segment, and from the start of one segment to the start of the next.
    window : ndarray, shape (nperseg,), optional
        Weights of the frames of a segment, NumPy. Default: all 1.

    Returns
    -------
    cupy.ndarray, shape (n_traces, nperseg // 2), float64, counts²/Hz
        At frequencies above 0. NaN for a trace that contains NaN or infinity, 0 for a constant one.

    Notes
    -----
    Works on blocks of traces that fit the free memory. The kernels give the same bits for any block
    size; cuFFT guarantees this only for calls of the same size.
    """
    cupy = xp_of(values)
    n_traces, n_frames = values.shape
    n_segments = (n_frames - nperseg) // step + 1
    counts = _prepare_counts(values)
    weights = None if window is None else cupy.asarray(window, dtype=counts.dtype)
    factor = float(dt_s) / (nperseg if window is None else float(np.sum(window**2)))
    psd: Array = cupy.empty((n_traces, nperseg // 2), dtype="float64")
    cut = kernel("window_segments", VALUE=counts.value, REAL=counts.real)
    fold = kernel("power_spectrum", REAL=counts.real)

    def fill(start: int, stop: int) -> None:
        n, traces, centres = stop - start, counts.values[start:stop], counts.centres[start:stop]
        segments = cupy.empty((n * n_segments, nperseg), dtype=counts.dtype)
        cut(
            _n_blocks(LANES * len(segments)),
            THREADS,
            *(traces, centres, weights),
            *(n, n_frames, n_segments, nperseg, step),
            segments,
        )
        spectra, density = cupy.fft.rfft(segments), psd[start:stop]
        has_nyquist = 1 - nperseg % 2
        sizes = (n, n_segments, nperseg // 2, has_nyquist)
        fold(_n_blocks(density.size), THREADS, spectra, *sizes, factor, density)

    def work(start: int, stop: int) -> None:
        most = max(1, MOST_FFT_VALUES // (n_segments * nperseg))
        for first in range(start, stop, most):
            fill(first, min(first + most, stop))

    # memory for the segments and their spectra, and twice that for cuFFT's work area
    in_blocks(n_traces, 4 * n_segments * nperseg * counts.dtype.itemsize, work)
    return psd


def power_law_fit(
    psd: Array, ln_f: np.ndarray, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fit a power law to every spectrum by least squares of logarithms.

    Parameters
    ----------
    psd : cupy.ndarray, shape (n_traces, n_freqs), float64
    ln_f : ndarray, shape (n_used,)
        Logarithms of the frequencies to use, NumPy.
    first : int
        Column of ``psd`` of the first of these frequencies; the others follow.

    Returns
    -------
    beta, beta_stderr, amplitude, n_points : ndarray, shape (n_traces,)
        NumPy arrays, as from `fit._ordinary_least_squares`.
    """
    cupy = xp_of(psd)
    n_traces, n_freqs = psd.shape
    psd, ln_f = cupy.ascontiguousarray(psd, dtype="float64"), cupy.asarray(ln_f)
    beta, stderr, amplitude = (cupy.empty(n_traces, dtype="float64") for _ in range(3))
    n_points = cupy.empty(n_traces, dtype="int64")
    sizes = (n_traces, n_freqs, first, len(ln_f))
    run = kernel("power_law_fit")
    run(_n_blocks(LANES * n_traces), THREADS, psd, ln_f, *sizes, beta, stderr, amplitude, n_points)
    to_host = cupy.asnumpy
    return to_host(beta), to_host(stderr), to_host(amplitude), to_host(n_points)


@dataclass(frozen=True)
class _Counts:
    """Traces in the form that the kernels take.

    Attributes
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
    centres : cupy.ndarray, shape (n_traces, 2)
        Two numbers whose sum is subtracted from a trace.
    value, real : str
        C types of the values and of the calculation.
    dtype : dtype
        NumPy's name of ``real``.
    """

    values: Array
    centres: Array
    value: str
    real: str
    dtype: np.dtype


def _prepare_counts(values: Array) -> _Counts:
    """Calculate the centre of every trace; NaN where a value is not finite."""
    cupy = xp_of(values)
    if values.dtype.name not in C_TYPES:
        values = values.astype(HELD_BY.get(values.dtype.name, "float64"))
    values = cupy.ascontiguousarray(values)
    dtype = np.dtype("float32" if values.dtype.name in IN_FLOAT32 else "float64")
    value, real = C_TYPES[values.dtype.name], C_TYPES[dtype.name]
    centres = cupy.empty((len(values), 2), dtype=dtype)
    run = kernel("trace_centres", VALUE=value, REAL=real)
    run(_n_blocks(LANES * len(values)), THREADS, values, *values.shape, centres)
    return _Counts(values, centres, value, real, dtype)


@lru_cache(maxsize=4)
def _wave_table(n_frames: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return the table that the kernel reads (NumPy), and the first row of each frequency.

    A row contains a frame's windowed cosine and sine, and those of the window that starts half a
    window later.
    """
    parts = []
    for window, _, waves in windowed_waves(log_grid(n_frames)):
        later = np.roll(waves, window // 2, axis=0)
        n = waves.shape[1] // 2
        for k in range(n):
            columns = (waves[:, [k, n + k]], later[:, [k, n + k]])
            parts.append(np.hstack(columns).astype(dtype))
    first_row = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return np.concatenate(parts), first_row


def _n_blocks(n_threads: int) -> int:
    return -(-n_threads // THREADS)
