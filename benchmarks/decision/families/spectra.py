"""Spectra: sums of peaks on a background, with shot noise."""

from __future__ import annotations

import numpy as np

from .ensemble import Draw, Drawn, class_sizes, log_uniform, shuffled_classes


def spectra(draw: Draw) -> Drawn:
    """Draw spectra of two to five kinds that share a part of their peaks."""
    rng = draw.rng
    k = draw.k(2, 5)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(40, 301))))
    n, n_points = len(classes), int(rng.choice([200, 400, 600]))
    counts, alike = log_uniform(rng, 3, 1000), 1 - log_uniform(rng, 0.1, 1)
    shift, intensity = log_uniform(rng, 0.0005, 0.02), rng.uniform(0.05, 0.6)
    common, own = _peaks(rng), [_peaks(rng) for _ in range(k)]
    axis = np.linspace(0, 1, n_points)
    shifted = axis - shift * rng.standard_normal((n, 1))
    peaks = np.empty((n, n_points))
    for c in range(k):
        x = shifted[classes == c]
        peaks[classes == c] = alike * _sum(common, x) + (1 - alike) * _sum(own[c], x)
    level = rng.uniform(0.02, 0.3) * np.exp(0.3 * rng.standard_normal((n, 1)))
    slope = rng.uniform(-1, 1) + 0.2 * rng.standard_normal((n, 1))
    background = level * np.exp(slope * axis)
    bright = counts * np.exp(intensity * rng.standard_normal((n, 1)))
    values = rng.poisson(bright * (peaks + background)).astype(float)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    matrices = {
        "unit_norm": values / np.where(norms > 0, norms, 1.0),
        "sqrt": np.sqrt(values),
        "raw": values,
    }
    description = (
        f"{counts:.1f} counts, {alike:.2f} alike, shift {shift:.4f}, intensity ±{intensity:.2f}"
    )
    return Drawn(matrices, classes, description)


def _peaks(rng: np.random.Generator) -> list[tuple[float, float, float, bool]]:
    """Draw position, width, height and form of two to four peaks."""
    return [
        (
            rng.uniform(0.1, 0.9),
            log_uniform(rng, 0.01, 0.08),
            rng.uniform(0.3, 1),
            rng.random() < 0.5,
        )
        for _ in range(rng.integers(2, 5))
    ]


def _sum(peaks: list[tuple[float, float, float, bool]], x: np.ndarray) -> np.ndarray:
    total = np.zeros_like(x)
    for middle, width, height, is_lorentzian in peaks:
        distance = ((x - middle) / width) ** 2
        total += height * (1 / (1 + distance) if is_lorentzian else np.exp(-distance / 2))
    return total
