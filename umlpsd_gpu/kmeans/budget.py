"""How long a sweep will take on the CPU, and how many silhouettes a time budget leaves room for.

The prediction counts operations and never looks at a clock: the same settings choose the same
sample, and so give the same bits, on every machine.

Only Euclidean silhouettes are ever sampled: they need n² distances for every labelling. Squared
Euclidean ones follow from distances to centroids and take about a tenth of the time of K-means,
whatever n: a sample of them would save too little to justify its error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.kmeans.options import SweepOptions

# Seconds of two cores (EPYC of 2.6 GHz with AVX-512, OpenBLAS) for each trace and cluster of a
# restart, measured on 1,000 to 10,000 curves of 25 to 300 samples: K-means to its end, 14 to 33
# iterations, and what all metrics share. Twice as long on clouds without clusters, half on clear
# clusters (estimated).
KMEANS_S = 0.7e-7
KMEANS_S_PER_SAMPLE = 0.6e-9
# … and for each further trace that a Euclidean silhouette is a mean over
DISTANCE_S = 2.4e-11
# Fewer silhouettes would leave a standard error of the mean above about 0.01 (our choice).
LEAST_JUDGED = 1000


@dataclass(frozen=True)
class SweepCost:
    """Predicted seconds of a sweep on two cores.

    Attributes
    ----------
    kmeans_s : float
        K-means, and what all metrics share.
    silhouette_s : float
        Additional time for each trace that gets a silhouette.
    """

    kmeans_s: float
    silhouette_s: float

    @classmethod
    def of(
        cls, n_traces: int, n_samples: int, ks: np.ndarray, n_epochs: int, silhouette_metric: str
    ) -> SweepCost:
        """Count the operations of a sweep.

        Parameters
        ----------
        n_traces, n_samples : int
            Shape of the matrix that is swept.
        ks : ndarray of int
            Numbers of clusters.
        n_epochs : int
            K-means runs for each of them.
        silhouette_metric : {"sqeuclidean", "euclidean"}

        Returns
        -------
        SweepCost
        """
        n_pairs = float(n_traces) * n_epochs * int(ks.sum())
        # with few traces, distances to centroids come from those between traces
        length = min(n_samples, n_traces / 2)
        kmeans_s = n_pairs * (KMEANS_S + KMEANS_S_PER_SAMPLE * length)
        euclidean = silhouette_metric == "euclidean"
        return cls(kmeans_s, n_pairs * DISTANCE_S if euclidean else 0.0)

    def n_judged(self, n_traces: int, budget_s: float | None) -> int:
        """Return how many of the traces get a silhouette.

        Parameters
        ----------
        n_traces : int
        budget_s : float or None
            Seconds on two cores; None for no limit.

        Returns
        -------
        int
            All of them where there is no budget or it suffices, else as many as it affords, but
            at least `LEAST_JUDGED`.
        """
        if budget_s is None or self.kmeans_s + n_traces * self.silhouette_s <= budget_s:
            return n_traces
        if not self.silhouette_s:
            return n_traces
        affordable = int(max(budget_s - self.kmeans_s, 0.0) / self.silhouette_s)
        return min(n_traces, max(LEAST_JUDGED, affordable))


def choose_judged(
    n_traces: int, n_samples: int, ks: np.ndarray, options: SweepOptions
) -> np.ndarray | None:
    """Return the traces whose silhouettes the budget affords; None for all.

    Parameters
    ----------
    n_traces, n_samples : int
        Shape of the matrix that is swept.
    ks : ndarray of int
        Numbers of clusters.
    options : SweepOptions

    Returns
    -------
    ndarray, shape (n_judged,), int, or None
        As `judged_traces` returns it.
    """
    cost = SweepCost.of(n_traces, n_samples, ks, options.n_epochs, options.silhouette_metric)
    return judged_traces(n_traces, cost.n_judged(n_traces, options.budget_s), options.seed)


def judged_traces(n_traces: int, n_judged: int, seed: int) -> np.ndarray | None:
    """Draw the traces that get a silhouette, the same for every labelling; None for all.

    Parameters
    ----------
    n_traces, n_judged : int
    seed : int
        The sample depends on it and ``n_traces`` only.

    Returns
    -------
    ndarray, shape (n_judged,), int, or None
        Ascending, without repeats; a simple random sample.
    """
    if n_judged >= n_traces:
        return None
    generator = np.random.default_rng([seed, 0, n_traces])
    return np.sort(generator.choice(n_traces, n_judged, replace=False))


def standard_error(silhouettes: np.ndarray, n_traces: int) -> np.ndarray:
    """Return the standard error of each labelling's mean over a random sample [1]_.

    s/√m · √(1 − m/n), with s the standard deviation of the m sampled silhouettes; 0 where all n
    traces have one.

    Parameters
    ----------
    silhouettes : ndarray, shape (n_epochs, n_judged)
    n_traces : int
        How many the sample was drawn from.

    Returns
    -------
    ndarray, shape (n_epochs,)
        NaN where a silhouette is NaN.

    References
    ----------
    .. [1] W. G. Cochran, Sampling Techniques, 3rd ed., Wiley 1977, section 2.6.
    """
    n_judged = silhouettes.shape[1]
    if n_judged == n_traces:
        exact: np.ndarray = 0.0 * silhouettes.mean(axis=1)
        return exact
    left_out = 1 - n_judged / n_traces
    error: np.ndarray = silhouettes.std(axis=1, ddof=1) * np.sqrt(left_out / n_judged)
    return error
