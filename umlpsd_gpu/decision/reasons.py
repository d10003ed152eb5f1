"""The reason of a decision, as sentences for the report."""

from __future__ import annotations

from collections.abc import Mapping

from umlpsd_gpu.decision.adjusted_rand import stability
from umlpsd_gpu.decision.criteria import silhouette_peak
from umlpsd_gpu.kmeans.result import Sweep


def consensus_reason(
    sweep: Sweep, k_opt: int, probability: Mapping[int, float], n_scales: int
) -> str:
    """Return the reason of a decision by the consensus.

    Parameters
    ----------
    sweep : Sweep
        At the chosen scale.
    k_opt : int
    probability : mapping of int to float
        Of each K.
    n_scales : int
        How many scales were weighed.

    Returns
    -------
    str
        One to three sentences.
    """
    ranked = sorted(probability, key=lambda k: -probability[k])
    doubt = "" if probability[k_opt] >= 0.5 else "Cannot decide with certainty: "
    odds = (
        f"K = {k_opt} has probability {probability[k_opt]:.2f}, "
        f"K = {ranked[1]} {probability[ranked[1]]:.2f}"
    )
    scales = f"{n_scales} smoothing scales" if n_scales > 1 else "one smoothing scale"
    k = k_opt if k_opt > 1 else next(k for k in ranked if k > 1)
    at = sweep.index_of(k)
    best = sweep.best_epoch(k)
    facts = (
        f"<SS> = {sweep.silhouette[at].mean():.2f}, "
        f"{sweep.misclassified_percent[at].mean():.1f} % misclassified, traces keep "
        f"{sweep.separation[at, best]:.1f} standard deviations from their cluster's border "
        f"({sweep.least_separation[at, best]:.1f} in the worst cluster; half of one cloud: 1.3), "
        f"and epochs agree to {stability(sweep, k):.2f} (adjusted Rand index)"
    )
    if k_opt == 1:
        return (
            f"{doubt}No cluster structure: {odds} by the evidence of {scales}. The best partition "
            f"into {k} at {sweep.scale} has {facts}."
        )
    return f"{doubt}{odds} by the evidence of {scales}. At {sweep.scale}, {facts}."


def reading_reason(sweep: Sweep, k_opt: int, n_agreeing: int, n_scales: int) -> str:
    """Return the reason of a decision by reading each scale on its own.

    Parameters
    ----------
    sweep : Sweep
        At the chosen scale.
    k_opt : int
    n_agreeing, n_scales : int
        How many scales were read as K_opt, of how many.

    Returns
    -------
    str
        One to three sentences.
    """
    share = f"{n_agreeing} of {n_scales} smoothing scales read it so"
    if n_scales == 1:
        share = "there is no other scale to agree or disagree"
    doubt = "" if 2 * n_agreeing > n_scales or n_scales == 1 else "Cannot decide with certainty: "
    mean_silhouette = sweep.silhouette.mean(axis=1)
    peak = silhouette_peak(sweep)
    if k_opt == 1 and peak == 1:
        return f"{doubt}No cluster structure: no partition into two or more clusters was tried."
    highest = mean_silhouette[sweep.index_of(peak)]
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
        f"({mean_silhouette[at]:.2f}, then {mean_silhouette[at + 1]:.2f})"
    )
    return (
        f"{doubt}{evidence} at {sweep.scale}; {share}. Of these scales {sweep.scale} keeps its "
        f"{k_opt} clusters best apart ({sweep.misclassified_percent[at].mean():.1f} % "
        "misclassified) and agrees with the others; its epochs agree to "
        f"{_agreement(sweep, k_opt)}."
    )


def _agreement(sweep: Sweep, k: int) -> str:
    if sweep.n_epochs < 2:
        return "an unknown degree (there is one only)"
    return f"{stability(sweep, k):.2f} (adjusted Rand index)"
