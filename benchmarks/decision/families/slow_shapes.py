"""Slow shapes: random courses of many kinds, each trace shifted, stretched and blinking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph

from .ensemble import DT_S, bounded_normal, log_uniform

Shape = Callable[[np.ndarray], np.ndarray]
TRIALS = 200
GRID = np.linspace(0, 1, 200)


def decay(rng: np.random.Generator) -> Shape:
    """Return a hyperbolic decay."""
    half, power = rng.uniform(0.1, 0.3), rng.uniform(1.5, 3)
    return lambda u: 1 / (1 + (np.maximum(u, 0) / half) ** power)


def rise(rng: np.random.Generator) -> Shape:
    """Return a power-law rise."""
    power = rng.uniform(1.5, 4)
    return lambda u: np.clip(u, 0, 1.2) ** power


def early_rise(rng: np.random.Generator) -> Shape:
    """Return a rise that saturates early."""
    power = rng.uniform(0.25, 0.5)
    return lambda u: np.clip(u, 0, 1.2) ** power


def bump(rng: np.random.Generator) -> Shape:
    """Return a Lorentzian bump."""
    middle, width = rng.uniform(0.25, 0.75), rng.uniform(0.06, 0.15)
    return lambda u: 1 / (1 + ((u - middle) / width) ** 2)


def dip(rng: np.random.Generator) -> Shape:
    """Return a dip like 1 − sech²."""
    middle, width = rng.uniform(0.25, 0.75), rng.uniform(0.07, 0.18)
    return lambda u: np.tanh((u - middle) / width) ** 2


def window(rng: np.random.Generator) -> Shape:
    """Return a stretch of light with sharp ends."""
    first = rng.uniform(0.1, 0.4)
    last = first + rng.uniform(0.2, 0.4)
    return lambda u: (np.tanh((u - first) / 0.01) - np.tanh((u - last) / 0.01)) / 2


def step_down(rng: np.random.Generator) -> Shape:
    """Return a sharp late step down."""
    when = rng.uniform(0.4, 0.8)
    return lambda u: (1 - np.tanh((u - when) / 0.008)) / 2


def staircase(rng: np.random.Generator) -> Shape:
    """Return two steps up of different height."""
    first, last, level = rng.uniform(0.15, 0.4), rng.uniform(0.6, 0.85), rng.uniform(0.3, 0.7)
    return lambda u: level * (u > first) + (1 - level) * (u > last)


def ramp(rng: np.random.Generator) -> Shape:
    """Return a straight rise to a peak, and a straight fall."""
    peak = rng.uniform(0.2, 0.8)
    return lambda u: np.clip(np.minimum(u / peak, (1 - u) / (1 - peak)), 0, 1)


def oscillation(rng: np.random.Generator) -> Shape:
    """Return a damped oscillation."""
    cycles, damping, phase = rng.uniform(1.5, 4), rng.uniform(0, 2), rng.uniform(0, 2 * np.pi)
    return lambda u: 0.5 + 0.5 * np.exp(-damping * u) * np.sin(2 * np.pi * cycles * u + phase)


def triangle_wave(rng: np.random.Generator) -> Shape:
    """Return a wave of straight lines."""
    cycles, phase = rng.uniform(1.5, 3), rng.uniform(0, 1)
    return lambda u: 2 * np.abs((cycles * u + phase) % 1 - 0.5)


def two_bumps(rng: np.random.Generator) -> Shape:
    """Return two narrow bumps of different height."""
    first, last, height = rng.uniform(0.15, 0.35), rng.uniform(0.6, 0.85), rng.uniform(0.4, 1)
    return lambda u: np.exp(-np.abs(u - first) / 0.06) + height * np.exp(-np.abs(u - last) / 0.06)


KINDS = (
    decay, rise, early_rise, bump, dip, window, step_down, staircase, ramp, oscillation,
    triangle_wave, two_bumps,
)  # fmt: skip


def draw_shapes(rng: np.random.Generator, k: int, apart: float = 0.25) -> list[Shape]:
    """Draw shapes of different kinds, each pair at least ``apart`` (RMS over the movie)."""
    for trial in range(TRIALS):
        shapes = [KINDS[kind](rng) for kind in rng.permutation(len(KINDS))[:k]]
        values = np.array([shape(GRID) for shape in shapes])
        gaps = np.sqrt(((values[:, None] - values[None]) ** 2).mean(axis=2))
        # after many trials a smaller distance will do
        if (gaps[np.triu_indices(k, 1)] >= apart * (1 - trial / TRIALS)).all():
            break
    return shapes


def courses(
    rng: np.random.Generator,
    shapes: list[Shape],
    classes: np.ndarray,
    n_frames: int,
    jitter: float,
    floor: float = 0.1,
) -> np.ndarray:
    """Return each trace's course, delayed and stretched at random; 0…1, (n_traces, n_frames).

    Parameters
    ----------
    jitter : float
        Standard deviation of the delay, as a share of the movie; stretch and depth vary too.
    floor : float
        Brightness at the lowest point.
    """
    n = len(classes)
    u = (np.arange(n_frames) + 0.5) / n_frames
    delays = jitter * bounded_normal(rng, n)
    stretches = np.exp(jitter * bounded_normal(rng, n))
    own_floor = floor ** np.exp(min(2 * jitter, 0.3) * bounded_normal(rng, n))
    values = np.empty((n, n_frames))
    for c, shape in enumerate(shapes):
        of_class = classes == c
        values[of_class] = shape((u - delays[of_class]) * stretches[of_class])
    return own_floor + (1 - own_floor) * np.clip(values, 0, 1.2)


def blinks(rng: np.random.Generator, n_traces: int, n_frames: int, depth: float) -> np.ndarray:
    """Return two-state factors 1 and 1 − depth with individual duty and dwell times.

    The longest dwell varies twofold around one value of the ensemble, 0.5 to 10 s.
    """
    typical_s = log_uniform(rng, 0.5, 10)
    factors = np.empty((n_traces, n_frames))
    for i in range(n_traces):
        duty, longest_s = rng.uniform(0.5, 0.85), log_uniform(rng, typical_s / 2, 2 * typical_s)
        on, off = (DwellLaw(1.5, 0.03 * s, longest_s * s) for s in (2 * duty, 2 * (1 - duty)))
        dwells_s, is_on = telegraph(rng, n_frames * DT_S, on, off)
        factors[i] = frame_averages(np.where(is_on, 1.0, 1 - depth), dwells_s, n_frames, DT_S)
    return factors
