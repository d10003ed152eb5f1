"""The four blinking classes as noiseless brightness between 0 and 1.

The ranges are calibrated [I] so that a mix of PEB, TSB and PBB behaves like the published ensemble
of 204 traces (docs/equations.md): clustering of raw traces mislabels a third of them, and smoothing
corrects most of these.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph

SHORTEST_DWELL_S = 0.03


def photo_enhanced(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """Return the brightness of a photo-enhanced emitter (PEB).

    It rises from r0 to 1 with time constant τ; OFF dwells become more frequent with time.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_frames : int
    dt_s : float
        Frame interval, s.

    Returns
    -------
    ndarray, shape (n_frames,)
        From 0 to 1.
    """
    duration_s = n_frames * dt_s
    rise_s = rng.uniform(40, 250)
    weak = rng.random() < 0.275
    start = rng.uniform(0.6, 0.85) if weak else rng.uniform(0.05, 0.3)
    depth = rng.uniform(0.3, 0.9)
    law = DwellLaw(1.5, SHORTEST_DWELL_S, rng.uniform(3, 20))
    dwells_s, is_on = telegraph(rng, duration_s, law, law)
    begins_s = np.cumsum(dwells_s) - dwells_s
    # the probability of an OFF dwell rises linearly to 1 at the end of the movie
    is_dim = ~is_on & (rng.random(dwells_s.size) < begins_s / duration_s)
    times_s = (np.arange(n_frames) + 0.5) * dt_s
    rise = start + (1 - start) * -np.expm1(-times_s / rise_s)
    brightness: np.ndarray = rise * (
        1 - depth * frame_averages(is_dim.astype(float), dwells_s, n_frames, dt_s)
    )
    return brightness


def two_state(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """Return the brightness of a two-state emitter (TSB): a telegraph between 1 and a low level.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_frames : int
    dt_s : float
        Frame interval, s.

    Returns
    -------
    ndarray, shape (n_frames,)
        From 0 to 1.
    """
    longest_s = 20.0 if rng.random() < 0.05 else rng.uniform(1, 2)
    law = DwellLaw(1.5, SHORTEST_DWELL_S, longest_s)
    off_level = rng.uniform(0, 0.15)
    dwells_s, is_on = telegraph(rng, n_frames * dt_s, law, law)
    return frame_averages(np.where(is_on, 1.0, off_level), dwells_s, n_frames, dt_s)


def photo_bleaching(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """Return the brightness of a photobleaching emitter (PBB).

    It decays exponentially to 3 %, with weak fast blinking.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_frames : int
    dt_s : float
        Frame interval, s.

    Returns
    -------
    ndarray, shape (n_frames,)
        From 0 to 1.
    """
    decay_s = 10 ** rng.uniform(1, 2)
    depth = rng.uniform(0, 0.3)
    law = DwellLaw(1.9, SHORTEST_DWELL_S, 3.0)
    dwells_s, is_on = telegraph(rng, n_frames * dt_s, law, law)
    times_s = (np.arange(n_frames) + 0.5) * dt_s
    decay = 0.03 + 0.97 * np.exp(-times_s / decay_s)
    brightness: np.ndarray = decay * frame_averages(
        np.where(is_on, 1.0, 1 - depth), dwells_s, n_frames, dt_s
    )
    return brightness


def multi_state(rng: np.random.Generator, n_frames: int, dt_s: float) -> np.ndarray:
    """Return the brightness of a multi-state emitter (MSB).

    It switches between 3 to 5 fixed levels; the next level does not depend on earlier ones.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_frames : int
    dt_s : float
        Frame interval, s.

    Returns
    -------
    ndarray, shape (n_frames,)
        From 0 to 1.
    """
    n_levels = int(rng.integers(3, 6))
    levels = np.append(rng.uniform(0.05, 0.9, n_levels - 1), 1.0)
    law = DwellLaw(1.5, 0.3, 50.0)
    dwells_s, _ = telegraph(rng, n_frames * dt_s, law, law)
    # a step of 1 … n − 1 around a circle of levels makes all other levels equally likely
    steps = rng.integers(1, n_levels, dwells_s.size)
    visited = levels[np.cumsum(steps) % n_levels]
    return frame_averages(visited, dwells_s, n_frames, dt_s)


BLINKING_CLASSES: dict[str, Callable[[np.random.Generator, int, float], np.ndarray]] = {
    "PEB": photo_enhanced,
    "TSB": two_state,
    "PBB": photo_bleaching,
    "MSB": multi_state,
}
