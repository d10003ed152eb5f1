"""How the estimates of one trace correlate, for each estimator: relative covariances.

For Gaussian noise whose density is constant across a window's band, the covariance of two estimates
over their product is the mean over all pairs of their windows of |Σ_t w(t) v(t − τ) e^{iΔωt}|²,
with windows normalised to Σ w² = 1, τ the delay between them and Δω the difference of their
frequencies (Isserlis' theorem). Leakage from distant frequencies is added in `leakage`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.spectrum.log_welch import LogGrid

# two Hamming windows further apart than this, in bins of either, share no power
_REACH_BINS = 2.5
_NEGLIGIBLE = 1e-5
# Longer windows are calculated in steps of several frames, so that they have so many. With this and
# the next limit, correlations differ by less than 0.0012 from those without limits
_LONGEST_WINDOW, _N_STEPS = 1 << 13, 1 << 11
# Windows of one frequency that are paired with those of another
_MOST_STARTS = 1 << 10


def log_welch_covariance(grid: LogGrid) -> np.ndarray:
    """Return the relative covariance of the estimates of `log_welch` for white noise.

    Parameters
    ----------
    grid : LogGrid

    Returns
    -------
    ndarray, shape (n_freqs, n_freqs)
    """
    n_freqs = len(grid.windows)
    freqs = grid.cycles / grid.n_frames
    covariance = np.zeros((n_freqs, n_freqs))
    for i in range(n_freqs):
        # what windows share depends on their lengths relative to each other only
        is_long = grid.windows[i] > _LONGEST_WINDOW
        scale = grid.windows[i] / _N_STEPS if is_long else 1.0
        starts, taper = _place_windows(grid, i, scale)
        for j in range(i, n_freqs):
            apart = freqs[j] - freqs[i]
            if apart > _REACH_BINS * (1 / grid.windows[i] + 1 / grid.windows[j]):
                break
            other_starts, other = _place_windows(grid, j, scale)
            shared = _shared_power(taper, other, apart * scale)
            covariance[i, j] = _mean_over_pairs(shared, starts, other_starts, len(other))
            covariance[j, i] = covariance[i, j]
    return covariance


def _place_windows(grid: LogGrid, i: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts of the windows of a frequency, and their shape, in steps of ``scale``."""
    window = int(grid.windows[i])
    starts = np.arange(grid.n_windows[i]) * window // 2
    if scale > 1:
        starts = np.round(starts / scale).astype(np.int64)
        window = round(window / scale)
    taper = np.hamming(window)
    return starts, taper / np.sqrt(np.sum(taper**2))


def _shared_power(longer: np.ndarray, shorter: np.ndarray, apart: float) -> np.ndarray:
    """Return |Σ_t w(t) v(t − τ) e^{iΔωt}|² at τ = −n_v + 1 … n_w − 1."""
    from scipy.fft import fft, ifft, next_fast_len

    n_delays = len(longer) + len(shorter) - 1
    n = next_fast_len(n_delays)
    wave = longer * np.exp(2j * np.pi * apart * np.arange(len(longer)))
    power: np.ndarray = np.abs(ifft(fft(wave, n) * fft(shorter[::-1], n))[:n_delays]) ** 2
    return power


def _mean_over_pairs(
    shared: np.ndarray, starts: np.ndarray, other_starts: np.ndarray, other_window: int
) -> float:
    """Average over all pairs of windows; pairs without overlap contribute 0."""
    n_delays = len(shared)
    if len(starts) > _MOST_STARTS:
        # windows in the middle of a long trace all overlap alike
        starts = starts[np.linspace(0, len(starts) - 1, _MOST_STARTS).round().astype(np.int64)]
    first = np.searchsorted(other_starts, starts - other_window + 1)
    n_most = 2 * n_delays // other_window + 3
    number = first[:, None] + np.arange(n_most)
    exists = number < len(other_starts)
    delays = other_starts[np.where(exists, number, 0)] - starts[:, None] + other_window - 1
    overlapping = exists & (delays >= 0) & (delays < n_delays)
    return float(shared[delays[overlapping]].sum() / (len(starts) * len(other_starts)))


