"""Blinking emitters: classes of nanocrystals, slow trends, duty cycles, and no classes at all."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.classes import BLINKING_CLASSES
from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.models import simulate_power_law_noise

from .ensemble import BACKGROUND, DT_S, Draw, Drawn, log_uniform, trace_matrices

MOST_K = {"blinking": 3, "duty": 3, "trends": 6, "blinking trends": 6}

# slow courses of brightness over u = 0…1, with a separate time constant or position for each trace
TRENDS = (
    lambda u, s: 0.1 + 0.9 * (1 - np.exp(-u / (0.3 * s))),  # brightening
    lambda u, s: 0.05 + 0.95 * np.exp(-u / (0.25 * s)),  # bleaching
    lambda u, s: 0.15 + 0.85 * np.exp(-(((u - 0.5 * s) / 0.18) ** 2)),  # hump
    lambda u, s: 1 - 0.85 * np.exp(-(((u - 0.5 * s) / 0.18) ** 2)),  # dip
    lambda u, s: 0.1 + 0.9 / (1 + np.exp(-(u - 0.72 * s) / 0.03)),  # late step up
    lambda u, s: 1 - 0.9 / (1 + np.exp(-(u - 0.28 * s) / 0.03)),  # early step down
    lambda u, s: 0.55 + 0.45 * np.cos(3 * np.pi * u * s),  # slow oscillation
    lambda u, s: 0.1 + 0.9 * np.exp(-(((u - 0.2 * s) / 0.1) ** 2)),  # early flash
)
CONTINUA = ("decay constants", "step times", "duties")


def emitters(kind: str, draw: Draw) -> Drawn:
    """Draw traces of one of the kinds in `MOST_K`; the twin has one of its classes."""
    rng = draw.rng
    k = draw.k(2, MOST_K[kind])
    n_frames = int(rng.choice([2000, 4000, 6000, 10_000], p=[0.4, 0.4, 0.1, 0.1]))
    unbalanced = k > 1 and bool(rng.random() < 0.25)
    classes = rng.permutation(np.repeat(np.arange(k), sizes_of(k, unbalanced, rng)))
    return _recorded(shapes_of(kind, k, classes, n_frames, rng), classes, kind, rng)


def unclustered(draw: Draw) -> Drawn:
    """Draw one kind of traces, or a continuum of them."""
    rng = draw.rng
    n_frames = int(rng.choice([2000, 4000, 6000]))
    classes = np.zeros(sizes_of(1, False, rng)[0], dtype=int)
    kind = draw.number % 9
    if kind < 6:
        name = ("PEB", "TSB", "PBB", "one trend", "wandering levels", "noise only")[kind]
        shapes = unclustered_shapes(kind, len(classes), n_frames, rng)
    else:
        name = CONTINUA[kind - 6]
        shapes = _continuum(name, len(classes), n_frames, rng)
    return _recorded(shapes, classes, name, rng)


def _recorded(shapes: np.ndarray, classes: np.ndarray, name: str, rng: np.random.Generator):
    counts = log_uniform(rng, 5, 400)
    bright = counts * rng.uniform(0.6, 1.6, len(classes))
    values = emccd_counts(rng, BACKGROUND + bright[:, None] * shapes)
    description = f"{name}, {counts:.0f} counts, {shapes.shape[1]} frames"
    return Drawn(trace_matrices(values), classes, description)


def sizes_of(k: int, unbalanced: bool, rng: np.random.Generator) -> np.ndarray:
    """Return members of each class: 30 to 500 traces in all, at least 10 of a class."""
    n_traces = int(np.exp(rng.uniform(np.log(max(30, 15 * k)), np.log(500))))
    weights = rng.uniform(0.7, 1.3, k)
    if unbalanced:
        weights = np.ones(k)
        weights[0] = 5.0
    return np.maximum(np.round(n_traces * weights / weights.sum()).astype(int), min(10, n_traces))


def shapes_of(
    family: str, k: int, classes: np.ndarray, n_frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Return noiseless brightness, 0…1; (n_traces, n_frames)."""
    if family == "blinking":
        names = rng.permutation(["PEB", "TSB", "PBB"])[:k]
        # the classes are calibrated for 300 s; a shorter movie is a coarser one
        dt_s = 300.0 / n_frames
        return np.stack([BLINKING_CLASSES[names[c]](rng, n_frames, dt_s) for c in classes])
    if family == "duty":
        duties = np.linspace(0.15, 0.85, k) if k > 1 else np.array([0.5])
        return np.stack([telegraph_trace(duties[c], n_frames, rng) for c in classes])
    kinds = rng.permutation(len(TRENDS))[:k]
    trends = np.stack([trend(kinds[c], n_frames, rng) for c in classes])
    if family == "trends":
        return trends
    blinks = np.stack([telegraph_trace(rng.uniform(0.5, 0.8), n_frames, rng) for _ in classes])
    return trends * blinks


def trend(kind: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return one of the slow courses, slightly stretched."""
    times = (np.arange(n_frames) + 0.5) / n_frames
    return np.clip(TRENDS[kind](times, rng.uniform(0.94, 1.06)), 0, 1)


def telegraph_trace(duty: float, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return a two-state trace that is ON a share ``duty`` of the time, dwells 0.03 to a few s."""
    longest_s = rng.uniform(0.5, 2)
    on, off = (DwellLaw(1.5, 0.03 * s, longest_s * s) for s in (2 * duty, 2 * (1 - duty)))
    dwells_s, is_on = telegraph(rng, n_frames * DT_S, on, off)
    return frame_averages(np.where(is_on, 1.0, 0.08), dwells_s, n_frames, DT_S)


def unclustered_shapes(
    kind: int, n_traces: int, n_frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Return traces of one kind: a class, a trend, wandering levels or nothing but noise."""
    dt_s = 300.0 / n_frames
    if kind <= 2:
        name = ("PEB", "TSB", "PBB")[kind]
        return np.stack([BLINKING_CLASSES[name](rng, n_frames, dt_s) for _ in range(n_traces)])
    if kind == 3:
        course = int(rng.integers(len(TRENDS)))
        return np.stack([trend(course, n_frames, rng) for _ in range(n_traces)])
    if kind == 4:
        seed = int(rng.integers(1 << 30))
        beta = rng.uniform(0.5, 1.6)
        noise = simulate_power_law_noise(beta, n_traces, n_frames, DT_S, seed=seed).values
        low, high = noise.min(axis=1, keepdims=True), noise.max(axis=1, keepdims=True)
        return (noise - low) / (high - low)
    return np.full((n_traces, n_frames), 0.5)


def _continuum(name: str, n_traces: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return traces that differ in one parameter, spread evenly over a wide range."""
    times = (np.arange(n_frames) + 0.5) / n_frames
    if name == "decay constants":
        decays = 10 ** rng.uniform(-1.5, 0.5, n_traces)
        return 0.05 + 0.95 * np.exp(-times / decays[:, None])
    if name == "step times":
        steps = rng.uniform(0.05, 0.95, n_traces)
        return 0.1 + 0.9 / (1 + np.exp(-(times - steps[:, None]) / 0.02))
    duties = rng.uniform(0.15, 0.85, n_traces)
    return np.stack([telegraph_trace(duty, n_frames, rng) for duty in duties])
