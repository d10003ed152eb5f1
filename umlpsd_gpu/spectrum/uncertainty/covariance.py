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
    starts = [np.arange(n) * w // 2 for w, n in zip(grid.windows, grid.n_windows, strict=True)]
    tapers = [np.hamming(w) / np.sqrt(np.sum(np.hamming(w) ** 2)) for w in grid.windows]
    covariance = np.zeros((n_freqs, n_freqs))
    for i in range(n_freqs):
        for j in range(i, n_freqs):
            apart = freqs[j] - freqs[i]
            if apart > _REACH_BINS * (1 / grid.windows[i] + 1 / grid.windows[j]):
                break
            shared = _shared_power(tapers[i], tapers[j], apart)
            covariance[i, j] = _mean_over_pairs(shared, starts[i], starts[j], len(tapers[j]))
            covariance[j, i] = covariance[i, j]
    return covariance


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
