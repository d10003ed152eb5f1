"""A trend that all traces share: drift, bleaching, or a lamp that warms up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.traces import Traces

MOST_TRACES = 256
FEWEST_TRACES = 5
# Averages of neighbouring frames that are enough for a straight line
N_AVERAGES = 200
# A trend is told if a straight line explains this share of the variance of a typical trace …
LEAST_SHARE = 0.25
# … and the traces agree on its sign: this many standard errors, and this share of them
LEAST_SIGMAS, LEAST_AGREEING = 5.0, 0.9


@dataclass(frozen=True)
class SharedTrend:
    """A trend of an ensemble.

    Attributes
    ----------
    share : float
        Median share of the variance that a straight line explains.
    is_rise : bool
        Whether the intensity rises.
    n_traces : int
        Traces that were examined.
    """

    share: float
    is_rise: bool
    n_traces: int


def find_shared_trend(traces: Traces, usable: Array | None = None) -> SharedTrend | None:
    """Return the trend that traces share, or None.

    Parameters
    ----------
    traces : Traces
    usable : ndarray, shape (n_traces,), bool, optional
        Traces that are examined. Default: ``traces.usable()``.

    Returns
    -------
    SharedTrend or None

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import Traces
    >>> from umlpsd_gpu.traces.shared_trend import find_shared_trend
    >>> noise = np.random.default_rng(0).normal(100, 5, (10, 1000))
    >>> find_shared_trend(Traces.without_place(noise, 0.1)) is None
    True
    >>> find_shared_trend(Traces.without_place(noise + np.linspace(0, 40, 1000), 0.1)).is_rise
    True
    """
    usable = traces.usable() if usable is None else usable
    chosen = np.flatnonzero(usable)
    if len(chosen) < FEWEST_TRACES or traces.n_frames < N_AVERAGES:
        return None
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, MOST_TRACES).round().astype(int))]
    shares, slopes = _fit_lines(traces.values, chosen)
    share = float(np.median(shares))
    n_sigmas = abs(slopes.mean()) / max(slopes.std(ddof=1) / np.sqrt(len(slopes)), 1e-300)
    agreeing = np.mean(np.sign(slopes) == np.sign(slopes.mean()))
    if share < LEAST_SHARE or n_sigmas < LEAST_SIGMAS or agreeing < LEAST_AGREEING:
        return None
    return SharedTrend(share, bool(slopes.mean() > 0), len(chosen))


def _fit_lines(values: Array, chosen: Array) -> tuple[Array, Array]:
    """Return the share of each trace's variance in a straight line, and its correlation."""
    variances = np.array([np.var(values[row], dtype=np.float64) for row in chosen])
    n_each = values.shape[1] // N_AVERAGES
    averages = np.stack(
        [
            values[row, : n_each * N_AVERAGES].reshape(N_AVERAGES, n_each).mean(axis=1, dtype=float)
            for row in chosen
        ]
    )
    time = np.linspace(-1, 1, N_AVERAGES)
    slopes = averages @ (time / np.square(time).sum())
    return slopes**2 * np.var(time) / variances, slopes * np.std(time) / np.sqrt(variances)
