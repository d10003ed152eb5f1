"""Single criteria: each reads one finished sweep and says a number of clusters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.sweep.result import Sweep

# Below this mean silhouette, or below this agreement between epochs, the partition at the peak of
# the profile is no structure [I]. The first is Kaufman and Rousseeuw's limit (Finding Groups in
# Data, 1990); unclustered blinking ensembles stay below 0.1 on both.
STRUCTURE_SILHOUETTE = 0.25
STRUCTURE_STABILITY = 0.5
# The profile breaks where its fall is at least this many times steeper before than after [I]:
# simulated PEB/TSB/PBB ensembles give 3.6…20, two-class ones 1…2.5.
BREAK_RATIO = 3.0
# Falls smaller than this are no break but scatter between epochs [I].
LEAST_FALL = 0.05


def silhouette_peak(sweep: Sweep) -> int:
    """Return the K of the largest <SS>, the silhouette averaged over traces and epochs."""
    return _k_of_largest(sweep, sweep.silhouette.mean(axis=1))


def silhouette_break(sweep: Sweep) -> int:
    """Return the K where <SS> has fallen to a plateau, or its peak where it has none.

    The paper reads K_opt where <SS> "declines with a break": two clusters far apart may have the
    largest silhouette although a third is there as well.
    """
    peak = silhouette_peak(sweep)
    if peak == 1:
        return 1
    at = sweep.index_of(peak)
    profile = sweep.silhouette.mean(axis=1)
    if at + 2 >= profile.size:
        return peak
    fall, next_fall = -np.diff(profile[at : at + 3])
    breaks = fall >= LEAST_FALL and fall >= BREAK_RATIO * abs(next_fall)
    structured = profile[at + 1] >= STRUCTURE_SILHOUETTE
    return int(sweep.k_values[at + 1]) if breaks and structured else peak


def smallest_cluster_peak(sweep: Sweep) -> int:
    """Return the K whose least-SSD partition has the largest worst-cluster silhouette."""
    best = sweep.ssd.argmin(axis=1)
    return _k_of_largest(sweep, sweep.smallest_cluster_silhouette[np.arange(best.size), best])


def calinski_harabasz_peak(sweep: Sweep) -> int:
    """Return the K of the largest mean Calinski-Harabasz index."""
    return _k_of_largest(sweep, sweep.calinski_harabasz.mean(axis=1))


def ssd_elbow(sweep: Sweep) -> int | None:
    """Return the K where the slope of the mean SSD changes most; None for fewer than 3 K's."""
    if sweep.k_values.size < 3:
        return None
    slope = np.diff(sweep.ssd.mean(axis=1)) / np.diff(sweep.k_values)
    return int(sweep.k_values[1 + np.diff(slope).argmax()])


def profile_reading(sweep: Sweep) -> int:
    """Return the break of <SS>, or 1 where the partition at its peak is no structure."""
    peak = silhouette_peak(sweep)
    if peak == 1 or sweep.silhouette[sweep.index_of(peak)].mean() < STRUCTURE_SILHOUETTE:
        return 1
    # a single epoch has no stability to judge by
    return 1 if stability(sweep, peak) < STRUCTURE_STABILITY else silhouette_break(sweep)


CRITERIA: dict[str, Callable[[Sweep], int | None]] = {
    "silhouette peak": silhouette_peak,
    "silhouette break": silhouette_break,
    "smallest cluster": smallest_cluster_peak,
    "Calinski-Harabasz peak": calinski_harabasz_peak,
    "SSD elbow": ssd_elbow,
}


def stability(sweep: Sweep, k: int) -> float:
    """Return the mean adjusted Rand index between all pairs of epochs at one K.

    1 means that every start ends in the same partition. NaN for a single epoch.
    """
    if sweep.n_epochs < 2:
        return float("nan")
    return mean_adjusted_rand(sweep.labels[sweep.index_of(k)])


def mean_adjusted_rand(labellings: np.ndarray) -> float:
    """Return the mean adjusted Rand index over all pairs of at least two labellings."""
    return float(adjusted_rand(labellings)[np.triu_indices(len(labellings), 1)].mean())


def adjusted_rand(labellings: np.ndarray) -> np.ndarray:
    """Return the adjusted Rand index [1]_ between all pairs of labellings.

    Parameters
    ----------
    labellings : ndarray, shape (n_labellings, n_traces), int
        From 0 up.

    Returns
    -------
    ndarray, shape (n_labellings, n_labellings)
        1 where two agree but for the numbering; 0 on average by chance.

    References
    ----------
    .. [1] L. Hubert and P. Arabie, J. Classif. 2, 193 (1985).
    """
    n_labellings, n_traces = labellings.shape
    n_clusters = int(labellings.max()) + 1
    onehot = (labellings[:, None] == np.arange(n_clusters)[:, None]).astype(np.float64)
    flat = onehot.reshape(-1, n_traces)
    shared = (flat @ flat.T).reshape(n_labellings, n_clusters, n_labellings, n_clusters)
    together = (shared * (shared - 1) / 2).sum(axis=(1, 3))
    alone = np.diagonal(together)
    expected = alone[:, None] * alone / (n_traces * (n_traces - 1) / 2)
    largest = (alone[:, None] + alone) / 2
    differ = largest != expected
    return np.divide(together - expected, largest - expected, np.ones_like(together), where=differ)


def _k_of_largest(sweep: Sweep, profile: np.ndarray) -> int:
    """Return the first K of the largest value; 1 where none is defined."""
    if np.isnan(profile).all():
        return 1
    return int(sweep.k_values[np.nanargmax(profile)])
