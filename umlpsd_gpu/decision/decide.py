"""The verb ``decide``: number of clusters and smoothing scale from finished sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import stability
from umlpsd_gpu.decision.confidence import confidence_interval
from umlpsd_gpu.decision.consensus import (
    consensus,
    consensus_reason,
    null_profiles,
    weighed_scales,
)
from umlpsd_gpu.decision.criteria import (
    CRITERIA,
    GAP_STATISTIC,
    gap_statistic,
    profile_reading,
    silhouette_peak,
)
from umlpsd_gpu.decision.profiles import Profile
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.decision.scale_choice import scale_merits
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.result import Sweep

RULES = ("consensus", "paper", *CRITERIA, GAP_STATISTIC)
# By the name of a scale: sweeps of other ensembles beside those of the traces
SweepsByScale = Mapping[str, Sequence[Sweep]]
Criterion = Callable[[Sweep], int | None]


def decide(
    sweeps: Sequence[Sweep],
    nulls: SweepsByScale | None = None,
    rule: str = "consensus",
    resamples: SweepsByScale | None = None,
) -> KDecision:
    """Choose K_opt and the smoothing scale; reruns nothing.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per smoothing scale, over the same traces.
    nulls : mapping of str to sequence of Sweep, optional
        By scale: sweeps of unstructured surrogates of the same curves (`gaussian_surrogates`) over
        the same K. They make the consensus surer, and the gap statistic needs them.
    rule : {"consensus", "paper"} or a single criterion
        ``consensus`` weighs the evidence of all scales (evidence.py): silhouettes, separation of
        the clusters from their borders, stability over epochs, agreement of scales, the fall of
        SSD, and what exceeds the surrogates. Its weights were fitted on simulated ensembles; it
        gives a probability to K = 1 and to each K up to 9. It needs K = 1, 2, 3, 4 at least and
        several epochs, else the paper's reading decides.
        ``paper`` reads every scale as the paper's authors did: the break of the decline of <SS>,
        or its peak where it has no break, or 1 where the partition at the peak is no structure;
        the K that most scales read wins. A single criterion is any key of ``votes``.

    resamples : mapping of str to sequence of Sweep, optional
        By scale, for some of the scales: sweeps of samples of the traces (`half_samples`), the
        i-th of every scale of the same traces. The consensus decides on each sample again and so
        gives its confidence an interval.

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
        If there is no sweep, or the rule is not known or needs surrogates that are not there.

    Notes
    -----
    The scale is the one of largest merit at K_opt (`scale_merits`): separation of the clusters ×
    agreement of the epochs × agreement with the other scales. The paper reads it from the largest
    <SS> and the smallest <%Mscl>.
    """
    if not sweeps:
        raise SettingsError("a decision needs at least one sweep, got none")
    if rule not in RULES:
        raise SettingsError(f"rule '{rule}' is not known; choose from {', '.join(RULES)}")
    criteria = _criteria(nulls)
    if rule == "consensus":
        of_nulls = null_profiles(nulls)
        shares = consensus(sweeps, of_nulls)
        if shares is not None:
            return _by_consensus(sweeps, shares, criteria, of_nulls, resamples or {})
        rule = "paper"
    if rule == GAP_STATISTIC and nulls is None:
        raise SettingsError("the gap statistic compares with surrogates, and there are none")
    return _by_reading(sweeps, rule, criteria)


def _criteria(nulls: SweepsByScale | None) -> dict[str, Criterion]:
    """Return the single criteria that can be read."""
    if nulls is None:
        return CRITERIA

    def gap_of(sweep: Sweep) -> int | None:
        return gap_statistic(sweep, nulls[sweep.scale]) if sweep.scale in nulls else None

    return CRITERIA | {GAP_STATISTIC: gap_of}


def _by_consensus(
    sweeps: Sequence[Sweep],
    shares: dict[int, float],
    criteria: Mapping[str, Criterion],
    nulls: Mapping[str, Profile] | None,
    resamples: SweepsByScale,
) -> KDecision:
    k_opt = max(shares, key=lambda k: shares[k])
    chosen = sweeps[int(np.argmax(scale_merits(sweeps, k_opt)))]
    n_weighed = len(weighed_scales([sweep.scale for sweep in sweeps]))
    return KDecision(
        k_opt=k_opt,
        scale=chosen.scale,
        confidence=shares[k_opt],
        confidence_ci95=_interval(shares[k_opt], k_opt, sweeps[0].n_traces, nulls, resamples),
        votes=_votes(sweeps, criteria),
        rule="consensus",
        reason=consensus_reason(chosen, k_opt, shares, n_weighed),
    )


def _interval(
    confidence: float,
    k_opt: int,
    n_traces: int,
    nulls: Mapping[str, Profile] | None,
    resamples: SweepsByScale,
) -> tuple[float, float]:
    """Decide on every sample of the traces; NaN where there are none that can be weighed."""
    samples = list(zip(*resamples.values(), strict=True))
    weighed = [consensus(sample, nulls) for sample in samples]
    found = [shares.get(k_opt, 0.0) for shares in weighed if shares is not None]
    n_drawn = samples[0][0].n_traces if samples else 0
    return confidence_interval(confidence, found, n_traces, n_drawn)


def _by_reading(sweeps: Sequence[Sweep], rule: str, criteria: Mapping[str, Criterion]) -> KDecision:
    """Let every scale be read by one criterion; the K read most often wins."""
    read = profile_reading if rule == "paper" else criteria[rule]
    readings = [k for k in map(read, sweeps) if k is not None]
    k_opt = _most_frequent(readings) if readings else 1
    agreeing = [sweep for sweep in sweeps if read(sweep) == k_opt] or list(sweeps)
    confidence = len(agreeing) / len(sweeps) if len(sweeps) > 1 else 0.5
    chosen = agreeing[int(np.argmax(scale_merits(agreeing, k_opt)))]
    return KDecision(
        k_opt=k_opt,
        scale=chosen.scale,
        confidence=confidence,
        confidence_ci95=(float("nan"), float("nan")),
        votes=_votes(sweeps, criteria),
        rule=rule,
        reason=_reason(chosen, k_opt, len(agreeing), len(sweeps)),
    )


def _votes(sweeps: Sequence[Sweep], criteria: Mapping[str, Criterion]) -> dict[str, int]:
    votes = {}
    for name, criterion in criteria.items():
        said = [k for k in map(criterion, sweeps) if k is not None]
        if said:
            votes[name] = _most_frequent(said)
    return votes


def _most_frequent(ks: Sequence[int]) -> int:
    """Return the most frequent K, the smaller one where several are as frequent."""
    return min(Counter(ks).items(), key=lambda item: (-item[1], item[0]))[0]


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
        f"{doubt}{evidence} at {sweep.scale}; {share}. Of these scales {sweep.scale} keeps its "
        f"{k_opt} clusters best apart ({sweep.misclassified_percent[at].mean():.1f} % "
        "misclassified) and agrees with the others; its epochs agree to "
        f"{_agreement(sweep, k_opt)}."
    )


def _agreement(sweep: Sweep, k: int) -> str:
    if sweep.n_epochs < 2:
        return "an unknown degree (there is one only)"
    return f"{stability(sweep, k):.2f} (adjusted Rand index)"
