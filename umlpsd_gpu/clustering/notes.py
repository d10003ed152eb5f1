"""What the user should know about a clustering: outliers, and what the time budget changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.kmeans.budget import SweepCost
from umlpsd_gpu.kmeans.result import Sweep


def outlier_notes(outliers: Outliers, explanation: str) -> list[str]:
    """Say that there are outliers where there are more than chance can explain, else nothing.

    Parameters
    ----------
    outliers : Outliers
    explanation : str
        What they may be, in the words of the analysis.
    """
    n_found, n_expected = int(outliers.is_outlier.sum()), outliers.n_expected
    # three standard deviations of a Poisson number
    if n_found <= n_expected + 3 * n_expected**0.5:
        return []
    return [
        f"{n_found} of {np.isfinite(outliers.score).sum()} clustered traces fit no cluster, where "
        f"about {n_expected:.0f} are expected by chance: {explanation}, perhaps. Clusters "
        "without them are in traces.csv."
    ]


def budget_notes(
    sweeps: Sequence[Sweep], n_points: Mapping[str, int], budget_s: float | None
) -> list[str]:
    """Say what ``sweep.budget_s`` changed, and what it could not; nothing where none is set.

    Parameters
    ----------
    sweeps : sequence of Sweep
        On the CPU, one for each representation.
    n_points : mapping of str to int
        Columns of each representation.
    budget_s : float or None
    """
    if budget_s is None:
        return []
    return [*_say_what_was_sampled(sweeps), *_say_what_takes_longer(sweeps, n_points, budget_s)]


def _say_what_was_sampled(sweeps: Sequence[Sweep]) -> list[str]:
    sampled = [sweep for sweep in sweeps if sweep.n_silhouettes < sweep.n_traces]
    if not sampled:
        return []
    fewest = min(sampled, key=lambda sweep: sweep.n_silhouettes)
    largest = max(float(np.nanmax(sweep.silhouette_stderr)) for sweep in sampled)
    return [
        f"Silhouettes rest on a random sample of {fewest.n_silhouettes} of {fewest.n_traces} "
        f"traces, as sweep.budget_s asks: standard error ≤ {largest:.2g}. K-means, CH and SSD are "
        "exact."
    ]


def _say_what_takes_longer(
    sweeps: Sequence[Sweep], n_points: Mapping[str, int], budget_s: float
) -> list[str]:
    """Give the largest predicted time of K-means beyond the budget."""
    longest_s = max(_kmeans_s(sweep, n_points[sweep.scale]) for sweep in sweeps)
    if longest_s <= budget_s:
        return []
    return [
        f"K-means alone is predicted to take up to {longest_s:.0f} s a scale on two cores, more "
        f"than sweep.budget_s = {budget_s:g}: it is exact all the same; fewer epochs or a smaller "
        "k_max make it shorter."
    ]


def _kmeans_s(sweep: Sweep, n_points: int) -> float:
    metric = sweep.silhouette_metric
    return SweepCost.of(sweep.n_traces, n_points, sweep.k_values, sweep.n_epochs, metric).kmeans_s
