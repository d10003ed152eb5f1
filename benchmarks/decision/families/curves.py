"""Curves without camera noise: smooth trajectories with memory, and periodic ones."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, sawtooth, square

from .ensemble import Draw, Drawn, class_sizes, curve_matrices, log_uniform, shuffled_classes

WAVES = {
    "sine": np.sin,
    "square": square,
    "sawtooth": sawtooth,
    "triangle": lambda x: sawtooth(x, 0.5),
    "pulses": lambda x: 2.0 * (np.mod(x, 2 * np.pi) < 0.8) - 1,
}


def trajectories(draw: Draw) -> Drawn:
    """Draw random smooth means and individual deviations with a memory."""
    rng = draw.rng
    k = draw.k(2, 6)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(40, 301))))
    n, n_points = len(classes), int(rng.choice([200, 400, 1000]))
    length, amplitude = log_uniform(rng, 0.05, 0.3), rng.uniform(0.2, 1)
    # two means of variance 1 differ by √2
    means = _smooth(rng, k, n_points, length)
    memory = log_uniform(rng, 0.005, 0.3)
    if rng.random() < 0.5:
        kind, deviations = "AR(1)", _autoregressive(rng, n, n_points, memory)
    else:
        kind, deviations = "smooth", _smooth(rng, n, n_points, memory)
    white = rng.uniform(0, 0.5) * rng.standard_normal((n, n_points))
    values = means[classes] + np.sqrt(2) * amplitude * deviations + white
    values *= np.exp(0.2 * rng.standard_normal((n, 1)))
    description = (
        f"means over {length:.2f}, {kind} deviations {amplitude:.2f} over {memory:.3f}, "
        f"{n_points} points"
    )
    return Drawn(curve_matrices(values), classes, description)


def periodic(draw: Draw) -> Drawn:
    """Draw periodic curves that differ in frequency, phase or waveform."""
    rng = draw.rng
    k = draw.k(2, 4)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(40, 301))))
    n, n_points = len(classes), int(rng.choice([400, 700, 1000]))
    differs = str(rng.choice(["frequency", "phase", "waveform"]))
    cycles = np.full(k, rng.uniform(2, 6))
    phases, names = np.zeros(k), [str(rng.choice(list(WAVES)))] * k
    if differs == "frequency":
        cycles = cycles + rng.uniform(0.15, 0.8) * np.arange(k)
    elif differs == "phase":
        phases = 2 * np.pi * (np.arange(k) / k + rng.uniform(-0.3, 0.3, k) / k)
    else:
        names = [str(name) for name in rng.permutation(list(WAVES))[:k]]
    jitter, noise = log_uniform(rng, 0.02, 1.3), log_uniform(rng, 0.1, 12)
    own_phases = phases[classes] + jitter * rng.standard_normal(n)
    own_cycles = cycles[classes] * (1 + 0.01 * rng.standard_normal(n))
    x = np.linspace(0, 1, n_points)
    angles = 2 * np.pi * own_cycles[:, None] * x + own_phases[:, None]
    values = np.stack([WAVES[names[c]](angle) for c, angle in zip(classes, angles, strict=True)])
    values *= np.exp(0.3 * rng.standard_normal((n, 1)))
    values += noise * rng.standard_normal(values.shape)
    description = (
        f"{differs} ({', '.join(dict.fromkeys(names))}), {cycles.round(2)} cycles, "
        f"phases ±{jitter:.2f}, noise {noise:.2f}"
    )
    return Drawn(curve_matrices(values), classes, description)


def _smooth(rng: np.random.Generator, n: int, n_points: int, length: float) -> np.ndarray:
    """Return Gaussian processes of variance 1 with a squared-exponential kernel."""
    # white noise convolved with a Gaussian of width length/√2 has this kernel
    sigma = max(length * n_points / np.sqrt(2), 0.3)
    reach = int(np.ceil(4 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    noise = rng.standard_normal((n, n_points + 2 * reach))
    size = noise.shape[1] + 2 * reach
    product = np.fft.rfft(noise, size) * np.fft.rfft(kernel, size)
    return np.fft.irfft(product, size)[:, 2 * reach : 2 * reach + n_points]


def _autoregressive(rng: np.random.Generator, n: int, n_points: int, memory: float) -> np.ndarray:
    """Return AR(1) series of variance 1, correlated over ``memory`` of the curve."""
    keep = np.exp(-1 / (memory * n_points))
    steps = np.sqrt(1 - keep**2) * rng.standard_normal((n, n_points))
    steps[:, 0] = rng.standard_normal(n)
    return lfilter([1.0], [1.0, -keep], steps, axis=1)
