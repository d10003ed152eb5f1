"""Traces → Spectrum: the verb, and the two estimators that SciPy owns."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.backend import is_on_device, n_cores
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.log_welch import kernels, log_grid, log_welch
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.storage.blocks import give_back
from umlpsd_gpu.traces.traces import Traces

# NumPy: centred (n, n_frames) → psd (n, n_freqs). CuPy: values of all traces → psd
Estimator = Callable[[Any], Any]

METHODS = ("log_welch", "welch", "periodogram")
_BLOCK_FRAMES = 100_000  # 0.8 MB: a block of traces stays in a core's cache for every frequency
_WINDOWS_PER_TRACE = 8  # of welch: f_min is that of log_welch, at 15 windows


def power_spectrum(
    traces: Traces,
    method: str = "log_welch",
    *,
    nperseg: int | None = None,
    noverlap: int | None = None,
    n_threads: int | None = None,
) -> Spectrum:
    """Estimate the power spectral density of every trace, its mean removed.

    Parameters
    ----------
    traces : Traces
        Raw trajectories of at least 2 frames (``log_welch``: 303), values of any real type,
        NumPy's or CuPy's.
    method : {"log_welch", "welch", "periodogram"}
        ``log_welch``: Welch with a window of its own for every frequency, 0.05 decade apart.
        ``welch``: SciPy's, with a Hann window. ``periodogram``: SciPy's, full length, no window.
    nperseg, noverlap : int, optional
        Frames in a window of ``welch`` and frames shared by neighbours, as in SciPy. Default:
        an eighth of the trace, but not below 256 frames (or the whole trace), half of it shared.
    n_threads : int, optional
        Default: all cores. Never changes a bit of the result; a device doesn't ask for it.

    Returns
    -------
    Spectrum
        Float64, at frequencies above 0, the density of ``welch`` and ``periodogram`` one-sided in
        counts²/Hz. That of ``log_welch`` keeps the published normalisation, × dt/2π of the
        two-sided estimate: 4π times it is the one-sided density in counts²/Hz. A trace that
        holds NaN or infinity has NaN throughout; a constant one has 0. Of CuPy's values ``psd`` is
        CuPy's, ``freqs_hz`` and ``dof`` are NumPy's.

    Raises
    ------
    SettingsError
        If the method is not known or the windows of ``welch`` don't fit.
    TracesError
        If the traces are too short for the method.

    Notes
    -----
    Step 6 of the method; the paper's own estimator is not known, ``log_welch`` most likely [I].

    A device calculates in float32 where float32 holds the counts exactly (float32 and integers of
    up to 16 bits), once the mean is off: exponents then differ from float64's by less than 1e-4.
    """
    if method not in METHODS:
        raise SettingsError(f"method '{method}' is not known; choose from {', '.join(METHODS)}")
    if method != "welch" and (nperseg, noverlap) != (None, None):
        raise SettingsError(f"nperseg and noverlap belong to method 'welch'; '{method}' has none")
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
        psd = _spread(estimate, traces.values, len(dof), n_threads)
    windows = (n_frames, nperseg or 0, noverlap or 0)
    return Spectrum(cycles_per_frame / dt_s, psd, method, dof, dt_s, *windows)


def welch_dof(window: np.ndarray, step: int, n_windows: int) -> float:
    """Return the χ² degrees of freedom of the mean over overlapping windows of white noise.

    Parameters
    ----------
    window : ndarray, shape (nperseg,)
        Weights of the frames.
    step : int
        Frames from one window to the next.
    n_windows : int

    Notes
    -----
    P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967) [L]. Half-overlapping long Hann
    windows give 36 n² / (19 n − 1).
    """
    shifts = np.arange(1, min(n_windows, -(-len(window) // step)))
    shared = [np.sum(window[: len(window) - s * step] * window[s * step :]) for s in shifts]
    correlation = (np.array(shared) / np.sum(window**2)) ** 2
    return 2 * n_windows / (1 + 2 * np.sum((1 - shifts / n_windows) * correlation))


def _log_welch(
    n_frames: int, dt_s: float, on_device: bool
) -> tuple[np.ndarray, np.ndarray, Estimator]:
    grid = log_grid(n_frames)
    if on_device:
        return grid.cycles / n_frames, grid.dof, lambda values: device.log_welch(values, dt_s)
    shared = kernels(grid)
    return grid.cycles / n_frames, grid.dof, lambda centred: log_welch(centred, dt_s, shared)


def _periodogram(
    n_frames: int, dt_s: float, on_device: bool
) -> tuple[np.ndarray, np.ndarray, Estimator]:
    from scipy.signal import periodogram

    cycles_per_frame = np.fft.rfftfreq(n_frames)[1:]
    dof = np.full(len(cycles_per_frame), 2.0)
    dof[cycles_per_frame == 0.5] = 1.0  # the Nyquist frequency has no phase
    if on_device:
        # less its mean once more: that is the coefficient at frequency 0, which is left out
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
            f"nperseg is {nperseg}, but must be from 2 to the {n_frames} frames of the traces"
        )
    if noverlap is None:
        noverlap = nperseg // 2
    if not 0 <= noverlap < nperseg:
        raise SettingsError(
            f"noverlap is {noverlap}, but must be from 0 to below nperseg ({nperseg})"
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


def _spread(
    estimate: Estimator, values: np.ndarray, n_freqs: int, n_threads: int | None
) -> np.ndarray:
    """Estimate block by block: the blocks, not the threads, settle every bit."""
    n_traces, n_frames = values.shape
    psd = np.empty((n_traces, n_freqs))
    block = max(1, _BLOCK_FRAMES // n_frames)

    def fill(start: int) -> None:
        rows = slice(start, start + block)
        centred, finite = _centred(values[rows])
        psd[rows] = estimate(centred)
        psd[rows][~finite] = np.nan
        give_back(values[rows])

    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(n_threads or n_cores()) as pool,
    ):
        list(pool.map(fill, range(0, n_traces, block)))
    return psd


def _centred(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return traces less their means, and which are finite; the others are 0, as constants are."""
    # no memmap: SciPy adds subclasses of arrays in another order
    counts = values.astype(np.float64, subok=False)
    finite = np.asarray(np.isfinite(counts).all(axis=1))
    counts[~finite] = 0.0
    constant = counts.min(axis=1) == counts.max(axis=1)
    counts -= counts.mean(axis=1, keepdims=True)
    counts[constant] = 0.0  # a mean of equal numbers differs from them in the last bit
    return counts, finite
