"""Evidence → the probability of each K: a conditional logit with weights fitted on simulations.

Fitted by benchmarks/decision/fit.py on 470 simulated ensembles of six families, K = 1…6, and tested
on 230 others (benchmarks/results/decision.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import mean_adjusted_rand
from umlpsd_gpu.decision.evidence import Evidence, evidence_of
from umlpsd_gpu.decision.profiles import MOST_K, Profile, mean_profile, profile_of
from umlpsd_gpu.kmeans.result import Sweep

WEIGHTS = Path(__file__).with_name("weights.json")

# The weights were fitted at these scales; others only bias what is the largest over scales. The
# paper's scales include enough of them: 7 for nanocrystals, 4 for crystals.
FITTED_SCALES = ("raw", "W10", "W25", "W50", "W100", "W200", "WL6")
LEAST_FITTED_SCALES = 3
# Evidence compares each K with the next: this many K's are needed, from 1 on
LEAST_K = 4


@dataclass(frozen=True)
class Weights:
    """Weights of a conditional logit model.

    The probability of K is proportional to e^u: u of K = 1 is ``of_one_cluster``, that of the other
    K's is the sum of (evidence − mean) · weights.

    Attributes
    ----------
    names : tuple of str
        Pieces of evidence, as in `Evidence`.
    of_one_cluster : float
    weights, mean : ndarray, shape (n_names,)
    """

    names: tuple[str, ...]
    of_one_cluster: float
    weights: np.ndarray
    mean: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """Return the form that weights.json keeps.

        Returns
        -------
        dict
            JSON's types only; numbers rounded to 5 digits.
        """
        pieces = zip(self.names, self.weights.tolist(), self.mean.tolist(), strict=True)
        return {
            "K = 1": round(self.of_one_cluster, 5),
            "evidence": {n: [float(f"{w:.5g}"), float(f"{m:.5g}")] for n, w, m in pieces},
        }

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Weights:
        """Read what `as_dict` returned.

        Parameters
        ----------
        found : dict

        Returns
        -------
        Weights
        """
        pieces = found["evidence"]
        weights, mean = np.array(list(pieces.values())).T
        return cls(tuple(pieces), found["K = 1"], weights, mean)


@cache
def fitted_weights(with_nulls: bool) -> Weights:
    """Return the weights for evidence with or without surrogates.

    Parameters
    ----------
    with_nulls : bool
        Whether surrogates were swept.

    Returns
    -------
    Weights
    """
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return Weights.from_dict(found["with nulls" if with_nulls else "without nulls"])


def probabilities(evidence: Evidence, weights: Weights) -> dict[int, float]:
    """Return the probability of K = 1 and of each K of the evidence [1]_.

    Parameters
    ----------
    evidence : Evidence
    weights : Weights
        Fitted for the same pieces of evidence.

    Returns
    -------
    dict of int to float
        They sum to 1.

    Raises
    ------
    ValueError
        If the weights were fitted for other evidence.

    References
    ----------
    .. [1] D. McFadden, Conditional logit analysis of qualitative choice behavior, in Frontiers in
       Econometrics, Academic Press 1974.
    """
    if evidence.names != weights.names:
        raise ValueError(
            "the weights were fitted for other evidence: run benchmarks/decision/fit.py"
        )
    utility = np.append(weights.of_one_cluster, (evidence.values - weights.mean) @ weights.weights)
    probability = np.exp(utility - utility.max())
    probability /= probability.sum()
    return dict(zip([1, *evidence.k_values.tolist()], probability.tolist(), strict=True))


def consensus(
    sweeps: Sequence[Sweep], nulls: Mapping[str, Profile] | None
) -> dict[int, float] | None:
    """Return the probability of each K.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per representation, over the same traces and K's; those of `weighed_scales` count.
    nulls : mapping of str to Profile or None
        As `null_profiles` returns it; for the weighed representations at least.

    Returns
    -------
    dict of int to float or None
        They sum to 1. None where a weighed sweep can't be read: it needs K = 1, 2, 3, 4 at least,
        several epochs, and traces that differ.
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
    """Return the scales whose evidence is weighed.

    Parameters
    ----------
    scales : sequence of str
        Names of all scales (representations) that are swept.

    Returns
    -------
    list of str
        Those that the weights were fitted at, in the given order; all of them where fewer than
        three were.
    """
    fitted = [scale for scale in scales if scale in FITTED_SCALES]
    return fitted if len(fitted) >= LEAST_FITTED_SCALES else list(scales)


def null_profiles(nulls: Mapping[str, Sequence[Sweep]] | None) -> dict[str, Profile] | None:
    """Return the mean profile of each scale's surrogates.

    Parameters
    ----------
    nulls : mapping of str to sequence of Sweep or None
        By scale: sweeps of surrogates.

    Returns
    -------
    dict of str to Profile or None
        None where there are no surrogates.
    """
    if nulls is None:
        return None
    return {
        scale: mean_profile([profile_of(null) for null in sweeps])
        for scale, sweeps in nulls.items()
    }


def agreement_of(sweeps: Sequence[Sweep]) -> np.ndarray:
    """Return the mean adjusted Rand index between the scales' best partitions at each K.

    Parameters
    ----------
    sweeps : sequence of Sweep
        Over K = 1, 2, … and the same traces; the partitions of smallest SSD are compared.

    Returns
    -------
    ndarray, shape (n_k,)
        Up to the 10th K; 1 for a single scale.
    """
    ks = range(1, min(MOST_K, *(sweep.k_values.size for sweep in sweeps)) + 1)
    return agreement_of_labels(np.array([[s.best_labels(k) for k in ks] for s in sweeps]))


def agreement_of_labels(labels: np.ndarray) -> np.ndarray:
    """Return the mean adjusted Rand index between scales at each K.

    Parameters
    ----------
    labels : ndarray, shape (n_scales, n_k, n_traces), int
        From 0 up.

    Returns
    -------
    ndarray, shape (n_k,)
        1 for a single scale.
    """
    if len(labels) < 2:
        return np.ones(labels.shape[1])
    return np.array([mean_adjusted_rand(at_k) for at_k in labels.swapaxes(0, 1)])


def _can_be_weighed(sweep: Sweep) -> bool:
    ks = sweep.k_values[:MOST_K]
    counted = ks.size >= LEAST_K and np.array_equal(ks, np.arange(1, ks.size + 1))
    return bool(counted and sweep.n_epochs > 1 and sweep.ssd[0].max() > 0)
