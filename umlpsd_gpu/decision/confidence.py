"""Decisions on half-samples of the traces → an interval for the confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The scatter of the log-odds among half-samples, from sweeps of fewer scales and epochs, is larger
# than that of fresh ensembles under the full sweep by this much
# (benchmarks/results/decision_interval.md) [I].
OVERSTATEMENT = 1.4
CI95_DEVIATIONS = 1.96
LEAST_SHARE = 1e-6


def confidence_interval(
    confidence: float, resampled: Sequence[float], n_traces: int, n_drawn: int
) -> tuple[float, float]:
    """Return the 95 % interval of a confidence over the choice of traces.

    Half-samples without replacement scatter as ensembles of full size do around the truth [1]_;
    samples of fewer traces more, in proportion. Bootstrap samples with replacement would hold
    equal traces, which are clusters of their own.

    Parameters
    ----------
    confidence : float
        Of all traces.
    resampled : sequence of float
        The probability that each sample of the traces gives to the same K.
    n_traces, n_drawn : int
        Size of the ensemble and of the samples.

    Returns
    -------
    tuple of float
        Lower and upper end, 0…1, around ``confidence``; NaN for fewer than two samples.

    References
    ----------
    .. [1] J. Shao and C. F. J. Wu, Ann. Stat. 17, 1176 (1989): the delete-d jackknife.
    """
    if len(resampled) < 2:
        return float("nan"), float("nan")
    scatter = np.std(_log_odds(np.array(resampled)), ddof=1) / OVERSTATEMENT
    reach = CI95_DEVIATIONS * scatter * np.sqrt(n_drawn / (n_traces - n_drawn))
    low, high = _log_odds(np.array(confidence)) + np.array([-reach, reach])
    return float(1 / (1 + np.exp(-low))), float(1 / (1 + np.exp(-high)))


def _log_odds(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE)
    return np.log(share / (1 - share))
