"""Brightness of grains over time: slow traps, mostly shared by two grains, and fast traps."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.models import simulate_mrc

SLOW_RATES_HZ = (1e-3, 0.3)  # of the recombination centres of a slow trend (β ≈ 1.8)
# Shortest and longest dwell of a telegraph with faster traps [I], as in the two-state class. With
# dwells up to 10 s it is as slow as the trends; in 1 of 10 movies K-means at K = 3 then splits its
# grain and merges grains 1 and 2
FAST_DWELLS_S = (0.1, 2.0)
LEAST_LEVEL = 0.05
_TELEGRAPH_STREAM = 111


def grain_levels(
    n_grains: int, n_frames: int, dt_s: float, trend_pcc: float, modulation: float, seed: int
) -> np.ndarray:
    """Return the relative brightness of every grain over time.

    Grains 1 and 2 are √ρ · c + √(1 − ρ) · o, with a common slow trend c and a separate slow trend o
    each, all uncorrelated over the movie: their Pearson correlation is ρ = ``trend_pcc``, except
    for the effect of the lower limit of 0.05. Grains 3, 5, … are telegraphs with power-law dwells;
    the others have slow trends. The trace of a grain does not depend on the number of grains.

    Parameters
    ----------
    n_grains, n_frames : int
    dt_s : float
        Frame interval, s.
    trend_pcc : float
        From 0 to 1.
    modulation : float
        Standard deviation of the brightness relative to its mean.
    seed : int

    Returns
    -------
    ndarray, shape (n_grains, n_frames)
        Mean about 1.
    """
    trends = simulate_mrc(max(n_grains, 2) + 1, n_frames, dt_s, SLOW_RATES_HZ, seed=seed).values
    common, *own = _decorrelate(trends[:3])
    related = [np.sqrt(trend_pcc) * common + np.sqrt(1 - trend_pcc) * trend for trend in own]
    levels = np.empty((n_grains, n_frames))
    for i in range(n_grains):
        if i < 2:
            trend = related[i]
        elif i % 2 == 0:
            trend = _standardise(_fast_telegraph(seed, i, n_frames, dt_s))
        else:
            trend = _standardise(trends[i + 1])
        levels[i] = np.maximum(1 + modulation * trend, LEAST_LEVEL)
    return levels


def _fast_telegraph(seed: int, i: int, n_frames: int, dt_s: float) -> np.ndarray:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_TELEGRAPH_STREAM, i)))
    law = DwellLaw(1.5, *FAST_DWELLS_S)
    dwells_s, is_on = telegraph(rng, n_frames * dt_s, law, law)
    return frame_averages(is_on.astype(float), dwells_s, n_frames, dt_s)


def _decorrelate(trends: np.ndarray) -> np.ndarray:
    """Subtract from each trend what earlier ones explain (Gram–Schmidt), then standardise it."""
    results: list[np.ndarray] = []
    for trend in trends:
        rest = _standardise(trend)
        for earlier in results:
            rest = rest - np.mean(rest * earlier) * earlier
        results.append(_standardise(rest))
    return np.array(results)


def _standardise(trend: np.ndarray) -> np.ndarray:
    """Return the trend with mean 0 and standard deviation 1; 0 if it is constant."""
    centred = trend - trend.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-12 else np.zeros_like(centred)
