"""Traces → Spectrum: `power_spectrum` and the two estimators taken from SciPy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, n_cores
from umlpsd_gpu.compute.current_device import on_device_of_first
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.keywords import whole_number
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.log_welch import log_grid, log_welch, windowed_waves
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.storage.blocks import give_back
from umlpsd_gpu.traces.traces import Traces, require_moderate, require_traces

# NumPy: traces less their means (n, n_frames) → psd (n, n_freqs). CuPy: all traces → psd
Estimator = Callable[[Array], Array]

METHODS = ("log_welch", "welch", "periodogram")
_BLOCK_FRAMES = 100_000  # 0.8 MB, so that a block of traces stays in a core's cache
_WINDOWS_PER_TRACE = 8  # half-overlapping windows are then 15, and f_min is that of log_welch


@on_device_of_first
def power_spectrum(
    traces: Traces,
    method: str = "log_welch",
    *,
    nperseg: int | None = None,
    noverlap: int | None = None,
    n_threads: int | None = None,
) -> Spectrum:
    """Estimate the power spectral density of every trace, after subtracting its mean.

    Parameters
    ----------
    traces : Traces
        Raw traces of at least 2 frames (``log_welch``: 303), of any real dtype, NumPy or CuPy.
    method : {"log_welch", "welch", "periodogram"}
        ``log_welch``: Welch's method with a separate window length for each frequency, frequencies
        0.05 decade apart. ``welch``: SciPy's, Hann window. ``periodogram``: SciPy's, full length,
        no window.
    nperseg, noverlap : int, optional
        Only for ``welch``: frames per window and frames shared by two windows, as in SciPy.
        Default: an eighth of the trace, but at least 256 frames (or the whole trace); half of it
        overlaps.
    n_threads : int, optional
        Default: all cores. The result does not depend on it. Ignored on a GPU.

    Returns
    -------
    Spectrum
        Float64, at frequencies above 0. ``welch`` and ``periodogram`` give one-sided densities in
        counts²/Hz. ``log_welch`` keeps the published normalisation, dt/2π times the two-sided
        estimate: multiply by 4π for the one-sided density in counts²/Hz. All values are NaN for a
        trace that contains NaN or infinity, and 0 for a constant one. If the traces are CuPy
        arrays, so is ``psd``; ``freqs_hz`` and ``dof`` are always NumPy.

    Raises
    ------
    SettingsError
        If the method is unknown, the windows of ``welch`` do not fit, or ``n_threads`` is below 1.
    TracesError
        If they are no Traces, too short for the method, or of a size whose squares float64 can't
        hold (beyond 1e±70).

    Notes
    -----
    Step 6 of the method. The estimator of the paper is not published; ``log_welch`` is the most
    likely one [I].

    A GPU calculates in float32 where float32 represents the counts exactly (float32 and integers of
    up to 16 bits), after the mean is subtracted. Exponents then differ from float64 by less than
    1e-4.

    Examples
    --------
    >>> from umlpsd_gpu import power_spectrum
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"TSB": 3}, n_frames=1000, dt_s=0.03).traces
    >>> spectrum = power_spectrum(traces)
    >>> spectrum.psd.shape
    (3, 33)
    >>> spectrum.freqs_hz[[0, -1]].round(2)
    array([ 0.3 , 11.97])
    """
    require_traces(traces, "power_spectrum")
    n_threads = None if n_threads is None else whole_number("n_threads", n_threads, 1)
    nperseg = None if nperseg is None else whole_number("nperseg", nperseg)
    noverlap = None if noverlap is None else whole_number("noverlap", noverlap)
    if method not in METHODS:
        raise SettingsError(f"method '{method}' is not known; choose from {', '.join(METHODS)}")
    if method != "welch" and (nperseg, noverlap) != (None, None):
        raise SettingsError(
            f"nperseg and noverlap are for method 'welch'; remove them for '{method}'"
        )
    if traces.n_frames < 2:
        raise TracesError(f"a spectrum needs at least 2 frames, got {traces.n_frames}")
    on_device = is_on_device(traces.values)
    n_frames, dt_s = traces.n_frames, traces.dt_s
    if method == "log_welch":
        cycles_per_frame, dof, estimate = _log_welch(n_frames, dt_s, on_device)
    elif method == "welch":
        nperseg, noverlap = _windows(n_frames, nperseg, noverlap)
        cycles_per_frame, dof, estimate = _welch(n_frames, dt_s, nperseg, noverlap, on_device)
    else:
        cycles_per_frame, dof, estimate = _periodogram(n_frames, dt_s, on_device)
    if on_device:
        psd = estimate(traces.values)
    else:
        require_moderate(traces)
        psd = _estimate_in_blocks(estimate, traces.values, len(dof), n_threads)
    windows = (n_frames, nperseg or 0, noverlap or 0)
    return Spectrum(cycles_per_frame / dt_s, psd, method, dof, dt_s, *windows)


def welch_dof(window: np.ndarray, step: int, n_windows: int) -> float:
    """Return the χ² degrees of freedom of a mean over overlapping windows of white noise.

    Parameters
    ----------
    window : ndarray, shape (nperseg,)
        Weight of each frame.
    step : int
        Frames from the start of one window to the start of the next.
    n_windows : int

    Returns
    -------
    float

    Notes
    -----
    P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967) [L]. Half-overlapping long Hann
    windows give 36 n² / (19 n − 1).
    """
    shifts = np.arange(1, min(n_windows, -(-len(window) // step)))
    shared = [np.sum(window[: len(window) - s * step] * window[s * step :]) for s in shifts]
    correlation = (np.array(shared) / np.sum(window**2)) ** 2
    dof: float = 2 * n_windows / (1 + 2 * np.sum((1 - shifts / n_windows) * correlation))
    return dof


def _log_welch(
    n_frames: int, dt_s: float, on_device: bool
) -> tuple[np.ndarray, np.ndarray, Estimator]:
    grid = log_grid(n_frames)
    if on_device:
        return grid.cycles / n_frames, grid.dof, lambda values: device.log_welch(values, dt_s)
    lock = Lock()
    shared: list[tuple[int, slice, np.ndarray]] = []

    def estimate(centred: np.ndarray) -> np.ndarray:
        # large for long traces, and not needed where settings are only tried
        with lock:
            if not shared:
                shared.extend(windowed_waves(grid))
        return log_welch(centred, dt_s, shared)

    return grid.cycles / n_frames, grid.dof, estimate


def _periodogram(
    n_frames: int, dt_s: float, on_device: bool
) -> tuple[np.ndarray, np.ndarray, Estimator]:
    from scipy.signal import periodogram

    cycles_per_frame = np.fft.rfftfreq(n_frames)[1:]
    dof = np.full(len(cycles_per_frame), 2.0)
    dof[cycles_per_frame == 0.5] = 1.0  # the Nyquist frequency has no phase
    if on_device:
        # subtracting the mean again changes only the coefficient at frequency 0, which is left out
        return (
            cycles_per_frame,
            dof,
            lambda values: device.segment_spectra(values, dt_s, n_frames, n_frames),
        )
    return (
        cycles_per_frame,
        dof,
        lambda centred: periodogram(centred, 1 / dt_s, detrend=False)[1][:, 1:],
    )


def _windows(n_frames: int, nperseg: int | None, noverlap: int | None) -> tuple[int, int]:
    if nperseg is None:
        nperseg = min(n_frames, max(256, n_frames // _WINDOWS_PER_TRACE))
    if not 2 <= nperseg <= n_frames:
        raise SettingsError(
            f"nperseg is {nperseg}, but must be from 2 to {n_frames}, the number of frames"
        )
    if noverlap is None:
        noverlap = nperseg // 2
    if not 0 <= noverlap < nperseg:
        raise SettingsError(
            f"noverlap is {noverlap}, but must be at least 0 and below nperseg ({nperseg})"
        )
    return nperseg, noverlap


def _welch(
    n_frames: int, dt_s: float, nperseg: int, noverlap: int, on_device: bool
) -> tuple[np.ndarray, np.ndarray, Estimator]:
    from scipy.signal import get_window, welch

    window, step = get_window("hann", nperseg), nperseg - noverlap
    cycles_per_frame = np.fft.rfftfreq(nperseg)[1:]
    dof = np.full(len(cycles_per_frame), welch_dof(window, step, (n_frames - noverlap) // step))
    dof[cycles_per_frame == 0.5] /= 2
    if on_device:
        return (
            cycles_per_frame,
            dof,
            lambda values: device.segment_spectra(values, dt_s, nperseg, step, window),
        )
    return (
        cycles_per_frame,
        dof,
        lambda centred: welch(centred, 1 / dt_s, "hann", nperseg, noverlap)[1][:, 1:],
    )


def _estimate_in_blocks(
    estimate: Estimator, values: np.ndarray, n_freqs: int, n_threads: int | None
) -> np.ndarray:
    """Estimate block by block; the blocks do not depend on the threads, so neither does any bit."""
    n_traces, n_frames = values.shape
    psd = np.empty((n_traces, n_freqs))
    block = max(1, _BLOCK_FRAMES // n_frames)

    def fill(start: int) -> None:
        rows = slice(start, start + block)
        centred, finite = _subtract_means(values[rows])
        psd[rows] = estimate(centred)
        psd[rows][~finite] = np.nan
        give_back(values[rows])

    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(n_threads or n_cores()) as pool,
    ):
        list(pool.map(fill, range(0, n_traces, block)))
    return psd


def _subtract_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return traces less their means (0 if constant or not finite), and which are finite."""
    # not a memmap: SciPy sums array subclasses in a different order
    counts = values.astype(np.float64, subok=False)
    finite = np.asarray(np.isfinite(counts).all(axis=1))
    counts[~finite] = 0.0
    constant = counts.min(axis=1) == counts.max(axis=1)
    counts -= counts.mean(axis=1, keepdims=True)
    counts[constant] = 0.0  # the mean of equal numbers may differ from them in the last bit
    return counts, finite
