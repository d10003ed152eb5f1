"""Ensembles of known number of clusters, of many kinds and from easy to hopeless."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from decision.families.blinking import shapes_of, sizes_of, unclustered_shapes
from decision.families.ensemble import BACKGROUND, DT_S

from umlpsd_gpu.simulate.assembly import simulate_assembly
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.traces.traces import Traces

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
    sizes = sizes_of(k_true, unbalanced, rng)
    classes = np.repeat(np.arange(k_true), sizes)
    if family == "unclustered":
        shapes = unclustered_shapes(int(rng.integers(6)), len(classes), n_frames, rng)
    else:
        shapes = shapes_of(family, k_true, classes, n_frames, rng)
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
