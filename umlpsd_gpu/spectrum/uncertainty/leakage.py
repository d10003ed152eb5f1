"""What steep spectra add to the covariance of estimates: power that leaks from low frequencies.

Leaked power reaches many estimates at once and makes them rise and fall together. It matters from β
≈ 1 for the periodogram, because the ends of a trace do not meet, and from β ≈ 1.75 for
``log_welch``, whose Hamming windows transmit 5e-5 of distant frequencies. The Hann windows of
``welch`` transmit a negligible amount.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.spectrum.bands import Bands

_FREQS_PER_BAND = 6
_LONGEST_PERIOD = 4  # of the noise, in lengths of the trace


def leakage_through_sidelobes(
    beta: float, nodes: np.ndarray, response: np.ndarray, is_far: np.ndarray, n_frames: int
) -> tuple[np.ndarray, float]:
    """Return the share of leaked power in each estimate of f^(−β) noise, and its relative variance.

    Parameters
    ----------
    beta : float
    nodes : ndarray, shape (n_nodes,), cycles per frame
    response : ndarray, shape (n_bands, n_nodes)
        As in `sampling.Sampling`.
    is_far : ndarray of bool, shape (n_bands, n_nodes)
        Whether a node is below the main lobe of a band.
    n_frames : int
        Frames of a trace.

    Returns
    -------
    share : ndarray, shape (n_bands,)
    variance : float
        Variance of the leaked power over its squared mean: that of the slow part of the trace, Σ S²
        / (Σ S)² over its frequencies.
    """
    density = nodes**-beta
    share = (response * is_far) @ density / (response @ density)
    slow = np.arange(1, n_frames // 2 + 1) ** -beta
    return share, float(np.sum(slow**2) / np.sum(slow) ** 2)


def leakage_through_ends(beta: float, n_frames: int, bands: Bands, first: int) -> np.ndarray:
    """Return the relative covariance of a periodogram's bands, less that of white noise.

    The Fourier coefficients of N frames with autocovariance R are correlated by (B_j − B_k + B_k* −
    B_j*) / (N (1 − e^{−i(ω_j − ω_k)})), B_j = Σ_{τ<N} R(τ) e^{−iω_j τ}, without a sum over pairs of
    frames. A few frequencies represent each band.

    Parameters
    ----------
    beta : float
    n_frames : int
        Frames of a trace.
    bands : Bands
    first : int
        Number of the lowest frequency of the bands, counted from 1.

    Returns
    -------
    ndarray, shape (n_bands, n_bands)
    """
    picked = bands.pick_frequencies(_FREQS_PER_BAND)
    relative = _squared_coherence(beta, n_frames, np.concatenate(picked) + first)
    starts = np.cumsum([0, *(len(part) for part in picked[:-1])])
    n_picked = np.array([len(part) for part in picked])
    own = np.add.reduceat(relative.diagonal(), starts) / n_picked
    sums = np.add.reduceat(np.add.reduceat(relative, starts, axis=0), starts, axis=1)
    excess = sums / np.outer(n_picked, n_picked)
    # within a band: pairs of different frequencies, and each with itself, in the band's proportion
    n_pairs = np.maximum(n_picked * (n_picked - 1), 1)
    within = (sums.diagonal() - own * n_picked) / n_pairs
    np.fill_diagonal(excess, within * (1 - 1 / bands.sizes) + own / bands.sizes)
    return excess


def _squared_coherence(beta: float, n_frames: int, numbers: np.ndarray) -> np.ndarray:
    """Return |C_jk|² + |C_j,−k|² over the variances, without C_jj, which white noise has too."""
    n_long = _LONGEST_PERIOD * n_frames
    density = np.zeros(n_long // 2 + 1)
    density[1:] = np.arange(1, n_long // 2 + 1) ** -beta
    autocovariance = np.fft.irfft(density, n_long)[:n_frames]
    one_sided = np.fft.fft(autocovariance)[numbers % n_frames]
    ramped = np.fft.fft(autocovariance * np.arange(n_frames))[numbers % n_frames]
    variance = 2 * one_sided.real - autocovariance[0] - 2 * ramped.real / n_frames

    def coherence(sign: int) -> np.ndarray:
        turn = np.exp(-2j * np.pi * ((numbers[:, None] - sign * numbers) % n_frames) / n_frames)
        other = one_sided if sign == 1 else one_sided.conj()
        difference = one_sided[:, None] - other
        same = np.abs(1 - turn) < 1e-12
        covariance = (difference - difference.conj()) / np.where(same, 1, n_frames * (1 - turn))
        return np.where(same, 0, np.abs(covariance) ** 2)

    relative: np.ndarray = (coherence(1) + coherence(-1)) / np.outer(variance, variance)
    return relative
