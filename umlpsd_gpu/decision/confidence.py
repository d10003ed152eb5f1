"""Decisions on halves of the traces → an interval for the confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The standard deviation of the log-odds among fresh ensembles is this power of that among pairs of
# halves: small scatter understates, since the clusters of all pairs are compared with the same ones
# of all traces, and large scatter overstates, since a pair counts few traces (set on seeds 0 to 19
# of simulated ensembles, judged on others in benchmarks/results/decision_interval.md).
SCATTER_POWER = 0.5
CI95_DEVIATIONS = 1.96
LEAST_SHARE = 1e-6


def confidence_interval(
    confidence: float,
    resampled: Sequence[float],
    trust: float = 1.0,
) -> tuple[float, float]:
    """Return the 95 % interval of a confidence over the choice of traces.

    Samples of half the traces, drawn without replacement, scatter as ensembles of full size do
    around the truth [1]_; how closely was measured. Bootstrap samples, drawn with replacement,
    would hold equal traces, which form clusters of their own.

    Parameters
    ----------
    confidence : float
        Probability of K_opt from all traces, 0…1.
    resampled : sequence of float
        The probability of the same K from each sample of the traces, 0…1.
    trust : float
        Above 0; the width of the interval is divided by it.

    Returns
    -------
    low, high : float
        Ends of the interval, 0…1, around ``confidence``; NaN for fewer than two samples.

    References
    ----------
    .. [1] J. Shao and C. F. J. Wu, Ann. Stat. 17, 1176 (1989): the delete-d jackknife.
    """
    if len(resampled) < 2:
        return float("nan"), float("nan")
    scatter = np.std(_log_odds(np.array(resampled)), ddof=1) ** SCATTER_POWER
    reach = CI95_DEVIATIONS * scatter / trust
    low, high = _log_odds(np.array(confidence)) + np.array([-reach, reach])
    return float(1 / (1 + np.exp(-low))), float(1 / (1 + np.exp(-high)))


def _log_odds(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE)
    log_odds: np.ndarray = np.log(share / (1 - share))
    return log_odds
