"""The frame interval by the times at which frames were recorded.

Programs stamp a frame when they receive it: late, in bursts, or by a clock of 15.6 ms. Such delays
don't add up, so the slope of time against frame is the interval. Where a camera drops frames, all
later frames are late; the regular step is the interval, and the frames in between are missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from umlpsd_gpu.compute.arrays import Array

# A time above thirty thousand years is a corrupt number.
_LATEST_S = 1e12
_IRREGULAR_STEP = 0.5
# Steps within this share of the median are alike; jitter of a camera's clock is far smaller.
_ALIKE = 0.25
_N_SLOPE_POINTS = 1000
# From this share of long steps on, gaps of more than _LONGEST_DROP frames are bursts if all
# frames keep pace with a clock.
_SHARE_OF_BURSTS, _LONGEST_DROP = 0.05, 3.0
# Clocks that are known to advance in steps: that of Windows, and whole seconds.
_COARSE_CLOCKS_S = (0.015625, 0.0156, 0.016, 1.0)
# Fewer gaps than these are pauses, not a rhythm.
_FEWEST_BURSTS = 3
# Rare steps that differ by more than this many others are a clock that was set, not jitter.
_JUMP = 3
# A clock that advances less often than at every so many frames tells no interval.
_FEWEST_TICKS = 100
_AGREES = 0.1


class Steps(NamedTuple):
    """Steps between frames; irregular are those more than 50 % off the usual one."""

    n_steps: int
    n_irregular: int
    usual: str

    @property
    def share_irregular(self) -> float:
        """Return the share of irregular steps."""
        return self.n_irregular / self.n_steps

    @property
    def words(self) -> str:
        """Return how many steps are irregular, in words; empty if none are."""
        if not self.n_irregular:
            return ""
        return (
            f"; {self.n_irregular} of {self.n_steps} steps are more than 50 % off the {self.usual}"
        )


class Measured(NamedTuple):
    """The interval by time stamps.

    Attributes
    ----------
    dt_s : float or None
        None where two readings are possible.
    steps : Steps
        How many steps between frames there are, and how many are irregular.
    n_dropped : int
        Frames that are missing between those of the movie.
    dropped_after : tuple of int
        The frames after which they are missing.
    readings_s : tuple of float
        The two possible intervals: without, and with, missing frames.
    """

    dt_s: float | None
    steps: Steps
    n_dropped: int = 0
    dropped_after: tuple[int, ...] = ()
    readings_s: tuple[float, ...] = ()


def measure_interval(
    times_s: Array, frames: Array | None = None, nominal_s: float | None = None
) -> Measured | None:
    """Return the frame interval by the times of the frames.

    Parameters
    ----------
    times_s : ndarray, shape (n_frames,)
        In seconds; NaN where unknown.
    frames : ndarray of int, optional
        Number of each frame, where some are known to be missing. Default: 0, 1, 2 …
    nominal_s : float, optional
        Decides where two readings are possible.

    Returns
    -------
    Measured or None
        None where no two consecutive frames have times, or time doesn't advance.
    """
    if frames is None:
        frames = np.arange(len(times_s))
    known = np.abs(times_s) < _LATEST_S
    is_step = known[1:] & known[:-1]
    if not is_step.any():
        return None
    spans = np.diff(frames)[is_step]
    steps = np.diff(np.where(known, times_s, 0.0))[is_step] / spans
    median = float(np.median(steps))
    places = frames[:-1][is_step]
    usual = max(median, float(np.ptp(times_s[known])) / len(steps))
    if median > 0 and steps.min() < -_IRREGULAR_STEP * usual:
        kept = _leave_out_set_backs(steps, usual)
        steps, places, spans = steps[kept], places[kept], spans[kept]
        slope = _robust_slope(
            np.cumsum(np.append(0, spans)), np.cumsum(np.append(0, steps * spans))
        )
    else:
        slope = _robust_slope(frames[known], times_s[known])
    advances = slope > 0 and np.count_nonzero(steps > 0) * _FEWEST_TICKS > len(steps)
    if not (median > 0 or advances):
        return None
    if not median > 0:
        return Measured(slope, _count_irregular(steps, slope, "mean"))
    counted = _count_irregular(steps, median, "median")
    return _classify(steps, places, slope, counted, nominal_s)


def measure_step(timestamps_s: Array) -> tuple[float, str] | None:
    """Return the interval of timestamps, and how many steps are irregular, in words.

    Parameters
    ----------
    timestamps_s : ndarray, shape (n_frames,)
        In seconds; NaN where unknown.

    Returns
    -------
    (dt_s, words) or None
    """
    found = measure_interval(timestamps_s)
    return None if found is None or found.dt_s is None else (found.dt_s, found.steps.words)


def _classify(
    steps: Array, places: Array, slope: float, counted: Steps, nominal_s: float | None
) -> Measured:
    median = float(np.median(steps))
    if np.mean(np.abs(steps - median) <= _ALIKE * median) < 2 / 3:
        return _classify_uneven(steps, places, slope, counted, nominal_s)
    near = np.abs(steps - median) <= _IRREGULAR_STEP * median
    base = float(steps[near].mean())
    dropping = _count_drops(steps, places, base, counted)
    n_gaps, n_lost = len(dropping.dropped_after), dropping.n_dropped
    if not n_lost:
        jumps = counted.share_irregular <= _SHARE_OF_BURSTS and np.ptp(steps) > _JUMP * base
        is_base = not counted.n_irregular or jumps or not slope > 0
        return Measured(base if is_base else slope, counted)
    late = Measured(slope, counted)
    if n_lost == n_gaps and _is_coarse_clock(base) and _keep_pace(steps, slope):
        return late
    if n_gaps < _FEWEST_BURSTS or not _keep_pace(steps, slope):
        return dropping
    if named := _choose_by_nominal(late, dropping, nominal_s):
        return named
    if n_lost > (_LONGEST_DROP - 1) * n_gaps:
        are_bursts = n_gaps >= _SHARE_OF_BURSTS * len(steps)
        if n_lost >= len(steps):
            return late if are_bursts else _leave_open(late, dropping)
        return _leave_open(late, dropping) if are_bursts else dropping
    return dropping


def _classify_uneven(
    steps: Array, places: Array, slope: float, counted: Steps, nominal_s: float | None
) -> Measured:
    """Judge steps of which many differ: by delays, or because many frames were dropped."""
    late = Measured(slope if slope > 0 else float(np.median(steps)), counted)
    short = steps[steps < slope]
    base = float(np.median(short)) if len(short) else 0.0
    if not base > 0 or _is_coarse_clock(base):
        return late
    keeps_pace = _keep_pace(steps, slope)
    multiples = np.rint(steps / base)
    tolerance = 0.1 if keeps_pace else _ALIKE
    whole = np.abs(steps - multiples * base) <= tolerance * base
    longest = _LONGEST_DROP if keeps_pace else 20
    if np.mean(whole) < 0.9 or not 1 < multiples.max() <= longest:
        return late
    fine = float(steps[whole].sum() / multiples[whole].sum())
    dropping = _count_drops(steps, places, fine, counted)
    if not keeps_pace:
        return dropping
    return _choose_by_nominal(late, dropping, nominal_s) or _leave_open(late, dropping)


def _choose_by_nominal(
    late: Measured, dropping: Measured, nominal_s: float | None
) -> Measured | None:
    """Return the reading that agrees with the nominal interval, if one alone does."""
    if nominal_s is None or late.dt_s is None or dropping.dt_s is None:
        return None
    agrees = [abs(nominal_s / dt_s - 1) < _AGREES for dt_s in (late.dt_s, dropping.dt_s)]
    if agrees[0] == agrees[1]:
        return None
    return late if agrees[0] else dropping


def _leave_open(late: Measured, dropping: Measured) -> Measured:
    assert late.dt_s is not None
    assert dropping.dt_s is not None
    return Measured(None, late.steps, readings_s=(late.dt_s, dropping.dt_s))


def _is_coarse_clock(step_s: float) -> bool:
    return any(abs(step_s / tick_s - 1) < 0.02 for tick_s in _COARSE_CLOCKS_S)


def _is_one_tick_off(steps: Array, base: float) -> Array:
    """Return which steps differ by one tick from a base of two ticks or more of a coarse clock.

    A missing frame would make a step longer by the whole base.
    """
    for tick_s in _COARSE_CLOCKS_S:
        n_ticks = np.rint(steps / tick_s)
        on_ticks = np.abs(steps - n_ticks * tick_s) <= 0.02 * tick_s
        if on_ticks.all() and base > 1.5 * tick_s:
            near: Array = np.abs(n_ticks - np.rint(base / tick_s)) <= 1
            return near
    return np.zeros(len(steps), dtype=bool)


def _leave_out_set_backs(steps: Array, usual: float) -> Array:
    """Return the steps that are kept where time goes backward.

    One wrong stamp makes two wrong steps, which cancel; a clock that was set back makes one.
    """
    kept = np.ones(len(steps), bool)
    for step in np.flatnonzero(steps < -_IRREGULAR_STEP * usual).tolist():
        kept[step] = False
        for neighbour in (step - 1, step + 1):
            if not 0 <= neighbour < len(steps) or not kept[neighbour]:
                continue
            both = steps[step] + steps[neighbour]
            if steps[neighbour] > _JUMP * usual and 0 < both < 2 * _JUMP * usual:
                kept[neighbour] = False
                break
    return kept


def _robust_slope(frames: Array, times_s: Array) -> float:
    """Return the median slope of all pairs of points, of at most 1,000 points."""
    if len(frames) > _N_SLOPE_POINTS:
        picked = np.linspace(0, len(frames) - 1, _N_SLOPE_POINTS).round().astype(np.int64)
        frames, times_s = frames[picked], times_s[picked]
    first, second = np.triu_indices(len(frames), 1)
    # Short baselines know little about the slope, and all there is of bursts.
    far = frames[second] - frames[first] >= (frames[-1] - frames[0]) // 2
    slopes = (times_s[second] - times_s[first])[far] / (frames[second] - frames[first])[far]
    return float(np.median(slopes)) if len(slopes) else 0.0


def _keep_pace(steps: Array, slope: float) -> bool:
    """Return whether the frames keep pace with a clock: their delays don't add up."""
    late = np.concatenate([[0.0], np.cumsum(steps - slope)])
    # A slope that is wrong by one step over the whole movie must not count as lateness.
    late -= np.linspace(0, late[-1], len(late))
    return bool(np.ptp(late) <= 2 * float(steps.max()))


def _count_drops(steps: Array, places: Array, base: float, counted: Steps) -> Measured:
    """Count the frames that are missing: what stays late to the end.

    A frame that is only stamped late is followed by a short step, which takes the delay back.
    """
    ratios = steps / base
    # Where all steps vary, only a longer one tells that a frame is missing.
    spread = 1.4826 * float(np.median(np.abs(ratios - np.median(ratios))))
    is_off = np.abs(ratios - 1) > max(_IRREGULAR_STEP, 5 * spread)
    is_off &= ~_is_one_tick_off(steps, base)
    lateness = np.cumsum(np.where(is_off, np.rint(ratios) - 1, 0))
    settled = np.maximum(np.minimum.accumulate(lateness[::-1])[::-1], 0)
    after = np.flatnonzero(np.diff(settled, prepend=0.0) > 0)
    return Measured(base, counted, int(settled[-1]), tuple(places[after].tolist()))


def _count_irregular(steps: Array, usual_s: float, usual: str) -> Steps:
    n_irregular = int(np.count_nonzero(np.abs(steps - usual_s) > _IRREGULAR_STEP * usual_s))
    return Steps(len(steps), n_irregular, usual)
