"""The verb ``decide``: number of clusters and smoothing scale from finished sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.decision.criteria import (
    CRITERIA,
    adjusted_rand,
    profile_reading,
    silhouette_peak,
    stability,
)
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.sweep.result import Sweep


def decide(sweeps: Sequence[Sweep]) -> KDecision:
    """Choose K_opt and the smoothing scale; reruns nothing.

    Rule ``"profile"``: at every scale the silhouette profile is read as the paper's authors read
    it, the break of its decline, or its peak where it has no break, or 1 where the partition at
    the peak is no structure. The K that most scales read is K_opt. Of the scales that read it the
    one with the largest (<SS> − <%Mscl>/100) × agreement at K_opt is chosen: agreement is the mean
    adjusted Rand index of its least-SSD partition with those of the others.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per smoothing scale, over the same traces.

    Returns
    -------
    KDecision
        ``confidence`` is the share of scales that read K_opt: an agreement, not a probability.
        Where no more than half of them do, the reason says so; a single scale has 0.5. Scales
        smooth the same traces and share their random starts: they are no independent witnesses.

    Raises
    ------
    SettingsError
        If there is no sweep.
    """
    if not sweeps:
        raise SettingsError("a decision needs at least one sweep, got none")
    readings = [profile_reading(sweep) for sweep in sweeps]
    k_opt = _most_frequent(readings)
    agreeing = [s for s, reading in zip(sweeps, readings, strict=True) if reading == k_opt]
    confidence = len(agreeing) / len(sweeps) if len(sweeps) > 1 else 0.5
    chosen = agreeing[int(np.argmax(_merits(agreeing, k_opt)))]
    votes = {}
    for name, criterion in CRITERIA.items():
        said = [k for k in map(criterion, sweeps) if k is not None]
        if said:
            votes[name] = _most_frequent(said)
    return KDecision(
        k_opt=k_opt,
        scale=chosen.scale,
        confidence=confidence,
        votes=votes,
        rule="profile",
        reason=_reason(chosen, k_opt, len(agreeing), len(sweeps)),
    )


def _most_frequent(ks: Sequence[int]) -> int:
    """Return the most frequent K, the smaller one where several are as frequent."""
    return min(Counter(ks).items(), key=lambda item: (-item[1], item[0]))[0]


def _merits(sweeps: Sequence[Sweep], k_opt: int) -> np.ndarray:
    """Return what speaks for each scale: separation at K_opt × agreement with the other scales."""
    separation = np.array([_separation(sweep, k_opt) for sweep in sweeps])
    if k_opt == 1 or len(sweeps) < 2:
        return separation
    index = adjusted_rand(np.array([sweep.best_labels(k_opt) for sweep in sweeps]))
    agreement = (index.sum(axis=1) - 1) / (len(sweeps) - 1)
    return separation * agreement


def _separation(sweep: Sweep, k: int) -> float:
    """Return <SS> less the share of misclassified traces at K; for K = 1 at the profile's peak."""
    k = k if k > 1 else silhouette_peak(sweep)
    if k == 1:
        return -np.inf
    at = sweep.index_of(k)
    return float(sweep.silhouette[at].mean() - sweep.misclassified_percent[at].mean() / 100)


def _reason(sweep: Sweep, k_opt: int, n_agreeing: int, n_scales: int) -> str:
    """Say in a sentence or two what the decision rests on."""
    share = f"{n_agreeing} of {n_scales} smoothing scales read it so"
    if n_scales == 1:
        share = "there is no other scale to agree or disagree"
    doubt = "" if 2 * n_agreeing > n_scales or n_scales == 1 else "Cannot decide with certainty: "
    profile = sweep.silhouette.mean(axis=1)
    peak = silhouette_peak(sweep)
    if k_opt == 1 and peak == 1:
        return f"{doubt}No cluster structure: no partition into two or more clusters was tried."
    highest = profile[sweep.index_of(peak)]
    if k_opt == 1:
        return (
            f"{doubt}No cluster structure: at {sweep.scale} the best partition, K = {peak}, has "
            f"<SS> = {highest:.2f} and its epochs agree to {_agreement(sweep, peak)}; {share}."
        )
    at = sweep.index_of(k_opt)
    evidence = (
        f"<SS> peaks at K = {k_opt} ({highest:.2f})"
        if peak == k_opt
        else f"<SS> peaks at K = {peak} ({highest:.2f}) and its decline breaks at K = {k_opt} "
        f"({profile[at]:.2f}, then {profile[at + 1]:.2f})"
    )
    return (
        f"{doubt}{evidence} at {sweep.scale}; {share}. Of these scales {sweep.scale} unites a "
        f"large <SS> with few misclassified traces "
        f"({sweep.misclassified_percent[at].mean():.1f} %) and agreement with the others at K = "
        f"{k_opt}; its epochs agree to "
        f"{_agreement(sweep, k_opt)}."
    )


def _agreement(sweep: Sweep, k: int) -> str:
    if sweep.n_epochs < 2:
        return "an unknown degree (there is one only)"
    return f"{stability(sweep, k):.2f} (adjusted Rand index)"
