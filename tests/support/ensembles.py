"""Small ensembles of curves, pleasant and ugly, for the sweep's tests."""

import numpy as np

from umlpsd_gpu.traces.traces import Traces

UGLY = (
    "raw",
    "binned",
    "wide",
    "tall",
    "few",
    "one_sample",
    "duplicates",
    "constant_traces",
    "two_traces_far_away",
)


def three_shapes(n_traces, n_samples, noise, seed=0):
    """Rising, falling and humped curves with noise, min-max scaled, and their classes."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, n_traces)
    time = np.linspace(0, 1, n_samples)
    shapes = np.stack([time, 1 - time, np.sin(np.pi * time)])[classes]
    values = shapes + rng.normal(0, noise, shapes.shape)
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    return (values - low) / np.where(high > low, high - low, 1), classes


def ugly(kind):
    """An ensemble of the given kind; (n_traces, n_samples) float64."""
    rng = np.random.default_rng(1)
    if kind == "raw":
        return three_shapes(60, 2000, 0.5)[0]
    if kind == "binned":
        return three_shapes(101, 53, 0.2)[0]
    if kind == "wide":  # n < d
        return three_shapes(17, 211, 0.3)[0]
    if kind == "tall":  # n > d
        return three_shapes(307, 5, 0.2)[0]
    if kind == "few":  # fewer traces than the largest K of a study
        return three_shapes(7, 20, 0.2)[0]
    if kind == "one_sample":
        return rng.random((50, 1))
    if kind == "duplicates":
        return np.repeat(three_shapes(20, 30, 0.3)[0], 3, axis=0)
    if kind == "constant_traces":
        values = three_shapes(40, 30, 0.3)[0]
        values[:5] = 0
        return values
    if kind == "two_traces_far_away":
        values = three_shapes(40, 30, 0.3)[0]
        values[:2] += 1e4
        return values
    raise ValueError(kind)


def noise(n_traces, n_frames, seed=0):
    """White noise around 300 counts."""
    return np.random.default_rng(seed).normal(300, 40, size=(n_traces, n_frames))


def traces_of(values, dt_s=0.03):
    """Values as traces."""
    return Traces.without_place(np.asarray(values), dt_s, "table")
