"""Pixels of touching grains: the assemblies of the product, and crystals of any signal."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.assembly import simulate_assembly
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.grains import grain_image
from umlpsd_gpu.simulate.shared_trend import grain_levels

from .ensemble import Draw, Drawn, log_uniform, trace_matrices

DT_S = 0.1
SIGNALS = {"low": (4, 40), "middle": (40, 300), "high": (300, 3000)}  # counts of a pixel


def assembly(draw: Draw) -> Drawn:
    """Draw one to five touching grains; blur mixes the traces at their borders."""
    rng = draw.rng
    k = draw.k(2, 5)
    side = max(int(rng.integers(12, 23)), 3 * k + 1)  # room for all
    frames, truth = simulate_assembly(
        n_grains=k,
        layout=str(rng.choice(["domains", "crystals"])),
        n_rows=side,
        n_cols=side,
        n_frames=int(rng.choice([2000, 4000])),
        trend_pcc=float(rng.uniform(0.4, 0.85)),
        modulation=float(rng.uniform(0.05, 0.3)),
        psf_sigma_px=float(rng.uniform(0.6, 1.2)),
        seed=int(rng.integers(1 << 30)),
    )
    inside = truth.grains > 0
    values = frames[:, inside].T.astype(np.float64)
    recipe = truth.recipe
    description = (
        f"{recipe.layout}, pcc {recipe.trend_pcc:.2f}, modulation {recipe.modulation:.2f}, "
        f"blur {recipe.psf_sigma_px:.2f} px"
    )
    classes = truth.grains[inside].astype(int) - 1
    matrices = trace_matrices(values, dt_s=recipe.dt_s)
    return Drawn(matrices, classes, description, np.argwhere(inside))


def crystals(draw: Draw) -> Drawn:
    """Draw two to eight grains of low, middle or high signal, with or without blur."""
    rng = draw.rng
    k = draw.k(2, 8)
    signal = str(rng.choice(list(SIGNALS)))
    counts = log_uniform(rng, *SIGNALS[signal])
    modulation = log_uniform(rng, 0.01, 0.3)
    blur_px = float(rng.choice([0.0, rng.uniform(0.6, 1.2)]))
    pcc = float(rng.choice([0.0, rng.uniform(0.6, 0.85)]))  # of the first two grains
    layout = str(rng.choice(["domains", "crystals"]))
    grains = _grains(rng, k, layout)
    n_frames = int(rng.choice([2000, 3000, 4000]))
    seed = int(rng.integers(1 << 30))
    levels = grain_levels(k, n_frames, DT_S, pcc, modulation, seed)
    own_depth = np.exp(0.25 * rng.standard_normal((k, 1)))
    levels = np.maximum(1 + own_depth * (levels - 1), 0.02)
    light = counts * rng.uniform(0.6, 1.5, k)[:, None, None] * _masks(grains, k)
    light *= np.exp(0.1 * rng.standard_normal(grains.shape))
    if blur_px:
        edge = "nearest" if layout == "domains" else "constant"
        light = np.stack([gaussian_filter(one, blur_px, mode=edge) for one in light])
    inside = grains > 0
    expected = light[:, inside].T @ levels
    expected += counts * log_uniform(rng, 0.05, 2)  # background
    description = (
        f"{layout}, {signal} signal {counts:.0f}, modulation {modulation:.2f}, "
        f"blur {blur_px:.2f} px, pcc {pcc:.2f}, {n_frames} frames"
    )
    matrices = trace_matrices(emccd_counts(rng, expected), dt_s=DT_S)
    return Drawn(matrices, grains[inside].astype(int) - 1, description, np.argwhere(inside))


def _grains(rng: np.random.Generator, k: int, layout: str) -> np.ndarray:
    """Return grains of 100 to 600 pixels in all."""
    n_pixels = log_uniform(rng, max(100, 20 * k), 600)
    while True:
        # discs fill about 0.6 of the image
        area = n_pixels / (0.6 if layout == "crystals" else 1.0)
        n_rows = max(8, round(np.sqrt(area) * rng.uniform(0.7, 1.4)))
        try:
            grains = grain_image(rng, (n_rows, max(8, round(area / n_rows))), k, layout)
        except SettingsError:
            n_pixels *= 1.1  # no room for a grain
            continue
        if 100 <= (grains > 0).sum() <= 600:
            return grains
        n_pixels *= 1.1 if (grains > 0).sum() < 100 else 0.9


def _masks(grains: np.ndarray, k: int) -> np.ndarray:
    return (grains == np.arange(1, k + 1)[:, None, None]).astype(float)
