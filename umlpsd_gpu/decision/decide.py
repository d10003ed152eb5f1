"""The verb ``decide``: the number of clusters and the smoothing scale from finished sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from umlpsd_gpu.decision.arguments import check_neighbours, require_sweeps
from umlpsd_gpu.decision.criteria import (
    CRITERIA,
    GAP_STATISTIC,
    gap_statistic,
    read_as_paper,
)
from umlpsd_gpu.decision.reasons import consensus_reason, reading_reason
from umlpsd_gpu.decision.result import KDecision, KEvidence
from umlpsd_gpu.decision.scale_choice import scale_merits
from umlpsd_gpu.decision.verdict import Verdict, verdict_of
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.replication import Replication
from umlpsd_gpu.kmeans.result import Sweep

RULES = ("consensus", "paper", *CRITERIA, GAP_STATISTIC)
# By the name of a scale: sweeps of surrogates
SweepsByScale: TypeAlias = Mapping[str, Sequence[Sweep]]
Criterion: TypeAlias = Callable[[Sweep], int | None]
SHARE_OF_SCALES = "the share of the scales that give this K, which is no probability"


def decide(
    sweeps: Sequence[Sweep],
    replications: Sequence[Replication] = (),
    rule: str = "consensus",
    nulls: SweepsByScale | None = None,
    neighbours: np.ndarray | None = None,
) -> KDecision:
    """Choose the number of clusters K_opt and the smoothing scale from finished sweeps.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per smoothing scale (representation), over the same traces and K's.
    replications : sequence of Replication, optional
        What `replicate` found for some of the scales. The consensus needs one at least; without any
        the paper's rule decides.
    rule : {"consensus", "paper"} or a single criterion
        ``consensus`` takes the largest K whose clusters exist: each pair of clusters has a gap
        between them, and random halves of the traces find each cluster again (evidence.py). Its
        weights were fitted on simulated ensembles of many families; it gives a probability to K = 1
        and to each K up to 10.
        ``paper`` reads every scale as the paper's authors did: K_opt is where the decline of <SS>
        breaks, or its peak where there is no break, or 1 where the partition at the peak is no
        structure; the K that most scales give is taken. A single criterion is any key of ``votes``.
    nulls : mapping of str to sequence of Sweep, optional
        By scale: sweeps of surrogates without clusters (`gaussian_surrogates`) over the first of
        the same K's; for the gap statistic.
    neighbours : ndarray, shape (n_pairs, 2), int, optional
        For pixels: pairs of traces whose pixels are neighbours. Clusters that consist of the
        blurred border between two others are then told from domains.

    Returns
    -------
    KDecision
        ``confidence`` of the consensus is the probability of K_opt, calibrated on families of
        ensembles that took no part in the fit (benchmarks/results/decision.md). With the other
        rules it is the fraction of scales that give K_opt, which is no probability (0.5 for a
        single scale). Below 0.5 nothing is decided, and the reason says so.

    Raises
    ------
    SettingsError
        If there is no sweep, something else than lists of sweeps and replications is given, the
        sweeps are of different numbers of traces, or the rule is not known or needs surrogates
        that were not swept.

    Notes
    -----
    The scale is the one of largest merit at K_opt (`scale_merits`): separation of the clusters ×
    agreement of the epochs × agreement with the other scales. The paper reads it from the largest
    <SS> and the smallest <%Mscl>.

    Examples
    --------
    Three kinds of curves, twenty of each:

    >>> import numpy as np
    >>> from umlpsd_gpu import decide, replicate, sweep
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (60, 3))
    >>> curves = np.repeat(np.eye(3), 20, axis=0) + noise
    >>> found = sweep(curves, range(1, 11), n_epochs=10)
    >>> decision = decide([found], [replicate(curves, found)])
    >>> decision.k_opt, decision.rule, decision.confidence > 0.9
    (3, 'consensus', True)
    """
    require_sweeps(sweeps, replications, nulls)
    if neighbours is not None:
        neighbours = check_neighbours(neighbours, sweeps[0].labels.shape[-1])
    if rule not in RULES:
        raise SettingsError(f"rule '{rule}' is not known; choose from {', '.join(RULES)}")
    criteria = _criteria(nulls)
    if rule == "consensus":
        verdict = verdict_of(sweeps, replications, neighbours)
        if verdict is not None:
            return _decide_by_consensus(sweeps, verdict, criteria)
        rule = "paper"
    if rule == GAP_STATISTIC and nulls is None:
        raise SettingsError("the gap statistic compares with surrogates, and none were swept")
    return _decide_by_reading(sweeps, rule, criteria)


def _criteria(nulls: SweepsByScale | None) -> dict[str, Criterion]:
    """Return the single criteria that the sweeps allow: the gap statistic needs surrogates."""
    if nulls is None:
        return CRITERIA

    def gap_of(sweep: Sweep) -> int | None:
        return gap_statistic(sweep, nulls[sweep.scale]) if sweep.scale in nulls else None

    return CRITERIA | {GAP_STATISTIC: gap_of}


def _decide_by_consensus(
    sweeps: Sequence[Sweep], verdict: Verdict, criteria: Mapping[str, Criterion]
) -> KDecision:
    chosen = sweeps[int(np.argmax(scale_merits(sweeps, verdict.k_opt)))]
    return KDecision(
        k_opt=verdict.k_opt,
        scale=chosen.scale,
        confidence=verdict.confidence,
        confidence_ci95=verdict.confidence_ci95,
        votes=_votes(sweeps, criteria),
        rule="consensus",
        reason=consensus_reason(chosen, verdict),
        evidence=verdict.evidence,
        unfamiliar=verdict.unfamiliar,
        calibrated_for=verdict.calibrated_for,
    )


def _decide_by_reading(
    sweeps: Sequence[Sweep], rule: str, criteria: Mapping[str, Criterion]
) -> KDecision:
    """Read every scale by one criterion and take the most frequent K."""
    read = read_as_paper if rule == "paper" else criteria[rule]
    readings = [k for k in map(read, sweeps) if k is not None]
    k_opt = _most_frequent(readings) if readings else 1
    n_agreeing = readings.count(k_opt)
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
        reason=reading_reason(chosen, k_opt, rule, n_agreeing, len(sweeps)),
        evidence=KEvidence.none(),
        unfamiliar="",
        calibrated_for=SHARE_OF_SCALES,
    )


def _votes(sweeps: Sequence[Sweep], criteria: Mapping[str, Criterion]) -> dict[str, int]:
    """Return the most frequent K over the scales by each criterion that gives one."""
    votes = {}
    for name, criterion in criteria.items():
        ks = [k for k in map(criterion, sweeps) if k is not None]
        if ks:
            votes[name] = _most_frequent(ks)
    return votes


def _most_frequent(ks: Sequence[int]) -> int:
    """Return the most frequent K, the smallest of equally frequent ones."""
    return min(Counter(ks).items(), key=lambda item: (-item[1], item[0]))[0]
