"""Spectra and exponents on the device: CuPy arrays in; spectra stay there, exponents come down.

The twins are in ``log_welch.py`` and ``fit.py``, and SciPy's ``welch`` and ``periodogram``. Counts
that float32 holds exactly (float32 and integers of up to 16 bits) are calculated in float32 once
their mean, taken in float64, is off; all others in float64. Squares are summed in float64. On
f^(−β) noise of 6,000 and 10,000 frames, β 0…1.5, float32 moved no exponent by more than 9e-7
(``log_welch`` 1.2e-7).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.spectrum.log_welch import kernels, log_grid

# the counts that float32 holds exactly
IN_FLOAT32 = ("uint8", "int8", "uint16", "int16", "float32")
# of kinds that the kernels don't know → the least one that holds their numbers
HELD_BY = {"bool": "uint8", "float16": "float32"}
LANES = 32
THREADS = 256
# cuFFT counts the values of one call in 32 bits
MOST_FFT_VALUES = 1 << 28


@dataclass(frozen=True)
class Tiling:
    """How ``log_welch`` is shared out; no choice changes a bit.

    Attributes
    ----------
    traces_per_lane, freqs_per_warp : int
        The larger, the less is loaded for each multiply-add; the smaller, the more warps there are.
    most_warps : int
        In a block.
    """

    traces_per_lane: int
    freqs_per_warp: int
    most_warps: int


NARROW = Tiling(1, 1, 4)
WIDE = {"float": Tiling(6, 2, 5), "double": Tiling(2, 2, 5)}
# Wide tiles of fewer traces leave much of an H200 idle: predicted, not measured
MANY_TRACES = 4096


def log_welch(values: Any, dt_s: float, tiling: Tiling | None = None) -> Any:
    """Estimate densities on the logarithmic grid: `log_welch.log_welch` of the centred traces.

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real type.
    dt_s : float
    tiling : Tiling, optional
        Default: by the number of traces.

    Returns
    -------
    cupy.ndarray, shape (n_traces, n_freqs), float64
        NaN for a trace that holds NaN or infinity, 0 for a constant one.

    Raises
    ------
    TracesError
        If the traces are too short for three windows.
    """
    cupy = xp_of(values)
    n_traces, n_frames = values.shape
    grid = log_grid(n_frames)
    n_freqs = len(grid.windows)
    counts = _counts(values)
    if tiling is None:
        tiling = WIDE[counts.real] if n_traces >= MANY_TRACES else NARROW
    # the fewest parts that blocks allow, of equal size
    n_pairs = -(-n_freqs // tiling.freqs_per_warp)
    n_warps = -(-n_pairs // -(-n_pairs // tiling.most_warps))
    n_parts = -(-n_pairs // n_warps)
    psd = cupy.empty((n_traces, n_freqs), dtype="float64")
    rows, first_row = _rows(n_frames, counts.dtype)
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
    values: Any, dt_s: float, nperseg: int, step: int, window: np.ndarray | None = None
) -> Any:
    """Estimate one-sided densities from the spectra of overlapping segments, less their means.

    Parameters
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
        Counts, of any real type.
    dt_s : float
    nperseg, step : int
        Frames of a segment, and from the start of one to that of the next.
    window : ndarray, shape (nperseg,), optional
        Weights of a segment's frames, on the host. Default: all 1.

    Returns
    -------
    cupy.ndarray, shape (n_traces, nperseg // 2), float64
        At frequencies above 0. NaN for a trace that holds NaN or infinity, 0 for a constant one.

    Notes
    -----
    Works on blocks of traces that fit the free memory. The kernels give the same bits in any
    block; of cuFFT it is known only for calls of the same size.
    """
    cupy = xp_of(values)
    n_traces, n_frames = values.shape
    n_segments = (n_frames - nperseg) // step + 1
    counts = _counts(values)
    weights = None if window is None else cupy.asarray(window, dtype=counts.dtype)
    scale = float(dt_s) / (nperseg if window is None else float(np.sum(window**2)))
    psd = cupy.empty((n_traces, nperseg // 2), dtype="float64")
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
        fold(_n_blocks(density.size), THREADS, spectra, *sizes, scale, density)

    def work(start: int, stop: int) -> None:
        most = max(1, MOST_FFT_VALUES // (n_segments * nperseg))
        for first in range(start, stop, most):
            fill(first, min(first + most, stop))

    # the segments, their spectra, and as much as both for cuFFT
    in_blocks(n_traces, 4 * n_segments * nperseg * counts.dtype.itemsize, work)
    return psd


def power_law_fit(
    psd: Any, ln_f: np.ndarray, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fit a power law to every spectrum by least squares of logarithms.

    Parameters
    ----------
    psd : cupy.ndarray, shape (n_traces, n_freqs), float64
    ln_f : ndarray, shape (n_used,)
        Logarithms of the frequencies to use, on the host.
    first : int
        Column of ``psd`` that the first of them belongs to; the others follow.

    Returns
    -------
    beta, beta_stderr, amplitude, n_points : ndarray, shape (n_traces,)
        On the host; what `fit._ordinary_least_squares` finds.
    """
    cupy = xp_of(psd)
    n_traces, n_freqs = psd.shape
    psd, ln_f = cupy.ascontiguousarray(psd, dtype="float64"), cupy.asarray(ln_f)
    beta, stderr, amplitude = (cupy.empty(n_traces, dtype="float64") for _ in range(3))
    n_points = cupy.empty(n_traces, dtype="int64")
    sizes = (n_traces, n_freqs, first, len(ln_f))
    run = kernel("power_law_fit")
    run(_n_blocks(LANES * n_traces), THREADS, psd, ln_f, *sizes, beta, stderr, amplitude, n_points)
    down = cupy.asnumpy
    return down(beta), down(stderr), down(amplitude), down(n_points)


@dataclass(frozen=True)
class _Counts:
    """Traces as the kernels take them.

    Attributes
    ----------
    values : cupy.ndarray, shape (n_traces, n_frames)
    centres : cupy.ndarray, shape (n_traces, 2)
        Two numbers that add up to what is subtracted from a trace.
    value, real : str
        C types of the values and of the calculation; ``dtype`` is the latter's.
    """

    values: Any
    centres: Any
    value: str
    real: str
    dtype: np.dtype


def _counts(values: Any) -> _Counts:
    """Find the centre of every trace; it is NaN where a value is not finite."""
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
def _rows(n_frames: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return the kernel's table, on the host, and where each frequency's rows begin.

    A row holds a frame's tapered cosine and sine, and those that windows beginning half a window
    later have there.
    """
    parts = []
    for window, _, kernel_of_window in kernels(log_grid(n_frames)):
        later = np.roll(kernel_of_window, window // 2, axis=0)
        n = kernel_of_window.shape[1] // 2
        for k in range(n):
            columns = (kernel_of_window[:, [k, n + k]], later[:, [k, n + k]])
            parts.append(np.hstack(columns).astype(dtype))
    first_row = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return np.concatenate(parts), first_row


def _n_blocks(n_threads: int) -> int:
    return -(-n_threads // THREADS)
