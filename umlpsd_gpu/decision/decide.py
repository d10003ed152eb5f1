"""The verb ``decide``: number of clusters and smoothing scale from finished sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from umlpsd_gpu.decision.consensus import consensus, consensus_reason
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

RULES = ("consensus", "paper", *CRITERIA)


def decide(
    sweeps: Sequence[Sweep],
    nulls: Mapping[str, Sequence[Sweep]] | None = None,
    rule: str = "consensus",
) -> KDecision:
    """Choose K_opt and the smoothing scale; reruns nothing.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per smoothing scale, over the same traces.
    nulls : mapping of str to sequence of Sweep, optional
        By scale: sweeps of unstructured surrogates of the same curves (`gaussian_surrogates`) over
        the same K. They make the consensus surer; the other rules don't use them.
    rule : {"consensus", "paper"} or a single criterion
        ``consensus`` weighs the evidence of all scales (evidence.py): silhouettes, separation of
        the clusters from their borders, stability over epochs, agreement of scales, the fall of
        SSD, and what exceeds the surrogates. Its weights were fitted on simulated ensembles; it
        gives a probability to K = 1 and to each K up to 9. It needs K = 1, 2, 3, 4 at least and
        several epochs, else the paper's reading decides.
        ``paper`` reads every scale as the paper's authors did: the break of the decline of <SS>,
        or its peak where it has no break, or 1 where the partition at the peak is no structure;
        the K that most scales read wins. A single criterion is any key of ``votes``.

    Returns
    -------
    KDecision
        ``confidence`` of the consensus is the probability of K_opt, calibrated on simulated
        ensembles (benchmarks/results/decision.md); of the other rules it is the share of scales
        that read K_opt, an agreement and no probability (0.5 for a single scale). Where it is below
        one half the reason says that it cannot decide.

    Raises
    ------
    SettingsError
        If there is no sweep, or the rule is not known.

    Notes
    -----
    The scale is the one with the largest (<SS> − <%Mscl>/100) × agreement at K_opt, as the paper
    reads it; agreement is the mean adjusted Rand index of its least-SSD partition with those of
    the other scales.
    """
    if not sweeps:
        raise SettingsError("a decision needs at least one sweep, got none")
    if rule not in RULES:
        raise SettingsError(f"rule '{rule}' is not known; choose from {', '.join(RULES)}")
    if rule == "consensus":
        shares = consensus(sweeps, nulls)
        if shares is not None:
            return _by_consensus(sweeps, shares)
        rule = "paper"
    return _by_reading(sweeps, rule)


def _by_consensus(sweeps: Sequence[Sweep], shares: dict[int, float]) -> KDecision:
    k_opt = max(shares, key=lambda k: shares[k])
    chosen = sweeps[int(np.argmax(_merits(sweeps, k_opt)))]
    return KDecision(
        k_opt=k_opt,
        scale=chosen.scale,
        confidence=shares[k_opt],
        votes=_votes(sweeps),
        rule="consensus",
        reason=consensus_reason(chosen, k_opt, shares, len(sweeps)),
    )


def _by_reading(sweeps: Sequence[Sweep], rule: str) -> KDecision:
    """Let every scale be read by one criterion; the K read most often wins."""
    read = profile_reading if rule == "paper" else CRITERIA[rule]
    readings = [k for k in map(read, sweeps) if k is not None]
    k_opt = _most_frequent(readings) if readings else 1
    agreeing = [sweep for sweep in sweeps if read(sweep) == k_opt] or list(sweeps)
    confidence = len(agreeing) / len(sweeps) if len(sweeps) > 1 else 0.5
    chosen = agreeing[int(np.argmax(_merits(agreeing, k_opt)))]
    return KDecision(
        k_opt=k_opt,
        scale=chosen.scale,
        confidence=confidence,
        votes=_votes(sweeps),
        rule=rule,
        reason=_reason(chosen, k_opt, len(agreeing), len(sweeps)),
    )


def _votes(sweeps: Sequence[Sweep]) -> dict[str, int]:
    votes = {}
    for name, criterion in CRITERIA.items():
        said = [k for k in map(criterion, sweeps) if k is not None]
        if said:
            votes[name] = _most_frequent(said)
    return votes


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
