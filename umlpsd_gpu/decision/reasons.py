"""The reason of a decision, as sentences for the report."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import stability
from umlpsd_gpu.decision.criteria import (
    STRUCTURE_SILHOUETTE,
    STRUCTURE_STABILITY,
    silhouette_peak,
)
from umlpsd_gpu.decision.result import LEAST_CONFIDENCE, KEvidence
from umlpsd_gpu.decision.verdict import Verdict
from umlpsd_gpu.kmeans.result import Sweep

CANNOT_DECIDE = "Cannot decide K. "
NO_STRUCTURE = "No cluster structure: "
# More names than this are counted instead of listed.
MOST_NAMES = 8


def consensus_reason(sweep: Sweep, verdict: Verdict) -> str:
    """Return the reason of a decision by the consensus.

    Parameters
    ----------
    sweep : Sweep
        At the chosen scale.
    verdict : Verdict

    Returns
    -------
    str
        Two to four sentences.
    """
    evidence, k_opt = verdict.evidence, verdict.k_opt
    ranked = evidence.k_values[np.argsort(-evidence.probability, kind="stable")].tolist()
    next_best = next(k for k in ranked if k != k_opt)
    share = dict(zip(evidence.k_values.tolist(), evidence.probability.tolist(), strict=True))
    names = " and ".join(filter(None, [", ".join(verdict.scales[:-1]), verdict.scales[-1]]))
    if len(verdict.scales) > MOST_NAMES:
        names = f"{len(verdict.scales)} representations"
    odds = (
        f"K = {k_opt} has probability {verdict.confidence:.2f} and K = {next_best} "
        f"{share[next_best]:.2f}, from the evidence at {names}."
    )
    k = k_opt if k_opt > 1 else 2
    doubt = "" if verdict.confidence >= LEAST_CONFIDENCE else CANNOT_DECIDE
    doubt += NO_STRUCTURE if k_opt == 1 else ""
    unknown = f" Take the confidence with care: {verdict.unfamiliar}." if verdict.unfamiliar else ""
    return f"{doubt}{odds} {_existence(evidence, k)} {_partition(sweep, k)}{unknown}"


def _existence(evidence: KEvidence, k: int) -> str:
    """Return what says that the clusters of one K exist, and those of the next K don't."""
    sentences = [_found(evidence, k)]
    if k < evidence.k_values[-1]:
        sentences.append(_found(evidence, k + 1))
    return " ".join(sentences)


def _found(evidence: KEvidence, k: int) -> str:
    at = int(np.flatnonzero(evidence.k_values == k)[0])
    gap = evidence.gap[at]
    density = f"{np.exp(-gap):.2f} times as dense as" if gap > -1 else "denser than"
    return (
        f"At K = {k} halves of the items find {100 * evidence.reproducibility[at]:.0f} % of the "
        f"least reproducible cluster again, and the border of the two clusters least apart is "
        f"{density} their centres."
    )


def _partition(sweep: Sweep, k: int) -> str:
    at = sweep.index_of(k)
    return (
        f"Partition into {k} at {sweep.scale}: mean silhouette <SS> = "
        f"{sweep.silhouette[at].mean():.2f}, {sweep.misclassified_percent[at].mean():.1f} % "
        f"misclassified, {_agreement(sweep, k)}."
    )


def reading_reason(sweep: Sweep, k_opt: int, rule: str, n_agreeing: int, n_scales: int) -> str:
    """Return the reason of a decision that reads each scale on its own.

    Parameters
    ----------
    sweep : Sweep
        At the chosen scale.
    k_opt : int
    rule : str
        ``"paper"`` or a single criterion.
    n_agreeing, n_scales : int
        How many scales (representations) give K_opt, of how many.

    Returns
    -------
    str
        One to three sentences.
    """
    alone = n_scales == 1 and n_agreeing == 1
    share = f"{n_agreeing} of {n_scales} representations give K = {k_opt}"
    share = f"{sweep.scale} is the only representation" if alone else share
    doubt = "" if 2 * n_agreeing > n_scales else CANNOT_DECIDE
    if k_opt == 1:
        return f"{doubt}{NO_STRUCTURE}{_why_no_structure(sweep, rule)}; {share}."
    facts = (
        f"{sweep.misclassified_percent[sweep.index_of(k_opt)].mean():.1f} % misclassified, "
        f"{_agreement(sweep, k_opt)}."
    )
    first = f"{doubt}{_why_this_k(sweep, k_opt, rule)} at {sweep.scale}; {share}."
    if alone:
        return f"{first} Its partition: {facts}"
    return (
        f"{first} Of these, {sweep.scale} has the largest product of separation, stability and "
        f"agreement with the others: {facts}"
    )


def _why_no_structure(sweep: Sweep, rule: str) -> str:
    """Return why K = 1, as a part of a sentence."""
    peak = silhouette_peak(sweep)
    if rule != "paper":
        return f"the criterion '{rule}' gives no K above 1"
    if peak == 1:
        return "no partition into two or more clusters was found"
    highest = sweep.silhouette[sweep.index_of(peak)].mean()
    return (
        f"the best partition, K = {peak} at {sweep.scale}, has a mean silhouette <SS> = "
        f"{highest:.2f} and {_agreement(sweep, peak)}, where structure needs "
        f"{STRUCTURE_SILHOUETTE:.2f} and {STRUCTURE_STABILITY:.2f}"
    )


def _why_this_k(sweep: Sweep, k_opt: int, rule: str) -> str:
    """Return why K > 1, as a part of a sentence."""
    if rule != "paper":
        return f"The criterion '{rule}' gives K = {k_opt}"
    mean_silhouette = sweep.silhouette.mean(axis=1)
    peak = silhouette_peak(sweep)
    highest = mean_silhouette[sweep.index_of(peak)]
    if peak == k_opt:
        return f"The mean silhouette <SS> peaks at K = {k_opt} ({highest:.2f})"
    at = sweep.index_of(k_opt)
    return (
        f"The mean silhouette <SS> peaks at K = {peak} ({highest:.2f}) and its decline breaks at "
        f"K = {k_opt} ({mean_silhouette[at]:.2f}, then {mean_silhouette[at + 1]:.2f})"
    )


def _agreement(sweep: Sweep, k: int) -> str:
    """Return how far the epochs agree, as a part of a sentence."""
    if sweep.n_epochs < 2:
        return "agreement of epochs unknown (one epoch only)"
    return f"agreement of epochs {stability(sweep, k):.2f} (adjusted Rand index)"
