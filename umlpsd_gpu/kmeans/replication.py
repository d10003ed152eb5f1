"""What halves of the items say about clusters: found again or not, set apart or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Positions on the line from one centroid (0) over the border (0.5) to the other (1): items count as
# lying at the border from 0.4 to 0.6, and at a centroid up to 0.2 from it (our choice).
BORDER = 0.1
CORE = 0.2
# Items added to both counts before their ratio is taken, against conclusions from a few items (our
# choice). Items of halves are counted once for every half that did not hold them.
PRIOR_OF_HALVES = 2.0
PRIOR_OF_ALL = 0.4


@dataclass(frozen=True, eq=False)
class Replication:
    """How halves of the items reproduce the clusters of one representation, for each K ≥ 2.

    Arrays of halves have a row for each pair of halves that have no item in common. Those of
    clusters are NaN or 0 beyond K.

    Attributes
    ----------
    scale : str
        Name of the representation.
    n_drawn : int
        Items of a half.
    k_values : ndarray, shape (n_k,), int
        2, 3, …
    prediction_strength : ndarray, shape (n_pairs, n_k)
        Of two items that share a cluster of their own half, the probability that the clusters of
        the other half keep them together; in the worst cluster [1]_; 0…1.
    jaccard : ndarray, shape (n_pairs, n_k, k_max)
        Largest Jaccard index of each cluster with a cluster that a half predicts [2]_; 0…1.
    border_of_halves, core_of_halves : ndarray, shape (n_pairs, n_k, k_max, k_max)
        ``[…, a, b]``: items outside the half, of cluster a, that lie at the border with cluster b,
        and near the centroid of a on the line to that of b.
    border_of_all, core_of_all : ndarray, shape (n_k, k_max, k_max)
        The same among the clusters of all items; each item is compared with the centroid of the
        other items of its cluster.

    References
    ----------
    .. [1] R. Tibshirani and G. Walther, J. Comput. Graph. Stat. 14, 511 (2005).
    .. [2] C. Hennig, Comput. Stat. Data Anal. 52, 258 (2007).
    """

    scale: str
    n_drawn: int
    k_values: np.ndarray
    prediction_strength: np.ndarray
    jaccard: np.ndarray
    border_of_halves: np.ndarray
    core_of_halves: np.ndarray
    border_of_all: np.ndarray
    core_of_all: np.ndarray

    @property
    def n_pairs(self) -> int:
        """Number of pairs of halves."""
        return len(self.prediction_strength)

    def of_pair(self, pair: int) -> Replication:
        """Return what one pair of halves says alone, without the counts among all items.

        Parameters
        ----------
        pair : int

        Returns
        -------
        Replication
        """
        only = slice(pair, pair + 1)
        # as many items for each added one: the gap is then that of the pair
        share = PRIOR_OF_ALL / PRIOR_OF_HALVES
        return Replication(
            self.scale,
            self.n_drawn,
            self.k_values,
            self.prediction_strength[only],
            self.jaccard[only],
            self.border_of_halves[only],
            self.core_of_halves[only],
            share * self.border_of_halves[pair],
            share * self.core_of_halves[pair],
        )

    def strength(self) -> np.ndarray:
        """Return the mean prediction strength at each K.

        Returns
        -------
        ndarray, shape (n_k,)
        """
        mean: np.ndarray = self.prediction_strength.mean(axis=0)
        return mean

    def reproducibility(self) -> np.ndarray:
        """Return the mean Jaccard index of the least reproducible cluster at each K.

        Returns
        -------
        ndarray, shape (n_k,)
            0…1.
        """
        least: np.ndarray = np.nanmin(self.jaccard.mean(axis=0), axis=1)
        return least

    def gap(self) -> np.ndarray:
        """Return how empty the border is between the two clusters that are least apart, at each K.

        Returns
        -------
        ndarray, shape (n_k,)
            Logarithm of the density of items at the sparser of the two centroids over that at the
            border; the mean of the two ways to count. Above 0: a gap. 0: an even spread. Below 0:
            one cloud that was cut in two.
        """
        of_halves = log_density_ratio(
            self.core_of_halves.sum(axis=0), self.border_of_halves.sum(axis=0), PRIOR_OF_HALVES
        )
        of_all = log_density_ratio(self.core_of_all, self.border_of_all, PRIOR_OF_ALL)
        gaps = (of_halves + of_all) / 2
        return np.array(
            [
                gap[:k, :k][np.triu_indices(k, 1)].min()
                for gap, k in zip(gaps, self.k_values, strict=True)
            ]
        )


def log_density_ratio(core: np.ndarray, border: np.ndarray, prior: float) -> np.ndarray:
    """Return ln(density at the sparser centroid / density at the border) of each two clusters.

    Parameters
    ----------
    core, border : ndarray, shape (…, k, k)
        ``[…, a, b]``: items of cluster a near its centroid, and at the border with cluster b.
    prior : float
        Items that are added to both counts.

    Returns
    -------
    ndarray, shape (…, k, k)
        Symmetric.
    """
    at_core = np.minimum(core, core.swapaxes(-1, -2)) / (2 * CORE)
    at_border = (border + border.swapaxes(-1, -2)) / (2 * BORDER)
    evened = prior / (2 * BORDER)
    ratio: np.ndarray = np.log((at_core + evened) / (at_border + evened))
    return ratio
