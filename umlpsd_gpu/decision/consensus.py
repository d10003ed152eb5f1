"""Evidence → the probability of each K: a conditional logit with weights fitted on simulations.

Fitted by benchmarks/decision/fit.py on 470 simulated ensembles of six families, K = 1…6, and
judged on 230 others (benchmarks/results/decision.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import mean_adjusted_rand, stability
from umlpsd_gpu.decision.evidence import Evidence, evidence_of
from umlpsd_gpu.decision.profiles import MOST_K, Profile, mean_profile, profile_of
from umlpsd_gpu.kmeans.result import Sweep

WEIGHTS = Path(__file__).with_name("weights.json")


# The weights were fitted at these scales; others add nothing but a bias to what is the largest over
# scales. Enough of them are there in the paper's grids, of nanocrystals (7) and of crystals (4).
FITTED_SCALES = ("raw", "W10", "W25", "W50", "W100", "W200", "WL6")
LEAST_FITTED_SCALES = 3
# Evidence compares each K with the next: so many K's are needed, from 1 on
LEAST_K = 4


@dataclass(frozen=True)
class Weights:
    """How much each piece of evidence counts.

    Attributes
    ----------
    names : tuple of str
        As in ``Evidence``.
    of_one_cluster : float
        What K = 1 has; the others have the sum of (evidence − mean) · weights.
    weights, mean : ndarray, shape (n_names,)
    """

    names: tuple[str, ...]
    of_one_cluster: float
    weights: np.ndarray
    mean: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """Return what weights.json keeps."""
        pieces = zip(self.names, self.weights.tolist(), self.mean.tolist(), strict=True)
        return {
            "K = 1": round(self.of_one_cluster, 5),
            "evidence": {n: [float(f"{w:.5g}"), float(f"{m:.5g}")] for n, w, m in pieces},
        }

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Weights:
        pieces = found["evidence"]
        weights, mean = np.array(list(pieces.values())).T
        return cls(tuple(pieces), found["K = 1"], weights, mean)


@cache
def fitted_weights(with_nulls: bool) -> Weights:
    """Return the weights for evidence with or without nulls."""
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return Weights.from_dict(found["with nulls" if with_nulls else "without nulls"])


def probabilities(evidence: Evidence, weights: Weights) -> dict[int, float]:
    """Return the probability of K = 1 and of each K of the evidence; they sum to 1."""
    if evidence.names != weights.names:
        raise ValueError(
            "the weights were fitted for other evidence: run benchmarks/decision/fit.py"
        )
    utility = np.append(weights.of_one_cluster, (evidence.values - weights.mean) @ weights.weights)
    shares = np.exp(utility - utility.max())
    shares /= shares.sum()
    return dict(zip([1, *evidence.k_values.tolist()], shares.tolist(), strict=True))


def consensus(
    sweeps: Sequence[Sweep], nulls: Mapping[str, Profile] | None
) -> dict[int, float] | None:
    """Return the probability of each K, or None where the sweeps can't be weighed.

    They can be over K = 1, 2, 3, 4 at least, with several epochs and curves that differ. Of all
    scales those of `weighed_scales` count.

    Parameters
    ----------
    sweeps : sequence of Sweep
    nulls : mapping of str to Profile, optional
        See `null_profiles`; of the scales that are weighed, at least.
    """
    weighed = weighed_scales([sweep.scale for sweep in sweeps])
    sweeps = [sweep for sweep in sweeps if sweep.scale in weighed]
    if not all(map(_can_be_weighed, sweeps)):
        return None
    profiles = [profile_of(sweep) for sweep in sweeps]
    of_nulls = None if nulls is None else [nulls[sweep.scale] for sweep in sweeps]
    evidence = evidence_of(profiles, of_nulls, agreement_of(sweeps), sweeps[0].n_traces)
    return probabilities(evidence, fitted_weights(nulls is not None))


def weighed_scales(scales: Sequence[str]) -> list[str]:
    """Return the scales whose evidence is weighed: those of the fit, or all where few of them are.

    Parameters
    ----------
    scales : sequence of str
        Names of all scales that are swept.
    """
    fitted = [scale for scale in scales if scale in FITTED_SCALES]
    return fitted if len(fitted) >= LEAST_FITTED_SCALES else list(scales)


def null_profiles(nulls: Mapping[str, Sequence[Sweep]] | None) -> dict[str, Profile] | None:
    """Return the mean profile of each scale's surrogates."""
    if nulls is None:
        return None
    return {
        scale: mean_profile([profile_of(null) for null in swept]) for scale, swept in nulls.items()
    }


def agreement_of(sweeps: Sequence[Sweep]) -> np.ndarray:
    """Return the mean adjusted Rand index between the scales' best partitions at each K."""
    ks = range(1, min(MOST_K, *(sweep.k_values.size for sweep in sweeps)) + 1)
    return agreement_of_labels(np.array([[s.best_labels(k) for k in ks] for s in sweeps]))


def agreement_of_labels(labels: np.ndarray) -> np.ndarray:
    """Return the mean adjusted Rand index between scales at each K; 1 for a single scale.

    Parameters
    ----------
    labels : ndarray, shape (n_scales, n_k, n_traces), int
    """
    if len(labels) < 2:
        return np.ones(labels.shape[1])
    return np.array([mean_adjusted_rand(at_k) for at_k in labels.swapaxes(0, 1)])


def consensus_reason(sweep: Sweep, k_opt: int, shares: dict[int, float], n_scales: int) -> str:
    """Say in a sentence or two what the decision rests on, at the chosen scale."""
    ranked = sorted(shares, key=lambda k: -shares[k])
    doubt = "" if shares[k_opt] >= 0.5 else "Cannot decide with certainty: "
    odds = (
        f"K = {k_opt} has probability {shares[k_opt]:.2f}, K = {ranked[1]} {shares[ranked[1]]:.2f}"
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


def _can_be_weighed(sweep: Sweep) -> bool:
    ks = sweep.k_values[:MOST_K]
    counted = ks.size >= LEAST_K and np.array_equal(ks, np.arange(1, ks.size + 1))
    return bool(counted and sweep.n_epochs > 1 and sweep.ssd[0].max() > 0)
