"""Rates of success with intervals that are valid for few trials and for rates of 0 and 1."""

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
        0 and 1 without any trials.
    """

    n_hits: int
    n_trials: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return hits over trials; NaN without any trials."""
        return self.n_hits / self.n_trials if self.n_trials else float("nan")


def rate_of(n_hits: int, n_trials: int) -> Rate:
    """Return the rate of independent trials.

    Parameters
    ----------
    n_hits, n_trials : int

    Returns
    -------
    Rate

    Examples
    --------
    >>> from umlpsd_gpu.validation.rates import rate_of
    >>> rate = rate_of(9, 10)
    >>> round(rate.share, 2), round(rate.low, 2), round(rate.high, 2)
    (0.9, 0.6, 0.98)
    """
    return Rate(n_hits, n_trials, *wilson_interval(n_hits, n_trials, n_trials))


def pooled_rate(n_hits: np.ndarray, n_trials: np.ndarray) -> Rate:
    """Return the rate over several ensembles, within which trials are correlated.

    When K-means puts a border elsewhere, many traces change together, so that they are worth fewer
    independent trials: p(1 − p) divided by the variance of p between ensembles (ratio estimator;
    Korn & Graubard, Surv. Methodol. 24, 193, 1998 [L]), but never more than the number of trials.

    Parameters
    ----------
    n_hits, n_trials : ndarray, shape (n_ensembles,), int
        The trials of a single ensemble count as independent.

    Returns
    -------
    Rate
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
    """Return Wilson's 95 % interval of a share.

    Parameters
    ----------
    n_hits, n_trials : int
        Without trials the interval is 0 to 1.
    n_effective : float
        Number of independent trials that these are worth, above 0.

    Returns
    -------
    low, high : float

    Notes
    -----
    E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927) [L].
    """
    if n_trials == 0:
        return 0.0, 1.0
    share, z2 = n_hits / n_trials, NORMAL_975**2
    denominator = 1 + z2 / n_effective
    centre = (share + z2 / (2 * n_effective)) / denominator
    variance = share * (1 - share) / n_effective + z2 / (4 * n_effective**2)
    half = NORMAL_975 * variance**0.5 / denominator
    # for shares of 0 and 1, rounding may move an end beyond the share
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
