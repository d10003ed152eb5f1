"""Spectral lines: one frequency that stands out of its neighbours, as hum or a modulated laser.

A line spoils the fit of a power law. Each periodogram, with a Hann window, is divided by the
median of its neighbourhood. Without a line such ratios follow an exponential distribution, also of
telegraph signals, and their mean over traces a gamma distribution, so that the largest of many has
a known limit. A line is also much higher than the bins next to it, unlike a steep slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.storage.blocks import BLOCK_BYTES, give_back
from umlpsd_gpu.traces.traces import Traces

# Traces that are looked at, evenly chosen; more don't find more
MOST_TRACES = 256
# Cycles in a trace below which slow changes look like lines
LOWEST_CYCLES = 12
# Below it nothing is compared, since the straight line that is subtracted removes power
LOWEST_COMPARED = 4
# Neighbours on either side, as a share of the frequency and at least so many
NEIGHBOURS_SHARE, FEWEST_NEIGHBOURS = 0.15, 12
# Bins that a line fills after the Hann window, on either side of its peak
OWN_BINS = 3
# Chance of a line in a set of traces without one, by the distribution of ratios
FALSE_ALARM = 1e-6
# A line is this much higher than its surroundings in the mean, or it harms no fit
LEAST_RATIO = 4.0
# Bins on either side that a line must exceed
N_BESIDE = 8
# Peaks that are looked at, the highest first
MOST_TRIED = 100
# Frames of a longer trace that are looked at, in its middle
MOST_FRAMES = 1 << 17


@dataclass(frozen=True)
class SpectralLine:
    """A frequency that stands out.

    Attributes
    ----------
    f_hz : float
    ratio : float
        Height over its surroundings, in the mean over traces.
    n_traces, n_examined : int
        Traces in which it stands out by itself, of those examined.
    """

    f_hz: float
    ratio: float
    n_traces: int
    n_examined: int

    @property
    def is_common(self) -> bool:
        """Return whether most traces have it."""
        return 2 * self.n_traces > self.n_examined


def find_line(traces: Traces, usable: Array | None = None) -> SpectralLine | None:
    """Return the highest spectral line of an ensemble, or None.

    Parameters
    ----------
    traces : Traces
    usable : ndarray, shape (n_traces,), bool, optional
        Traces that are examined. Default: ``traces.usable()``.

    Returns
    -------
    SpectralLine or None

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import Traces
    >>> from umlpsd_gpu.spectrum.lines import find_line
    >>> time_s = 0.01 * np.arange(2000)
    >>> noise = np.random.default_rng(0).normal(100, 10, (5, 2000))
    >>> line = find_line(Traces.without_place(noise + 8 * np.sin(2 * np.pi * 7 * time_s), 0.01))
    >>> round(line.f_hz, 2), line.n_traces
    (7.0, 5)
    """
    usable = traces.usable() if usable is None else usable
    chosen = np.flatnonzero(usable)
    n = min(traces.n_frames, MOST_FRAMES)
    first = (traces.n_frames - n) // 2
    if not len(chosen) or n // 2 < LOWEST_CYCLES + 4 * FEWEST_NEIGHBOURS:
        return None
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, MOST_TRACES).round().astype(int))]
    total = np.zeros(n // 2 + 1)
    highest = np.zeros(n // 2 + 1, dtype=np.int64)
    limit = -np.log(FALSE_ALARM / (len(chosen) * n / 2))
    per_block = max(1, BLOCK_BYTES // (16 * n))
    for start in range(0, len(chosen), per_block):
        rows = chosen[start : start + per_block]
        values = traces.values[rows, first : first + n].astype(np.float64)
        give_back(traces.values)
        ratios = _ratios(values)
        total += ratios.sum(axis=0)
        highest += (ratios > limit).sum(axis=0)
    mean = total / len(chosen)
    return _judge(mean, highest, len(chosen), n * traces.dt_s)


def _judge(mean: Array, n_above: Array, n_examined: int, duration_s: float) -> SpectralLine | None:
    from scipy.special import gammaincinv

    # the largest mean of n exponential ratios, by chance
    chance = gammaincinv(n_examined, 1 - FALSE_ALARM / len(mean)) / n_examined
    is_high = (mean > max(chance, LEAST_RATIO)) | (2 * n_above > n_examined)
    is_high[:LOWEST_CYCLES] = False
    highest_first = np.flatnonzero(is_high)[np.argsort(-mean[is_high])][:MOST_TRIED]
    for at in highest_first.tolist():
        if not _is_narrow(mean, at):
            continue
        near = slice(max(0, at - OWN_BINS), at + OWN_BINS + 1)
        weights = np.maximum(mean[near] - 1, 0)
        cycles = float(np.average(np.arange(len(mean))[near], weights=weights))
        return SpectralLine(
            cycles / duration_s, float(mean[at]), int(n_above[near].max()), n_examined
        )
    return None


def _is_narrow(mean: Array, at: int) -> bool:
    """Return whether a peak is much higher than the bins on both sides of it."""
    left = mean[max(LOWEST_COMPARED, at - OWN_BINS - N_BESIDE) : at - OWN_BINS]
    right = mean[at + OWN_BINS + 1 : at + OWN_BINS + 1 + N_BESIDE]
    beside = max((float(part.mean()) for part in (left, right) if part.size), default=0.0)
    return bool(mean[at] > LEAST_RATIO * beside)


def _ratios(values: Array) -> Array:
    """Return periodograms divided by the median of their neighbourhood; 0 where it is unknown."""
    n = values.shape[1]
    # a straight line through the ends would else leak into all frequencies
    slope = np.linspace(-0.5, 0.5, n)
    values = values - values.mean(axis=1, keepdims=True)
    values -= np.outer(values @ (slope / np.square(slope).sum()), slope)
    power = np.abs(np.fft.rfft(values * np.hanning(n), axis=1)) ** 2
    level = _running_median(power) / np.log(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(level > 0, power / level, 0.0)
    ratios[:, :LOWEST_COMPARED] = 0.0
    return ratios


def _running_median(power: Array) -> Array:
    """Return the median around each frequency, in windows that widen with it.

    The exponential distribution has its median at ln 2 of its mean.
    """
    n = power.shape[1]
    centres: list[float] = []
    level: list[Array] = []
    start = LOWEST_COMPARED
    while start < n:
        width = max(2 * FEWEST_NEIGHBOURS, round(2 * NEIGHBOURS_SHARE * start))
        stop = min(n, start + width)
        if stop - start < width and centres:
            start = n - width
            stop = n
        centres.append((start + stop - 1) / 2)
        level.append(np.median(power[:, start:stop], axis=1))
        if stop == n:
            break
        start += max(1, width // 2)
    places = np.log(np.arange(n) + 1.0)
    known = np.log(np.array(centres) + 1.0)
    logs = np.log(np.maximum(np.array(level), 1e-300))
    running: Array = np.exp([np.interp(places, known, logs[:, i]) for i in range(len(power))])
    return running
