"""Single criteria: each reads one finished sweep and returns a number of clusters.

None is right often enough alone (benchmarks/results/decision.md); the report shows the answer of
each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import stability
from umlpsd_gpu.decision.kneedle import find_knee
from umlpsd_gpu.kmeans.result import Sweep

# Below this mean silhouette, or below this agreement between epochs, the partition at the peak of
# <SS> is no structure (our choice). The first is Kaufman and Rousseeuw's limit (Finding Groups in
# Data, 1990); unclustered blinking ensembles stay below 0.1 on both.
STRUCTURE_SILHOUETTE = 0.25
STRUCTURE_STABILITY = 0.5
# <SS> breaks where its fall is at least this many times steeper before than after (our choice):
# simulated PEB/TSB/PBB ensembles give 3.6…20, two-class ones 1…2.5.
BREAK_RATIO = 3.0
# Falls smaller than this are scatter between epochs, no break (our choice).
LEAST_FALL = 0.05


def silhouette_peak(sweep: Sweep) -> int:
    """Return the K of the largest <SS>, the silhouette averaged over traces and epochs.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int
        1 where no silhouette is defined.
    """
    return _k_of_largest(sweep, sweep.silhouette.mean(axis=1))


def silhouette_break(sweep: Sweep) -> int:
    """Return the K where <SS> has fallen to a plateau, or its peak where it has none.

    The paper reads K_opt where <SS> "declines with a break": two clusters far apart may have the
    largest silhouette although there is a third one.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int
    """
    peak = silhouette_peak(sweep)
    if peak == 1:
        return 1
    at = sweep.index_of(peak)
    mean_silhouette = sweep.silhouette.mean(axis=1)
    if at + 2 >= mean_silhouette.size:
        return peak
    fall, next_fall = -np.diff(mean_silhouette[at : at + 3])
    breaks = fall >= LEAST_FALL and fall >= BREAK_RATIO * abs(next_fall)
    structured = mean_silhouette[at + 1] >= STRUCTURE_SILHOUETTE
    return int(sweep.k_values[at + 1]) if breaks and structured else peak


def smallest_cluster_peak(sweep: Sweep) -> int:
    """Return the K whose partition of smallest SSD has the largest worst-cluster silhouette.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int
        1 where no silhouette is defined.
    """
    best = sweep.ssd.argmin(axis=1)
    return _k_of_largest(sweep, sweep.smallest_cluster_silhouette[np.arange(best.size), best])


def calinski_harabasz_peak(sweep: Sweep) -> int:
    """Return the K of the largest mean Calinski-Harabasz index.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int
        1 where no index is defined.
    """
    return _k_of_largest(sweep, sweep.calinski_harabasz.mean(axis=1))


def ssd_elbow(sweep: Sweep) -> int | None:
    """Return the K where the slope of the mean SSD changes most.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int or None
        None for fewer than 3 K's.
    """
    if sweep.k_values.size < 3:
        return None
    slope = np.diff(sweep.ssd.mean(axis=1)) / np.diff(sweep.k_values)
    return int(sweep.k_values[1 + np.diff(slope).argmax()])


def ssd_knee(sweep: Sweep) -> int | None:
    """Return the knee of the mean SSD by Kneedle [1]_.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int or None
        None where it finds none, and for fewer than 3 K's.

    References
    ----------
    .. [1] V. Satopaa, J. Albrecht, D. Irwin and B. Raghavan, Finding a "Kneedle" in a haystack,
       ICDCS Workshops 2011.
    """
    if sweep.k_values.size < 3:
        return None
    ssd = sweep.ssd.mean(axis=1)
    if not ssd[0] > ssd[-1]:
        return None
    knee = find_knee(sweep.k_values, ssd)
    return None if knee is None else int(sweep.k_values[knee])


def below_percent_slope(sweep: Sweep) -> int | None:
    """Return the K after which <%EM>(θ), averaged over θ, begins to rise most sharply.

    The paper suggests this as a way to automate its decision. One cluster counts as 0 % (our
    choice).

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int or None
        None for fewer than 3 K's.
    """
    if sweep.k_values.size < 3:
        return None
    rise = np.nan_to_num(sweep.below_percent.mean(axis=(0, 2)))
    slope = np.diff(rise) / np.diff(sweep.k_values)
    return int(sweep.k_values[1 + np.diff(slope).argmax()])


def gap_statistic(sweep: Sweep, nulls: Sequence[Sweep]) -> int:
    """Return the first K whose gap is within one standard error of that of K + 1, or above [1]_.

    The gap is the mean logarithm of the smallest SSD of surrogates minus that of the sweep.

    Parameters
    ----------
    sweep : Sweep
    nulls : sequence of Sweep
        Of surrogates (`gaussian_surrogates`), over the first of the same K's.

    Returns
    -------
    int
        The last K where no gap is large enough.

    References
    ----------
    .. [1] R. Tibshirani, G. Walther and T. Hastie, J. R. Stat. Soc. B 63, 411 (2001).
    """
    log_ssd = _log_least_ssd(sweep)
    by_chance = np.array([_log_least_ssd(null) for null in nulls])
    gap = by_chance.mean(axis=0) - log_ssd[: by_chance.shape[1]]
    stderr = by_chance.std(axis=0) * np.sqrt(1 + 1 / len(nulls))
    (ended,) = np.nonzero(gap[:-1] >= gap[1:] - stderr[1:])
    return int(sweep.k_values[ended[0] if ended.size else gap.size - 1])


def read_as_paper(sweep: Sweep) -> int:
    """Return the break of <SS>, or 1 where the partition at its peak is no structure.

    No structure: <SS> below 0.25, or epochs that agree to less than 0.5 (adjusted Rand index).

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    int
    """
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
    "SSD knee (Kneedle)": ssd_knee,
    "%EM slope": below_percent_slope,
}
GAP_STATISTIC = "gap statistic"


def _log_least_ssd(sweep: Sweep) -> np.ndarray:
    """Return ln of the smallest SSD of each K; an SSD of 0 counts as the smallest number."""
    logarithm: np.ndarray = np.log(np.maximum(sweep.ssd.min(axis=1), np.finfo(float).tiny))
    return logarithm


def _k_of_largest(sweep: Sweep, values: np.ndarray) -> int:
    """Return the first K of the largest value; 1 where none is defined."""
    if np.isnan(values).all():
        return 1
    return int(sweep.k_values[np.nanargmax(values)])
