"""Notes to the user about a clustering: outliers, and effects of the time budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.kmeans.budget import SweepCost
from umlpsd_gpu.kmeans.result import Sweep


def outlier_notes(
    outliers: Outliers, explanation: str, items: str = "traces", table: str = "traces.csv"
) -> list[str]:
    """Return a note about outliers if there are more than chance can explain.

    Parameters
    ----------
    outliers : Outliers
    explanation : str
        What they can be, in the words of the analysis.
    items : str
        Word of the analysis for what is clustered, in the plural.
    table : str
        File with the clusters without outliers.

    Returns
    -------
    list of str
        One note, or none.
    """
    n_found, n_expected = int(outliers.is_outlier.sum()), outliers.n_expected
    # three standard deviations of a Poisson number
    if n_found <= n_expected + 3 * n_expected**0.5:
        return []
    return [
        f"{n_found} of {(~np.isnan(outliers.score)).sum()} clustered {items} fit no cluster, where "
        f"about {n_expected:.0f} are expected by chance: {explanation}, perhaps. Clusters "
        f"without them are in {table}."
    ]


def budget_notes(
    sweeps: Sequence[Sweep],
    n_points: Mapping[str, int],
    budget_s: float | None,
    items: str = "traces",
) -> list[str]:
    """Return notes about the effects of ``sweep.budget_s``.

    Parameters
    ----------
    sweeps : sequence of Sweep
        Sweeps on the CPU, one for each representation.
    n_points : mapping of str to int
        Number of columns of each representation.
    budget_s : float or None
        None: no budget, no notes.
    items : str
        Word of the analysis for what is clustered, in the plural.

    Returns
    -------
    list of str
    """
    if budget_s is None:
        return []
    return [*_note_samples(sweeps, items), *_note_excess(sweeps, n_points, budget_s)]


def _note_samples(sweeps: Sequence[Sweep], items: str) -> list[str]:
    sampled = [sweep for sweep in sweeps if sweep.n_silhouettes < sweep.n_traces]
    if not sampled:
        return []
    fewest = min(sampled, key=lambda sweep: sweep.n_silhouettes)
    largest = max(float(np.nanmax(sweep.silhouette_stderr)) for sweep in sampled)
    return [
        f"To meet sweep.budget_s, silhouettes were computed for a random sample of "
        f"{fewest.n_silhouettes} of {fewest.n_traces} {items}: standard error ≤ {largest:.2g}. "
        "K-means, CH and SSD are exact."
    ]


def _note_excess(
    sweeps: Sequence[Sweep], n_points: Mapping[str, int], budget_s: float
) -> list[str]:
    """Return a note if the predicted time of K-means alone exceeds the budget."""
    longest_s = max(_predict_kmeans_s(sweep, n_points[sweep.scale]) for sweep in sweeps)
    if longest_s <= budget_s:
        return []
    return [
        f"K-means alone is predicted to take up to {longest_s:.0f} s for each scale on two cores, "
        f"more than sweep.budget_s = {budget_s:g}. It is never sampled; use fewer epochs or a "
        "smaller k_max to shorten it."
    ]


def _predict_kmeans_s(sweep: Sweep, n_points: int) -> float:
    metric = sweep.silhouette_metric
    return SweepCost.of(sweep.n_traces, n_points, sweep.k_values, sweep.n_epochs, metric).kmeans_s
