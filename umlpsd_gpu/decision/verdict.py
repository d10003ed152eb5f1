"""Replications → K_opt by the consensus, how sure it is, and whether it knows such data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.decision.confidence import confidence_interval
from umlpsd_gpu.decision.consensus import (
    CALIBRATED_FOR,
    fitted_weights,
    mean_log_odds,
    probabilities,
    scores,
)
from umlpsd_gpu.decision.criteria import silhouette_break
from umlpsd_gpu.decision.evidence import Evidence, core_share, evidence_of
from umlpsd_gpu.decision.familiarity import TRUST, unfamiliarity
from umlpsd_gpu.decision.result import LEAST_CONFIDENCE, KEvidence
from umlpsd_gpu.kmeans.replication import Replication
from umlpsd_gpu.kmeans.result import Sweep

# Where nothing can be decided, the paper's reading is shown if it is as probable as this (our
# choice).
STILL_POSSIBLE = 0.2


@dataclass(frozen=True)
class Verdict:
    """What the consensus says.

    Attributes
    ----------
    k_opt : int
        The most probable K; where none reaches 0.5, the K at which most scales show a break of
        <SS>, if its probability is at least 0.2.
    confidence : float
        Its probability.
    confidence_ci95 : tuple of float
        Over the choice of traces; NaN for fewer than two pairs of halves.
    evidence : KEvidence
    scales : tuple of str
        Representations that were weighed.
    unfamiliar, calibrated_for : str
        See `KDecision`.
    """

    k_opt: int
    confidence: float
    confidence_ci95: tuple[float, float]
    evidence: KEvidence
    scales: tuple[str, ...]
    unfamiliar: str
    calibrated_for: str


def verdict_of(
    sweeps: Sequence[Sweep],
    replications: Sequence[Replication],
    neighbours: np.ndarray | None = None,
) -> Verdict | None:
    """Decide by the consensus.

    Parameters
    ----------
    sweeps : sequence of Sweep
    replications : sequence of Replication
        For some of the scales of the sweeps.
    neighbours : ndarray, shape (n_pairs, 2), int, optional
        For pixels; see `decide`.

    Returns
    -------
    Verdict or None
        None where nothing was replicated, or all traces are equal.
    """
    by_scale = {sweep.scale: sweep for sweep in sweeps}
    weighed = [by_scale[replication.scale] for replication in replications]
    if not weighed or not all(sweep.ssd[0].max() > 0 for sweep in weighed):
        return None
    shares = None
    if neighbours is not None:
        shares = [
            _core_shares(sweep, found, neighbours)
            for sweep, found in zip(weighed, replications, strict=True)
        ]
    evidence = evidence_of(replications, shares)
    n_traces = weighed[0].n_traces
    probability = _probability(evidence)
    k_opt = _choose(probability, sweeps)
    unfamiliar = unfamiliarity(evidence, k_opt, n_traces)
    if unfamiliar:
        probability = probability**TRUST / (probability**TRUST).sum()
    of_pairs = [
        _probability(evidence_of([r.of_pair(pair) for r in replications], shares))[k_opt - 1]
        for pair in range(min(replication.n_pairs for replication in replications))
    ]
    confidence = float(probability[k_opt - 1])
    trust = TRUST if unfamiliar else 1.0
    return Verdict(
        k_opt=k_opt,
        confidence=confidence,
        confidence_ci95=confidence_interval(confidence, of_pairs, trust),
        evidence=_summary(evidence, probability),
        scales=evidence.scales,
        unfamiliar=unfamiliar,
        calibrated_for=CALIBRATED_FOR,
    )


def _choose(probability: np.ndarray, sweeps: Sequence[Sweep]) -> int:
    most_probable = 1 + int(probability.argmax())
    if probability.max() >= LEAST_CONFIDENCE:
        return most_probable
    ((by_eye, _),) = Counter(sorted(map(silhouette_break, sweeps))).most_common(1)
    possible = by_eye <= probability.size and probability[by_eye - 1] >= STILL_POSSIBLE
    return by_eye if possible else most_probable


def _core_shares(sweep: Sweep, replication: Replication, neighbours: np.ndarray) -> np.ndarray:
    ks = replication.k_values.tolist()
    return np.array([core_share(sweep.best_labels(k), neighbours) for k in ks])


def _probability(evidence: Evidence) -> np.ndarray:
    return probabilities(mean_log_odds(scores(evidence, fitted_weights())))


def _summary(evidence: Evidence, probability: np.ndarray) -> KEvidence:
    """Return the evidence for each K in the representation where it is strongest."""
    strongest = scores(evidence, fitted_weights()).argmax(axis=0)

    def at_strongest(values: np.ndarray) -> np.ndarray:
        picked = np.take_along_axis(values, strongest[None], axis=0)[0]
        return np.append(np.nan, picked)

    return KEvidence(
        k_values=np.append(1, evidence.k_values),
        probability=probability,
        gap=at_strongest(evidence.gap),
        reproducibility=at_strongest(evidence.reproducibility),
        prediction_strength=at_strongest(evidence.prediction_strength),
    )
