"""Families of slow shapes: signal, nesting, sizes, common drift, outliers."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.simulate.classes import BLINKING_CLASSES

from .ensemble import (
    BACKGROUND,
    OUTLIER,
    SCALES,
    Draw,
    Drawn,
    camera_values,
    class_sizes,
    log_uniform,
    shuffled_classes,
    trace_matrices,
)
from .slow_shapes import GRID, blinks, courses, draw_shapes


def blinking_shapes(draw: Draw) -> Drawn:
    """Draw clearly different shapes under individual blinking."""
    rng = draw.rng
    k = draw.k(2, 6)
    ratio = 5.0 if rng.random() < 1 / 3 else 1.0
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(60, 201)), ratio))
    n_frames = int(rng.choice([2000, 3000, 4000]))
    counts, jitter = log_uniform(rng, 20, 120), log_uniform(rng, 0.01, 0.15)
    shapes = courses(rng, draw_shapes(rng, k), classes, n_frames, jitter)
    shapes *= blinks(rng, len(classes), n_frames, depth=rng.uniform(0.7, 0.95))
    description = f"{counts:.0f} counts, jitter {jitter:.3f}, {ratio:.0f}:1, {n_frames} frames"
    return Drawn(trace_matrices(camera_values(rng, shapes, counts)), classes, description)


def high_signal(draw: Draw) -> Drawn:
    """Draw bright or noiseless traces; twins, whose numbers are all odd, take turns."""
    rng = draw.rng
    k = draw.k(2, 6)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(60, 201))))
    n_frames = int(rng.choice([2000, 3000, 4000]))
    jitter = log_uniform(rng, 0.003, 0.06)
    counts = log_uniform(rng, 1e3, 1e5)
    shapes = courses(rng, draw_shapes(rng, k, apart=0.15), classes, n_frames, jitter)
    depth = rng.uniform(0, 0.9)
    shapes *= blinks(rng, len(classes), n_frames, depth)
    noiseless = (draw.number // 4) % 2 == 0 if draw.is_twin else draw.number % 2 == 1
    values = BACKGROUND + counts * shapes if noiseless else camera_values(rng, shapes, counts)
    signal = "noiseless" if noiseless else f"{counts:.0f} counts"
    description = f"{signal}, jitter {jitter:.3f}, blinking {depth:.2f}, {n_frames} frames"
    return Drawn(trace_matrices(values), classes, description)


def hierarchy(draw: Draw) -> Drawn:
    """Draw two or three groups of two or three similar classes; the classes count."""
    rng = draw.rng
    n_groups = draw.k(2, 3)
    n_inside = [draw.k(2, 3) for _ in range(n_groups)]
    n_leaves = sum(n_inside)
    parents = np.repeat(np.arange(n_groups), n_inside)
    leaves = shuffled_classes(rng, class_sizes(rng, n_leaves, int(rng.integers(90, 241))))
    n_frames = int(rng.choice([2000, 3000]))
    counts, jitter = log_uniform(rng, 15, 400), log_uniform(rng, 0.005, 0.04)
    nearness = rng.uniform(0.2, 0.5)
    bases = draw_shapes(rng, n_groups)
    values = np.array([shape(GRID) for shape in bases])
    gaps = np.sqrt(((values[:, None] - values[None]) ** 2).mean(axis=2))
    gap = gaps[gaps > 0].mean() if n_groups > 1 else 0.35
    shapes = courses(rng, bases, parents[leaves], n_frames, jitter)
    # offsets of RMS a that are orthogonal are √2 a apart
    offsets = [gap * nearness / np.sqrt(2) * _orthogonal(rng, m, n_frames) for m in n_inside]
    shapes = np.clip(shapes + 0.9 * np.concatenate(offsets)[leaves] + 0.15, 0.01, None)
    shapes *= blinks(rng, len(leaves), n_frames, depth=rng.uniform(0, 0.6))
    description = (
        f"{n_groups} groups of {n_inside}, inner distance {nearness:.2f} of outer, "
        f"{counts:.0f} counts, jitter {jitter:.3f}, {n_frames} frames"
    )
    return Drawn(trace_matrices(camera_values(rng, shapes, counts)), leaves, description)


def imbalance(draw: Draw) -> Drawn:
    """Draw classes of which the smallest is 20 times smaller than the largest."""
    rng = draw.rng
    k = draw.k(2, 5)
    smallest = int(rng.integers(3, 9))
    between = [int(log_uniform(rng, smallest, 20 * smallest)) for _ in range(k - 2)]
    sizes = np.array([20 * smallest, *between, smallest])[: k if k > 1 else 1]
    classes = shuffled_classes(rng, sizes)
    n_frames = int(rng.choice([2000, 3000, 4000]))
    counts, jitter = log_uniform(rng, 5, 400), log_uniform(rng, 0.005, 0.06)
    shapes = courses(rng, draw_shapes(rng, k), classes, n_frames, jitter)
    shapes *= blinks(rng, len(classes), n_frames, depth=rng.uniform(0.2, 0.9))
    description = f"sizes {sizes.tolist()}, {counts:.0f} counts, jitter {jitter:.3f}"
    return Drawn(trace_matrices(camera_values(rng, shapes, counts)), classes, description)


def size(draw: Draw) -> Drawn:
    """Draw from a dozen to thousands of traces."""
    rng = draw.rng
    n = int(log_uniform(rng, 12, 5000))
    k = draw.k(2, min(6, n // 3))
    sizes = 3 + rng.multinomial(n - 3 * k, rng.dirichlet(np.full(k, 5.0)))
    classes = shuffled_classes(rng, sizes)
    n_frames = 2000
    counts, jitter = log_uniform(rng, 10, 120), log_uniform(rng, 0.005, 0.12)
    floor = rng.uniform(0.05, 0.7)
    shapes = courses(rng, draw_shapes(rng, k, apart=0.2), classes, n_frames, jitter, floor)
    shapes *= blinks(rng, len(classes), n_frames, depth=rng.uniform(0.2, 0.8))
    scales = ("W25", "W50", "W100", "W200") if n > 1500 else SCALES
    description = f"{counts:.0f} counts, jitter {jitter:.3f}, floor {floor:.2f}"
    values = camera_values(rng, shapes, counts)
    return Drawn(trace_matrices(values, scales), classes, description)


def common_drift(draw: Draw) -> Drawn:
    """Draw shapes under a drift that all traces share."""
    rng = draw.rng
    k = draw.k(2, 5)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(50, 201))))
    n_frames = int(rng.choice([2000, 3000, 4000]))
    counts, jitter = log_uniform(rng, 8, 300), log_uniform(rng, 0.01, 0.1)
    floor = rng.uniform(0.05, 0.5)
    shapes = courses(rng, draw_shapes(rng, k), classes, n_frames, jitter, floor)
    shapes *= blinks(rng, len(classes), n_frames, depth=rng.uniform(0.3, 0.9))
    kind = str(rng.choice(["lamp drift", "lamp step", "background bleaching"]))
    strength = rng.uniform(0.2, 0.8)
    background = np.full(n_frames, BACKGROUND)
    times = (np.arange(n_frames) + 0.5) / n_frames
    if kind == "lamp drift":
        waves = np.sin(2 * np.pi * rng.uniform(0.3, 2.5) * times + rng.uniform(0, 6))
        shapes = shapes * (1 + strength * waves)
    elif kind == "lamp step":
        shapes = shapes * np.where(times < rng.uniform(0.2, 0.8), 1.0, 1 - strength)
    else:
        background = BACKGROUND + 2 * strength * counts * np.exp(-times / rng.uniform(0.1, 0.5))
    description = (
        f"{kind} {strength:.2f}, {counts:.0f} counts, jitter {jitter:.3f}, floor {floor:.2f}"
    )
    values = camera_values(rng, shapes, counts, background)
    return Drawn(trace_matrices(values), classes, description)


def outliers(draw: Draw) -> Drawn:
    """Draw classes and 10 % of traces that belong to none."""
    rng = draw.rng
    k = draw.k(2, 5)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(50, 201)), fewest=8))
    n_frames = int(rng.choice([2000, 3000, 4000]))
    counts, jitter = log_uniform(rng, 4, 400), log_uniform(rng, 0.005, 0.12)
    floor = rng.uniform(0.05, 0.7)
    shapes = courses(rng, draw_shapes(rng, k), classes, n_frames, jitter, floor)
    shapes *= blinks(rng, len(classes), n_frames, depth=rng.uniform(0.2, 0.9))
    chosen = rng.choice(len(classes), max(1, len(classes) // 10), replace=False)
    for i in chosen:
        shapes[i] = _outlier(rng, shapes[i])
        classes[i] = OUTLIER
    description = (
        f"{len(chosen)} outliers, {counts:.0f} counts, jitter {jitter:.3f}, floor {floor:.2f}"
    )
    return Drawn(trace_matrices(camera_values(rng, shapes, counts)), classes, description)


def _outlier(rng: np.random.Generator, course: np.ndarray) -> np.ndarray:
    """Return another shape, a trace of many states, or the trace with spikes."""
    n_frames = len(course)
    kind = rng.integers(3)
    if kind == 0:
        other = courses(rng, draw_shapes(rng, 1), np.array([0]), n_frames, 0.1)
        return (other * blinks(rng, 1, n_frames, 0.8))[0]
    if kind == 1:
        return BLINKING_CLASSES["MSB"](rng, n_frames, 300.0 / n_frames)
    spikes = np.zeros(n_frames)
    for start in rng.integers(0, n_frames, rng.integers(1, 6)):
        spikes[start : start + rng.integers(1, 20)] += rng.uniform(0.5, 2)
    return course + spikes


def _orthogonal(rng: np.random.Generator, m: int, n_frames: int) -> np.ndarray:
    """Return ``m`` random smooth courses of RMS 1, mean 0, orthogonal to each other."""
    times = (np.arange(n_frames) + 0.5) / n_frames
    waves = np.sqrt(2) * np.cos(np.pi * np.arange(1, 7)[:, None] * times)
    return np.linalg.qr(rng.standard_normal((6, m)))[0].T @ waves
