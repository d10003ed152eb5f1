"""Brightness of grains over time: slow traps, of which two grains share most, and fast ones."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.models import simulate_mrc

SLOW_RATES_HZ = (1e-3, 0.3)  # of the recombination centres that make a slow trend (β ≈ 1.8)
# Shortest and longest dwell of a telegraph with faster traps [I], as of the two-state class: with
# dwells of up to 10 s it is as slow as the trends, and in 1 of 10 movies K-means at K = 3 splits
# its grain and leaves 1 and 2 together
FAST_DWELLS_S = (0.1, 2.0)
LEAST_LEVEL = 0.05
_TELEGRAPH_STREAM = 111


def grain_levels(
    n_grains: int, n_frames: int, dt_s: float, trend_pcc: float, modulation: float, seed: int
) -> np.ndarray:
    """Return the relative brightness of every grain; (n_grains, n_frames), mean about 1.

    Grains 1 and 2 are √ρ · c + √(1 − ρ) · o with a slow trend c in common and slow trends o of
    their own, made uncorrelated over the movie: their Pearson correlation is ρ = ``trend_pcc``, but
    for levels cut at 0.05. Grain 3, 5, … is a telegraph of power-law dwells; the others are slow.
    A grain's trace doesn't depend on how many there are.
    """
    trends = simulate_mrc(max(n_grains, 2) + 1, n_frames, dt_s, SLOW_RATES_HZ, seed=seed).values
    common, *own = _uncorrelated(trends[:3])
    related = [np.sqrt(trend_pcc) * common + np.sqrt(1 - trend_pcc) * trend for trend in own]
    levels = np.empty((n_grains, n_frames))
    for i in range(n_grains):
        if i < 2:
            trend = related[i]
        elif i % 2 == 0:
            trend = _standardised(_fast_telegraph(seed, i, n_frames, dt_s))
        else:
            trend = _standardised(trends[i + 1])
        levels[i] = np.maximum(1 + modulation * trend, LEAST_LEVEL)
    return levels


def _fast_telegraph(seed: int, i: int, n_frames: int, dt_s: float) -> np.ndarray:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_TELEGRAPH_STREAM, i)))
    law = DwellLaw(1.5, *FAST_DWELLS_S)
    dwells_s, is_on = telegraph(rng, n_frames * dt_s, law, law)
    return frame_averages(is_on.astype(float), dwells_s, n_frames, dt_s)


def _uncorrelated(trends: np.ndarray) -> np.ndarray:
    """Take from each trend what the ones before explain (Gram–Schmidt), then standardise."""
    left: list[np.ndarray] = []
    for trend in trends:
        rest = _standardised(trend)
        for earlier in left:
            rest = rest - np.mean(rest * earlier) * earlier
        left.append(_standardised(rest))
    return np.array(left)


def _standardised(trend: np.ndarray) -> np.ndarray:
    """Return mean 0 and standard deviation 1; 0 for a trend that never changes."""
    centred = trend - trend.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-12 else np.zeros_like(centred)
