"""What steep spectra add to the covariance of estimates: power that leaks from low frequencies.

Leaked power is common to many estimates, and so makes them rise and fall together. It matters from
β ≈ 1 on for the periodogram, whose ends don't meet, and from β ≈ 1.75 on for ``log_welch``, whose
Hamming windows let 5e-5 of any frequency through. The Hann windows of ``welch`` let none through.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.spectrum.bands import Bands

_SAMPLES_PER_BAND = 6
_LONGEST_PERIOD = 4  # of the noise, in lengths of a trace


def leakage_through_sidelobes(
    beta: float, nodes: np.ndarray, response: np.ndarray, is_far: np.ndarray, n_frames: int
) -> tuple[np.ndarray, float]:
    """Return the share of leaked power in each estimate of f^(−β) noise, and how it scatters.

    Parameters
    ----------
    nodes, response : ndarray, shapes (n_nodes,), (n_bands, n_nodes)
    is_far : ndarray of bool, shape (n_bands, n_nodes)
        What lies below the main lobe.

    Returns
    -------
    share : ndarray, shape (n_bands,)
    variance : float
        Of the leaked power over its squared mean. It follows the variance of the trace's slow
        part, Σ S² / (Σ S)² over its frequencies.
    """
    density = nodes**-beta
    share = (response * is_far) @ density / (response @ density)
    slow = np.arange(1, n_frames // 2 + 1) ** -beta
    return share, float(np.sum(slow**2) / np.sum(slow) ** 2)


def leakage_through_ends(beta: float, n_frames: int, bands: Bands, first: int) -> np.ndarray:
    """Return what the relative covariance of a periodogram's bands has beyond white noise's.

    The Fourier coefficients of N frames with autocovariance R are correlated by
    (B_j − B_k + B_k* − B_j*) / (N (1 − e^{−i(ω_j − ω_k)})), B_j = Σ_{τ<N} R(τ) e^{−iω_j τ}: no sum
    over pairs of frames is left. A few frequencies of each band stand for all.

    Parameters
    ----------
    first : int
        Number of the first frequency of the bands, from 1.

    Returns
    -------
    ndarray, shape (n_bands, n_bands)
    """
    samples = bands.samples(_SAMPLES_PER_BAND)
    relative = _squared_coherence(beta, n_frames, np.concatenate(samples) + first)
    starts = np.cumsum([0, *(len(sample) for sample in samples[:-1])])
    n_samples = np.array([len(sample) for sample in samples])
    own = np.add.reduceat(relative.diagonal(), starts) / n_samples
    sums = np.add.reduceat(np.add.reduceat(relative, starts, axis=0), starts, axis=1)
    excess = sums / np.outer(n_samples, n_samples)
    # within a band: its own pairs, and each frequency with itself as often as in the band
    n_pairs = np.maximum(n_samples * (n_samples - 1), 1)
    within = (sums.diagonal() - own * n_samples) / n_pairs
    np.fill_diagonal(excess, within * (1 - 1 / bands.sizes) + own / bands.sizes)
    return excess


def _squared_coherence(beta: float, n_frames: int, numbers: np.ndarray) -> np.ndarray:
    """Return |C_jk|² + |C_j,−k|² over the variances; C_jj itself, white noise's, left out."""
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
        found = (difference - difference.conj()) / np.where(same, 1, n_frames * (1 - turn))
        return np.where(same, 0, np.abs(found) ** 2)

    return (coherence(1) + coherence(-1)) / np.outer(variance, variance)
