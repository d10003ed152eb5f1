"""Curves to work on: on the host where results are compared, spread over many on the device."""

from __future__ import annotations

from typing import Any

import numpy as np

N_BASES = 1000
TRACES_AT_ONCE = 4096


def clustered(n_traces: int, n_samples: int, seed: int = 0) -> np.ndarray:
    """Return curves of three shapes with noise, in [0, 1] but for the noise; float64."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, n_samples)
    shapes = np.stack([time, 1 - time, 0.5 + 0.5 * np.sin(7 * time)])
    kind = rng.integers(0, len(shapes), n_traces)
    gain = rng.uniform(0.6, 1.0, (n_traces, 1))
    return gain * shapes[kind] + 0.3 * rng.standard_normal((n_traces, n_samples))


def power_law_noise(n_traces: int, n_frames: int, seed: int = 0) -> np.ndarray:
    """Return noise of spectra f^(−β), β 0…1.5, around 1,000 counts, 150 wide; float64."""
    rng = np.random.default_rng(seed)
    beta = rng.uniform(0, 1.5, (n_traces, 1))
    freqs = np.fft.rfftfreq(n_frames)
    freqs[0] = freqs[1]
    shape = (n_traces, len(freqs))
    spectra = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * freqs ** (-beta / 2)
    values = np.fft.irfft(spectra, n_frames)
    values -= values.mean(axis=1, keepdims=True)
    return 1000 + 150 * values / values.std(axis=1, keepdims=True)


def spread(cupy: Any, bases: Any, n_traces: int, dtype: str) -> Any:
    """Return many traces on the device: the bases again and again, each time with another gain.

    Parameters
    ----------
    bases : cupy.ndarray, shape (n_bases, n_frames), float64
    """
    traces = cupy.empty((n_traces, bases.shape[1]), dtype)
    for start in range(0, n_traces, TRACES_AT_ONCE):
        number = cupy.arange(start, min(start + TRACES_AT_ONCE, n_traces))
        gain = 0.75 + (number * 7919 % 65521) / 131042
        some = bases.take(number % len(bases), axis=0) * gain[:, None]
        traces[start : start + len(number)] = some.astype(dtype)
    return traces
