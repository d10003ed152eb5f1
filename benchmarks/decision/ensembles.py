"""Ensembles of known number of clusters, of many kinds and from easy to hopeless."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.simulate.assembly import simulate_assembly
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.classes import BLINKING_CLASSES
from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.traces.traces import Traces

DT_S = 0.03
BACKGROUND = 20.0
EMITTERS = ("blinking", "trends", "blinking trends", "duty", "unclustered")
FAMILIES = (*EMITTERS, "assembly")
# ensembles of so large a number are pixels of a crystal assembly
ASSEMBLIES_FROM = 1000


@dataclass(frozen=True)
class Ensemble:
    """Simulated traces with their truth.

    Attributes
    ----------
    number : int
    family : str
    k_true : int
    counts : float
        Mean ON counts per frame: the signal-to-noise ratio.
    unbalanced : bool
        One class five times as large as the others.
    traces : Traces
    classes : ndarray, shape (n_traces,), int
    """

    number: int
    family: str
    k_true: int
    counts: float
    unbalanced: bool
    traces: Traces
    classes: np.ndarray


def ensemble(number: int) -> Ensemble:
    """Simulate one ensemble by its number; it does not depend on which others are simulated."""
    if number >= ASSEMBLIES_FROM:
        return _assembly(number)
    rng = np.random.default_rng([2026, number])
    family = EMITTERS[number % len(EMITTERS)]
    k_true = _true_k(family, rng)
    n_frames = int(rng.choice([2000, 4000, 6000, 10_000]))
    counts = float(10 ** rng.uniform(0.7, 2.6))
    unbalanced = k_true > 1 and bool(rng.random() < 0.25)
    sizes = _sizes(k_true, unbalanced, rng)
    classes = np.repeat(np.arange(k_true), sizes)
    shapes = _shapes(family, k_true, classes, n_frames, rng)
    bright = counts * rng.uniform(0.6, 1.6, len(classes))
    values = emccd_counts(rng, BACKGROUND + bright[:, None] * shapes)
    traces = Traces.without_place(values, DT_S, f"{family} {number}")
    return Ensemble(number, family, k_true, counts, unbalanced, traces, classes)


def _assembly(number: int) -> Ensemble:
    """Return the pixels of one to five touching grains; blur mixes the traces at their borders."""
    rng = np.random.default_rng([2026, number])
    k_true = int(rng.integers(1, 6))
    side = max(int(rng.integers(12, 23)), 3 * k_true + 1)  # room for all
    psf_sigma_px = float(rng.uniform(0.6, 1.2))
    frames, truth = simulate_assembly(
        n_grains=k_true,
        layout=str(rng.choice(["domains", "crystals"])),
        n_rows=side,
        n_cols=side,
        n_frames=int(rng.choice([2000, 4000, 6000])),
        trend_pcc=float(rng.uniform(0.4, 0.85)),
        modulation=float(rng.uniform(0.05, 0.3)),
        psf_sigma_px=psf_sigma_px,
        seed=number,
    )
    inside = truth.grains > 0
    values = frames[:, inside].T.astype(np.float64)
    return Ensemble(
        number=number,
        family="assembly",
        k_true=k_true,
        counts=float(values.mean()),
        unbalanced=False,
        traces=Traces.without_place(values, truth.recipe.dt_s, f"assembly {number}"),
        classes=truth.grains[inside].astype(int) - 1,
    )


def _true_k(family: str, rng: np.random.Generator) -> int:
    if family == "unclustered":
        return 1
    most = {"blinking": 3, "duty": 3}.get(family, 6)
    return int(rng.integers(2, most + 1))


def _sizes(k: int, unbalanced: bool, rng: np.random.Generator) -> np.ndarray:
    """Return members of each class: 30 to 500 traces in all, at least 10 of a class."""
    n_traces = int(np.exp(rng.uniform(np.log(max(30, 15 * k)), np.log(500))))
    weights = rng.uniform(0.7, 1.3, k)
    if unbalanced:
        weights = np.ones(k)
        weights[0] = 5.0
    return np.maximum(np.round(n_traces * weights / weights.sum()).astype(int), min(10, n_traces))


def _shapes(
    family: str, k: int, classes: np.ndarray, n_frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Return noiseless brightness, 0…1; (n_traces, n_frames)."""
    if family == "unclustered":
        return _unclustered(len(classes), n_frames, rng)
    if family == "blinking":
        names = rng.permutation(["PEB", "TSB", "PBB"])[:k]
        # the classes are calibrated for 300 s; a shorter movie is a coarser one
        dt_s = 300.0 / n_frames
        return np.stack([BLINKING_CLASSES[names[c]](rng, n_frames, dt_s) for c in classes])
    if family == "duty":
        duties = np.linspace(0.15, 0.85, k) if k > 1 else np.array([0.5])
        return np.stack([_telegraph(duties[c], n_frames, rng) for c in classes])
    kinds = rng.permutation(len(TRENDS))[:k]
    trends = np.stack([_trend(kinds[c], n_frames, rng) for c in classes])
    if family == "trends":
        return trends
    blinks = np.stack([_telegraph(rng.uniform(0.5, 0.8), n_frames, rng) for _ in classes])
    return trends * blinks


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


def _trend(kind: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    times = (np.arange(n_frames) + 0.5) / n_frames
    return np.clip(TRENDS[kind](times, rng.uniform(0.94, 1.06)), 0, 1)


def _telegraph(duty: float, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return a two-state trace that is ON a share ``duty`` of the time, dwells 0.03 to a few s."""
    longest_s = rng.uniform(0.5, 2)
    on, off = (DwellLaw(1.5, 0.03 * s, longest_s * s) for s in (2 * duty, 2 * (1 - duty)))
    dwells_s, is_on = telegraph(rng, n_frames * DT_S, on, off)
    return frame_averages(np.where(is_on, 1.0, 0.08), dwells_s, n_frames, DT_S)


def _unclustered(n_traces: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return an ensemble of one kind: a class, a trend, wandering levels or nothing but noise."""
    kind = rng.integers(6)
    dt_s = 300.0 / n_frames
    if kind <= 2:
        name = ("PEB", "TSB", "PBB")[kind]
        return np.stack([BLINKING_CLASSES[name](rng, n_frames, dt_s) for _ in range(n_traces)])
    if kind == 3:
        trend = int(rng.integers(len(TRENDS)))
        return np.stack([_trend(trend, n_frames, rng) for _ in range(n_traces)])
    if kind == 4:
        seed = int(rng.integers(1 << 30))
        beta = rng.uniform(0.5, 1.6)
        noise = simulate_power_law_noise(beta, n_traces, n_frames, DT_S, seed=seed).values
        low, high = noise.min(axis=1, keepdims=True), noise.max(axis=1, keepdims=True)
        return (noise - low) / (high - low)
    return np.full((n_traces, n_frames), 0.5)
