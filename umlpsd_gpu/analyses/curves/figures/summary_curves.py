"""Mean curves of clusters: geometric means and quantile bands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.analyses.curves.representations import SIGMAS, represent_curves
from umlpsd_gpu.analyses.curves.result import CurveStudy

BAND = (10, 90)


@dataclass(frozen=True, eq=False)
class SummaryCurve:
    """One sweep of the curves of a cluster.

    Attributes
    ----------
    sweep : str
    mean, low, high : ndarray, shape (n_points,)
        Geometric mean and quantiles of the current, in amperes.
    is_bound : ndarray, shape (n_points,), bool
        Where more than half of the curves are saturated.
    """

    sweep: str
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_bound: np.ndarray


def cluster_sizes(study: CurveStudy) -> dict[int, int]:
    """Return the number of curves of each cluster.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    dict of int to int
    """
    labels = study.clustering.labels
    return {
        cluster: int(np.count_nonzero(labels == cluster))
        for cluster in range(1, int(labels.max()) + 1)
    }


def summary_curves(study: CurveStudy) -> dict[int, list[SummaryCurve]]:
    """Return mean and quantiles of the curves of each cluster, by sweep.

    The mean is that of asinh(I/3σ): the geometric mean of currents above the noise, and the
    arithmetic one of those within it, whose logarithms have no mean.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    dict of int to list of SummaryCurve
    """
    conditioned, rows = study.conditioned, study.conditioned.is_usable
    values = represent_curves(conditioned, most_points=None)["asinh"]
    scale = SIGMAS * float(np.median(conditioned.noise[rows]))
    labels = study.clustering.labels[rows]
    n = conditioned.bias.size
    found: dict[int, list[SummaryCurve]] = {}
    for cluster in cluster_sizes(study):
        members = labels == cluster
        found[cluster] = []
        for i, sweep in enumerate(conditioned.current):
            part = values[members, i * n : (i + 1) * n]
            low, high = np.percentile(part, BAND, axis=0)
            mean, low, high = (scale * np.sinh(each) for each in (part.mean(axis=0), low, high))
            bound = conditioned.is_saturated[sweep][rows][members].mean(axis=0) > 0.5
            found[cluster].append(SummaryCurve(sweep, mean, low, high, bound))
    return found


def absolute(curve: SummaryCurve, floor: float) -> SummaryCurve:
    """Return the absolute values of a curve, at least a floor, for a logarithmic axis.

    Parameters
    ----------
    curve : SummaryCurve
    floor : float
        In amperes.

    Returns
    -------
    SummaryCurve
    """
    ends = np.sort(np.abs([curve.low, curve.high]), axis=0)
    # a band that contains zero reaches down to the floor
    ends[0] = np.where(np.sign(curve.low) * np.sign(curve.high) <= 0, 0.0, ends[0])
    low, high = np.maximum(ends, floor)
    return replace(curve, mean=np.maximum(np.abs(curve.mean), floor), low=low, high=high)
