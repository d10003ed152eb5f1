"""The four blinking classes as noiseless shapes between 0 and 1.

Ranges are calibrated [I] so that a mix of PEB, TSB and PBB behaves like the published ensemble of
204 traces (docs/equations.md): raw clustering confuses a third of them, smoothing repairs most.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph

SHORTEST_DWELL_S = 0.03


def photo_enhanced(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """PEB: brightens from r0 to 1 with time constant τ, ever more often dimmed; (n_frames,)."""
    duration_s = n_frames * dt_s
    rise_s = rng.uniform(40, 250)
    weak = rng.random() < 0.275
    start = rng.uniform(0.6, 0.85) if weak else rng.uniform(0.05, 0.3)
    depth = rng.uniform(0.3, 0.9)
    law = DwellLaw(1.5, SHORTEST_DWELL_S, rng.uniform(3, 20))
    dwells_s, is_on = telegraph(rng, duration_s, law, law)
    begins_s = np.cumsum(dwells_s) - dwells_s
    # an OFF dwell happens with a probability that grows linearly to 1 at the end of the movie
    is_dim = ~is_on & (rng.random(dwells_s.size) < begins_s / duration_s)
    times_s = (np.arange(n_frames) + 0.5) * dt_s
    rise = start + (1 - start) * -np.expm1(-times_s / rise_s)
    return rise * (1 - depth * frame_averages(is_dim.astype(float), dwells_s, n_frames, dt_s))


def two_state(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """TSB: a renewal telegraph between 1 and a low OFF level; (n_frames,)."""
    longest_s = 20.0 if rng.random() < 0.05 else rng.uniform(1, 2)
    law = DwellLaw(1.5, SHORTEST_DWELL_S, longest_s)
    off_level = rng.uniform(0, 0.15)
    dwells_s, is_on = telegraph(rng, n_frames * dt_s, law, law)
    return frame_averages(np.where(is_on, 1.0, off_level), dwells_s, n_frames, dt_s)


def photo_bleaching(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """PBB: decays exponentially to 3 %, with weak fast blinking; (n_frames,)."""
    decay_s = 10 ** rng.uniform(1, 2)
    depth = rng.uniform(0, 0.3)
    law = DwellLaw(1.9, SHORTEST_DWELL_S, 3.0)
    dwells_s, is_on = telegraph(rng, n_frames * dt_s, law, law)
    times_s = (np.arange(n_frames) + 0.5) * dt_s
    decay = 0.03 + 0.97 * np.exp(-times_s / decay_s)
    return decay * frame_averages(np.where(is_on, 1.0, 1 - depth), dwells_s, n_frames, dt_s)


def multi_state(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """MSB: 3 to 5 fixed levels up to 1, each next level drawn without memory; (n_frames,)."""
    n_levels = int(rng.integers(3, 6))
    levels = np.append(rng.uniform(0.05, 0.9, n_levels - 1), 1.0)
    law = DwellLaw(1.5, 0.3, 50.0)
    dwells_s, _ = telegraph(rng, n_frames * dt_s, law, law)
    # a step of 1 … n − 1 places round the circle: every other level is as likely as the next
    steps = rng.integers(1, n_levels, dwells_s.size)
    visited = levels[np.cumsum(steps) % n_levels]
    return frame_averages(visited, dwells_s, n_frames, dt_s)


BLINKING_CLASSES: dict[str, Callable[[np.random.Generator, int, float], np.ndarray]] = {
    "PEB": photo_enhanced,
    "TSB": two_state,
    "PBB": photo_bleaching,
    "MSB": multi_state,
}
