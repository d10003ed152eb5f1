"""Shares of successes, with intervals that hold for few trials and for shares of 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class Rate:
    """A share of successes with its 95 % interval (Wilson).

    Attributes
    ----------
    n_hits, n_trials : int
    low, high : float
        0 and 1 where nothing was tried.
    """

    n_hits: int
    n_trials: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return hits over trials; NaN where nothing was tried."""
        return self.n_hits / self.n_trials if self.n_trials else float("nan")


def rate_of(n_hits: int, n_trials: int) -> Rate:
    """Return the rate of independent trials."""
    return Rate(n_hits, n_trials, *wilson_interval(n_hits, n_trials, n_trials))


def pooled_rate(n_hits: np.ndarray, n_trials: np.ndarray) -> Rate:
    """Return the rate over ensembles within which trials succeed or fail together.

    A border that K-means puts elsewhere moves many traces at once, so that traces count for fewer
    independent trials: p(1 − p) over the variance of p found between the ensembles (ratio
    estimator; Korn & Graubard, Surv. Methodol. 24, 193, 1998 [L]), never more than there are.

    Parameters
    ----------
    n_hits, n_trials : ndarray, shape (n_ensembles,), int
        A single ensemble can't tell, and its trials count as independent.
    """
    hits, trials = int(n_hits.sum()), int(n_trials.sum())
    n_ensembles = len(n_trials)
    n_effective = float(trials)
    if n_ensembles > 1 and 0 < hits < trials:
        share = hits / trials
        residuals = n_hits - share * n_trials
        variance = n_ensembles / (n_ensembles - 1) * np.square(residuals).sum() / trials**2
        if variance > 0:
            n_effective = min(n_effective, share * (1 - share) / variance)
    return Rate(hits, trials, *wilson_interval(hits, trials, n_effective))


def wilson_interval(n_hits: int, n_trials: int, n_effective: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval (J. Am. Stat. Assoc. 22, 209, 1927) of a share.

    Parameters
    ----------
    n_hits, n_trials : int
        0 trials leave the share anywhere from 0 to 1.
    n_effective : float
        What the trials are worth in independent ones, above 0.
    """
    if n_trials == 0:
        return 0.0, 1.0
    share, z2 = n_hits / n_trials, NORMAL_975**2
    scale = 1 + z2 / n_effective
    centre = (share + z2 / (2 * n_effective)) / scale
    variance = share * (1 - share) / n_effective + z2 / (4 * n_effective**2)
    half = NORMAL_975 * variance**0.5 / scale
    # at shares of 0 and 1 rounding may put an end beyond them
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
