"""What the user should know about a sweep's time budget: what was sampled, what takes longer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.kmeans.budget import SweepCost
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.scale import Scale


def budget_notes(sweeps: Sequence[Sweep], n_frames: int, settings: Settings) -> list[str]:
    """Say what ``sweep.budget_s`` changed, and what it could not; nothing where none is set.

    Parameters
    ----------
    sweeps : sequence of Sweep
        On the CPU, one for each scale.
    n_frames : int
        Of the traces.
    settings : Settings
    """
    if settings.sweep.budget_s is None:
        return []
    return [*_sampled(sweeps), *_too_long(sweeps, n_frames, settings.sweep.budget_s)]


def _sampled(sweeps: Sequence[Sweep]) -> list[str]:
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


def _too_long(sweeps: Sequence[Sweep], n_frames: int, budget_s: float) -> list[str]:
    """Give the largest prediction of K-means beyond the budget."""
    longest_s = max(_kmeans_s(sweep, n_frames) for sweep in sweeps)
    if longest_s <= budget_s:
        return []
    return [
        f"K-means alone is predicted to take up to {longest_s:.0f} s a scale on two cores, more "
        f"than sweep.budget_s = {budget_s:g}: it is exact all the same; fewer epochs or a smaller "
        "k_max make it shorter."
    ]


def _kmeans_s(sweep: Sweep, n_frames: int) -> float:
    scale = Scale.parse(sweep.scale)
    n_samples = -(-n_frames // scale.size) if scale.kind == "bin" else n_frames
    metric = sweep.silhouette_metric
    return SweepCost.of(sweep.n_traces, n_samples, sweep.k_values, sweep.n_epochs, metric).kmeans_s
