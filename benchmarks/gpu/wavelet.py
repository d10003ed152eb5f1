"""Wavelet db4 for machines without PyWavelets: its taps, and the approximation in plain NumPy."""

from __future__ import annotations

import numpy as np

# pywt.Wavelet("db4").dec_lo and .rec_lo of PyWavelets 1.8 (see tests/benchmarks/test_gpu_proof.py)
DEC_LO = (
    -0.010597401785069032,
    0.0328830116668852,
    0.030841381835560764,
    -0.18703481171909309,
    -0.027983769416859854,
    0.6308807679298589,
    0.7148465705529157,
    0.2303778133088965,
)
REC_LO = DEC_LO[::-1]


def approximation(values: np.ndarray, level: int) -> np.ndarray:
    """Return what ``wavelet_approximation(values, level)`` returns, of traces that vary."""
    smoothed, lengths = values.astype(np.float64), []
    for _ in range(level):
        lengths.append(smoothed.shape[1])
        smoothed = _down(smoothed)
    for length in reversed(lengths):
        smoothed = _up(smoothed)[:, :length]
    return smoothed


def _down(signal: np.ndarray) -> np.ndarray:
    """coefs[k] = sum_j dec_lo[j] signal[2k + 1 - j], mirrored at both ends."""
    n_taps, n = len(DEC_LO), signal.shape[1]
    mirrored = np.pad(signal, ((0, 0), (n_taps - 2, n_taps)), mode="symmetric")
    n_coefs = (n + n_taps - 1) // 2
    newest = 2 * np.arange(n_coefs) + 1 + n_taps - 2
    return sum(tap * mirrored[:, newest - j] for j, tap in enumerate(DEC_LO))


def _up(coefs: np.ndarray) -> np.ndarray:
    """signal[i] = sum_k rec_lo[i + n_taps - 2 - 2k] coefs[k]."""
    n_taps, n_coefs = len(REC_LO), coefs.shape[1]
    spaced = np.zeros((len(coefs), 2 * n_coefs - 1))
    spaced[:, ::2] = coefs
    full = np.zeros((len(coefs), spaced.shape[1] + n_taps - 1))
    for j, tap in enumerate(REC_LO):
        full[:, j : j + spaced.shape[1]] += tap * spaced
    return full[:, n_taps - 2 : full.shape[1] - (n_taps - 2)]
