"""Telegraphs that differ only in their dwell times."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.simulate.dwell import frame_averages

from .ensemble import (
    DT_S,
    Draw,
    Drawn,
    camera_values,
    class_sizes,
    log_uniform,
    shuffled_classes,
    trace_matrices,
)

RATIOS = (1, 5, 25)


def dwell_times(draw: Draw) -> Drawn:
    """Draw exponential dwells of mean 1 : 5 : 25, at the same duty."""
    rng = draw.rng
    k = draw.k(2, 3)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(40, 201))))
    n_frames = int(rng.choice([2000, 3000, 4000]))
    shortest, duty = log_uniform(rng, 0.7, 20), rng.uniform(0.35, 0.65)
    means = shortest * np.sort(rng.permutation(RATIOS)[:k])
    counts = log_uniform(rng, 20, 400)
    shapes = np.stack([_telegraph(rng, means[c], duty, n_frames) for c in classes])
    description = f"mean dwells {means.round(1)} frames, duty {duty:.2f}, {counts:.0f} counts"
    return Drawn(trace_matrices(camera_values(rng, shapes, counts)), classes, description)


def _telegraph(
    rng: np.random.Generator, mean_frames: float, duty: float, n_frames: int
) -> np.ndarray:
    means = 2 * mean_frames * np.array([duty, 1 - duty])
    n_pairs = int(n_frames / mean_frames) + 50
    dwells = rng.exponential(means, (n_pairs, 2)).ravel()
    while dwells.sum() < n_frames:
        dwells = np.concatenate([dwells, rng.exponential(means, (n_pairs, 2)).ravel()])
    levels = np.resize([1.0, 0.05], dwells.size)
    if rng.random() > duty:  # exponential dwells have no memory: either state may come first
        dwells, levels = np.append(dwells[1:], n_frames), np.append(levels[1:], 1.0)
    return frame_averages(levels, dwells * DT_S, n_frames, DT_S)