def welch_covariance(window: np.ndarray, step: int, n_windows: int) -> Any:
    """Return the relative covariance of Welch's estimates above 0 for white noise.

    Parameters
    ----------
    window : ndarray, shape (nperseg,)
        Weight of each frame.
    step : int
        Frames from the start of one window to the start of the next.
    n_windows : int

    Returns
    -------
    scipy.sparse.csr_array, shape (nperseg // 2, nperseg // 2)
        Non-zero where two frequencies share the main lobe or a sidelobe above 1e-5.
    """
    from scipy.sparse import csr_array

    nperseg = len(window)
    by_distance = np.zeros(nperseg)
    for shift in range(min(n_windows, -(-nperseg // step))):
        delay = shift * step
        shared = np.fft.fft(window[: nperseg - delay] * window[delay:], nperseg)
        pairs = 1 if shift == 0 else 2 * (1 - shift / n_windows)
        by_distance += pairs * np.abs(shared) ** 2
    by_distance /= n_windows * np.sum(window**2) ** 2
    n_freqs = nperseg // 2
    near = np.flatnonzero(by_distance[: n_freqs + 1] > _NEGLIGIBLE * by_distance[0])
    distances = np.concatenate([-near[near > 0], near])
    number = np.arange(1, n_freqs + 1)
    rows, columns = (a.ravel() for a in np.broadcast_arrays(number, number + distances[:, None]))
    inside = (columns >= 1) & (columns <= n_freqs)
    rows, columns = rows[inside], columns[inside]
    # a real trace has the conjugate coefficient at the negative frequency
    values = by_distance[np.abs(rows - columns)] + by_distance[(rows + columns) % nperseg]
    return csr_array((values, (rows - 1, columns - 1)), shape=(n_freqs, n_freqs))


def periodogram_covariance(n_frames: int) -> Any:
    """Return the relative covariance of a periodogram above 0 for white noise; it is diagonal.

    Parameters
    ----------
    n_frames : int

    Returns
    -------
    scipy.sparse.csr_array, shape (n_frames // 2, n_frames // 2)
    """
    from scipy.sparse import diags_array

    variances = np.ones(n_frames // 2)
    if n_frames % 2 == 0:
        variances[-1] = 2.0  # the Nyquist frequency has no phase
    return diags_array(variances).tocsr()


def log_covariance(covariance: Any) -> Any:
    """Return the covariance of the logarithms of χ² estimates.

    Two gamma variables of shape a and correlation r have logarithms of covariance Σ_k r^k Γ(k) Γ(a)
    / (k Γ(a + k)): ψ'(a) at r = 1, and r / a where r is small or a is large.

    Parameters
    ----------
    covariance : array or sparse array, shape (n, n)
        Relative covariance of the estimates.

    Returns
    -------
    array or sparse array, shape (n, n)
        Sparse if ``covariance`` is.
    """
    from scipy.sparse import csr_array, issparse
    from scipy.special import gammaln, polygamma

    entries = csr_array(covariance).tocoo()
    variances = covariance.diagonal()
    of_row, of_column = variances[entries.row], variances[entries.col]
    shape = 2 / (of_row + of_column)
    correlation = np.minimum(entries.data / np.sqrt(of_row * of_column), 1.0)
    values = np.zeros(len(shape))
    for k in range(1, 40):
        ln_term = gammaln(k) + gammaln(shape) - gammaln(shape + k)
        values += correlation**k / k * np.exp(ln_term)
    own = entries.row == entries.col
    values[own] = polygamma(1, shape[own])
    filled = csr_array((values, (entries.row, entries.col)), shape=covariance.shape)
    return filled if issparse(covariance) else filled.toarray()
