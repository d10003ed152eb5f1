"""Traces of candidates → those seen in fewer than three frames, and those that are two emitters."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.sums import frames_per_block

FEWEST_FRAMES = 3
# A frame shows a spot if it exceeds the noise so many times, and this share of the largest
CLEAR_SNR, CLEAR_SHARE = 6.0, 0.1
# The two extreme frames make the spot, if without them less of its strength is left
LEAST_LEFT = 0.3
# A frame that exceeds the third largest by this factor stands out
OUTLIER = 3.0
# Share of a trace's variance that its largest frame has, if it makes the spot
LEAST_POWER = 0.02
# Centres of two emitters scatter along one axis, this much more than across it
LEAST_SCATTER_RATIO, SIGNIFICANT = 1.5, 6.0
FEWEST_FOR_MEDIAN = 3


def may_be_brief(traces: Array) -> Array:
    """Return which traces one or two frames could make visible, by a quick look.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)
        Counts; may contain NaN.

    Returns
    -------
    ndarray of bool, shape (n_traces,)
    """
    may_be = np.ones(len(traces), bool)
    finite = np.isfinite(traces.sum(axis=1))
    known = traces[finite] if not finite.all() else traces
    mean = known.mean(axis=1)
    largest = np.maximum(known.max(axis=1) - mean, mean - known.min(axis=1))
    power = known.shape[1] * known.var(axis=1)
    may_be[finite] = largest**2 >= LEAST_POWER * power
    return may_be


def find_events(trace: Array) -> Array:
    """Return the frames that alone make a spot, or stand out in it; at most two.

    Parameters
    ----------
    trace : ndarray, shape (n_frames,)
        Intensity of the candidate in counts; may contain NaN.

    Returns
    -------
    ndarray of int
    """
    none = np.empty(0, np.int64)
    known = np.flatnonzero(np.isfinite(trace))
    if known.size <= FEWEST_FRAMES:
        return none
    values = trace[known] - np.median(trace[known])
    noise = 1.4826 * float(np.median(np.abs(np.diff(values)))) / np.sqrt(2)
    size = np.abs(values)
    extreme = np.argsort(size, kind="stable")[-(FEWEST_FRAMES - 1) :]
    largest = float(size[extreme[-1]])
    is_clear = size > max(CLEAR_SNR * noise, CLEAR_SHARE * largest)
    if not largest > CLEAR_SNR * noise:
        return none
    third = float(np.partition(size, -FEWEST_FRAMES)[-FEWEST_FRAMES])
    is_outlier = size[extreme] > max(OUTLIER * third, 2 * CLEAR_SNR * noise)
    if is_outlier.any():
        return np.sort(known[extreme[is_outlier]])
    if np.count_nonzero(is_clear) >= FEWEST_FRAMES:
        return none
    without = values.copy()
    without[extreme] = 0.0
    before, after = (_measure_strengths(v, trace, known, noise) for v in (values, without))
    better = before.argmax()
    if after[better] > LEAST_LEFT * before[better]:
        return none
    return np.sort(known[extreme[size[extreme] > CLEAR_SNR * noise]])


def _measure_strengths(values: Array, trace: Array, known: Array, noise: float) -> Array:
    """Return how clearly a spot is seen in the time average, and in the variance of blocks."""
    n_frames = trace.size
    n_per_block = frames_per_block(n_frames)
    n_blocks = n_frames // n_per_block
    filled = np.zeros(n_frames)
    filled[known] = values
    blocks = filled[: n_blocks * n_per_block].reshape(n_blocks, n_per_block).mean(axis=1)
    expected = max(noise**2 / n_per_block, 1e-300)
    excess = (float(blocks.var()) / expected - 1) / np.sqrt(2 / n_blocks)
    level = abs(float(np.median(trace[known]) + values.mean()))
    average = level / max(noise, 1e-150) * np.sqrt(known.size)
    return np.maximum([average, excess], 0.0)


def find_moving(traces: Array, down: Array, across: Array) -> Array:
    """Return which spots have a centre that scatters along one axis: two emitters, in turn.

    The light of one emitter is centred at one place, whatever its brightness: what its first
    moments do beyond that is noise, as much along any axis.

    Parameters
    ----------
    traces : ndarray, shape (n_spots, n_frames)
        Intensities in counts.
    down, across : ndarray, shape (n_spots, n_frames)
        First moments of the light in both directions, counts · px.

    Returns
    -------
    ndarray of bool, shape (n_spots,)
    """
    ratios = np.array([_measure_scatter(*spot) for spot in zip(traces, down, across, strict=True)])
    if not ratios.size:
        return np.zeros(0, bool)
    n_frames = traces.shape[1]
    # where the sample drifts or vibrates, all spots do
    usual = float(np.median(ratios)) if ratios.size >= FEWEST_FOR_MEDIAN else 1.0
    by_chance = 1 + SIGNIFICANT * np.sqrt(2 / n_frames)
    moving: Array = ratios > max(LEAST_SCATTER_RATIO, by_chance) * max(usual, 1.0)
    return moving


def _measure_scatter(trace: Array, down: Array, across: Array) -> float:
    known = np.isfinite(trace) & np.isfinite(down) & np.isfinite(across)
    if np.count_nonzero(known) <= FEWEST_FRAMES:
        return 1.0
    light = trace[known] - trace[known].mean()
    moments = np.stack([down[known], across[known]])
    moments = moments - moments.mean(axis=1, keepdims=True)
    power = float(np.sum(light**2))
    if power > 0:
        moments = moments - (np.sum(moments * light, axis=1) / power)[:, None] * light
    of_rows, of_cols = np.sum(moments**2, axis=1)
    middle = (of_rows + of_cols) / 2
    half_gap = np.hypot((of_rows - of_cols) / 2, np.sum(moments[0] * moments[1]))
    high, low = middle + half_gap, middle - half_gap
    return float(high / low) if low > 0 else 1.0
