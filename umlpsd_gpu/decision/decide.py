"""The verb ``decide``: number of clusters and smoothing scale from finished sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.decision.criteria import CRITERIA, profile_reading, stability
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.sweep.result import Sweep


def decide(sweeps: Sequence[Sweep]) -> KDecision:
    """Choose K_opt and the smoothing scale; reruns nothing.

    Rule ``"profile"``: at every scale the silhouette profile is read as the paper's authors read
    it, the break of its decline, or its peak where it has no break, or 1 where the partition at
    the peak is no structure. The K that most scales read is K_opt. Among the scales that read it
    the one with the largest <SS>(K_opt) − <%Mscl>(K_opt)/100 is chosen.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per smoothing scale, over the same traces.

    Returns
    -------
    KDecision
        ``confidence`` is the share of scales that read K_opt: an agreement, not a probability.
        Below one half the reason says that the scales do not agree.

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
    confidence = len(agreeing) / len(sweeps)
    chosen = max(agreeing, key=lambda sweep: _separation(sweep, k_opt))
    votes = {
        name: _most_frequent([criterion(sweep) for sweep in sweeps])
        for name, criterion in CRITERIA.items()
    }
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


def _separation(sweep: Sweep, k: int) -> float:
    """Return <SS> less the share of misclassified traces at K; for K = 1 at the profile's start."""
    at = sweep.index_of(k) if k > 1 else int(np.argmax(sweep.k_values > 1))
    return float(sweep.silhouette[at].mean() - sweep.misclassified_percent[at].mean() / 100)


def _reason(sweep: Sweep, k_opt: int, n_agreeing: int, n_scales: int) -> str:
    """Say in a sentence or two what the decision rests on."""
    share = f"{n_agreeing} of {n_scales} smoothing scales read it so"
    profile = sweep.silhouette.mean(axis=1)
    doubt = "" if 2 * n_agreeing > n_scales else "Cannot decide with certainty: "
    if k_opt == 1:
        return (
            f"{doubt}No cluster structure: the best partition into two or more clusters at "
            f"{sweep.scale} has <SS> = {np.nanmax(profile):.2f}, or its epochs disagree; {share}."
        )
    at = sweep.index_of(k_opt)
    peak = int(np.nanargmax(profile))
    evidence = (
        f"<SS> peaks at K = {k_opt} ({profile[at]:.2f})"
        if peak == at
        else f"<SS> peaks at K = {sweep.k_values[peak]} ({profile[peak]:.2f}) and its decline "
        f"breaks at K = {k_opt} ({profile[at]:.2f}, then {profile[at + 1]:.2f})"
    )
    return (
        f"{doubt}{evidence} at {sweep.scale}; {share}. Of these scales {sweep.scale} unites a "
        f"large <SS> with few misclassified traces "
        f"({sweep.misclassified_percent[at].mean():.1f} %) at K = {k_opt}; its epochs agree to "
        f"{stability(sweep, k_opt):.2f} (adjusted Rand index)."
    )
