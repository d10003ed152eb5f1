"""Differences of clusters between two results, with intervals over the items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from umlpsd_gpu.analyses.comparing.common_items import CommonItems, Items
from umlpsd_gpu.analyses.comparing.comparison import ClusterMatch, Difference

N_RESAMPLES = 1000
# Weights that are held at a time
BLOCK_VALUES = 1 << 22
# Of the random numbers; any other serves as well
SEED = 363
NOTE = (
    "Intervals are from resampling the items of both studies together (1,000 bootstrap samples), "
    "so that items which both have count once; the errors of single items are within their scatter."
)


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Resamples of the items of two results, common ones together.

    Attributes
    ----------
    first, second : Items
    common : CommonItems
    """

    first: Items
    second: Items
    common: CommonItems

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How often each item of the first and of the second result is in each resample.

        Two arrays of shape (n_resamples, n_items), uint8.
        """
        n_first, n_second = self.first.labels.size, self.second.labels.size
        place = np.full(n_second, -1, dtype=np.int64)
        place[self.common.second] = self.common.first
        alone = np.flatnonzero(place < 0)
        place[alone] = n_first + np.arange(alone.size)
        n = n_first + alone.size
        rng = np.random.default_rng(SEED)
        drawn = np.empty((N_RESAMPLES, n), dtype=np.uint8)
        for row in drawn:
            row[:] = np.bincount(rng.integers(n, size=n), minlength=n)
        return drawn[:, :n_first], drawn[:, place]

    def differences(
        self,
        name: str,
        values: tuple[np.ndarray, np.ndarray],
        matches: Sequence[ClusterMatch],
        statistic: str = "mean",
        least_share: float = 0.0,
    ) -> Iterator[Difference]:
        """Yield the difference of a quantity in every pair of matched clusters.

        Parameters
        ----------
        name : str
            Of the quantity, with its unit.
        values : tuple of ndarray, shapes (n_first,) and (n_second,)
            NaN is left out.
        matches : sequence of ClusterMatch
        statistic : {"mean", "median"}
        least_share : float
            Clusters in which a smaller share of the items has a value are left out, 0…1.

        Yields
        ------
        Difference
            Clusters without any value are left out too.
        """
        for match in matches:
            sides = [
                (values[0], self.first.labels == match.first, self.counts[0]),
                (values[1], self.second.labels == match.second, self.counts[1]),
            ]
            known = [np.isfinite(each[members]).mean() for each, members, _ in sides]
            if min(known) == 0 or min(known) < least_share:
                continue
            (one, resampled), (other, others) = (_resample(*side, statistic) for side in sides)
            low, high = np.nanpercentile(others - resampled, (2.5, 97.5))
            yield Difference(
                f"{name} of cluster {_both(match)}",
                one,
                other,
                other - one,
                float(low),
                float(high),
                clusters=(match.first, match.second),
            )


def _both(match: ClusterMatch) -> str:
    return str(match.first) if match.first == match.second else f"{match.first} → {match.second}"


def _resample(
    values: np.ndarray, members: np.ndarray, counts: np.ndarray, statistic: str
) -> tuple[float, np.ndarray]:
    """Return the statistic of the members with a value, and that of each resample."""
    index = np.flatnonzero(members & np.isfinite(values))
    index = index[np.argsort(values[index], kind="stable")]
    chosen, summarise = values[index], {"mean": _means, "median": _medians}[statistic]
    n_rows = max(1, BLOCK_VALUES // index.size)
    blocks = [
        summarise(chosen, counts[row : row + n_rows, index].astype(np.float64))
        for row in range(0, len(counts), n_rows)
    ]
    return float(summarise(chosen, np.ones((1, index.size)))[0]), np.concatenate(blocks)


def _means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        means: np.ndarray = weights @ values / weights.sum(axis=1)
    return means


def _medians(ascending: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return weighted medians; between two values where half of the weights lie on each side."""
    summed = np.cumsum(weights, axis=1)
    half = summed[:, -1:] / 2
    last = ascending.size - 1
    lower = ascending[np.minimum((summed < half).sum(axis=1), last)]
    upper = ascending[np.minimum((summed <= half).sum(axis=1), last)]
    return np.where(half[:, 0] > 0, (lower + upper) / 2, np.nan)
