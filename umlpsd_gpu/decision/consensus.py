"""Evidence → the probability of each K: the largest K whose clusters all exist.

Weights are fitted by benchmarks/decision/fit.py on simulated ensembles of many families, and judged
on families that took no part in the fit (benchmarks/results/decision.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from umlpsd_gpu.decision.evidence import Evidence

WEIGHTS = Path(__file__).with_name("weights.json")
CALIBRATED_FOR = (
    "simulated ensembles of 20 families (traces, pixels, curves, spectra, feature tables): the "
    "share of decisions with this confidence that are right on families left out of the fit"
)

# Scales of the product and of a shared unit (our choice): a gap of 0.3 and one unit of
# reproducibility count alike, and clusters of which 75 % are found again count as 0.
GAP_UNIT = 0.3
REPRODUCIBILITY_UNIT = 0.5
MIDDLE_REPRODUCIBILITY = 0.75
# A gap deeper than this makes up for clusters that halves don't find, as those of few items
DEEP_GAP = 1.0
MAKES_UP = 1.5
LARGEST_SCORE = 3.0
# Reproducibilities of 1 would be infinitely many units away from 0.75
NEARLY_ONE = 1.03
# Share of ensembles unlike all others: no K is more certain than 1 minus this share
ODD_SHARE = 0.02

# Representations of other names are picked evenly; the weights were fitted at seven at most
FITTED_SCALES = ("raw", "W10", "W25", "W50", "W100", "W200", "WL6")
LEAST_FITTED_SCALES = 3


@dataclass(frozen=True)
class Weights:
    """Weights of the rule; the last two are not negative.

    A representation's score for K is ``constant + both · b + gap · g``, with the gap g and b, the
    smaller of gap and reproducibility in common units. The odds that the clusters exist are the
    mean of e^score over the representations.

    Attributes
    ----------
    constant, both, gap : float
    """

    constant: float
    both: float
    gap: float


@cache
def fitted_weights() -> Weights:
    """Return the weights that the package comes with.

    Returns
    -------
    Weights
    """
    return Weights(**json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"])


def write_weights(weights: Weights, note: str) -> None:
    """Replace the weights that the package comes with.

    Parameters
    ----------
    weights : Weights
    note : str
        What they were fitted on.
    """
    rounded = {name: round(value, 4) for name, value in asdict(weights).items()}
    text = json.dumps({"fitted on": note, "weights": rounded}, indent=1)
    WEIGHTS.write_text(text + "\n", encoding="utf-8")


def weaker_evidence(gap: np.ndarray, reproducibility: np.ndarray) -> np.ndarray:
    """Return the smaller of gap and reproducibility in common units.

    Parameters
    ----------
    gap, reproducibility : ndarray
        Of equal shape; see `Evidence`.

    Returns
    -------
    ndarray
        −3…3, of the same shape.
    """
    middle = -np.log(NEARLY_ONE - MIDDLE_REPRODUCIBILITY)
    found_again = (-np.log(NEARLY_ONE - reproducibility) - middle) / REPRODUCIBILITY_UNIT
    found_again = found_again + MAKES_UP * np.maximum(gap - DEEP_GAP, 0)
    smaller = np.minimum(gap / GAP_UNIT, found_again)
    limited: np.ndarray = np.clip(smaller, -LARGEST_SCORE, LARGEST_SCORE)
    return limited


def scores(evidence: Evidence, weights: Weights) -> np.ndarray:
    """Return the score of each K in each representation.

    Parameters
    ----------
    evidence : Evidence
    weights : Weights

    Returns
    -------
    ndarray, shape (n_scales, n_k)
        Log-odds that the K clusters exist.
    """
    both = weaker_evidence(evidence.gap, evidence.reproducibility)
    log_odds: np.ndarray = weights.constant + weights.both * both + weights.gap * evidence.gap
    return log_odds


def mean_log_odds(of_scales: np.ndarray) -> np.ndarray:
    """Return the logarithm of the mean odds over the representations.

    Parameters
    ----------
    of_scales : ndarray, shape (n_scales, n_k)
        As `scores` returns them.

    Returns
    -------
    ndarray, shape (n_k,)
    """
    mean: np.ndarray = np.logaddexp.reduce(of_scales, axis=0) - np.log(len(of_scales))
    return mean


def probabilities(log_odds: np.ndarray) -> np.ndarray:
    """Return the probability of K = 1, 2, …: that K is the largest whose clusters exist.

    Parameters
    ----------
    log_odds : ndarray, shape (n_k,)
        That the clusters of K = 2, 3, … exist.

    Returns
    -------
    ndarray, shape (n_k + 1,)
        Π (1 − p_j) over j > K, times p_K (1 for K = 1), with p = 1 / (1 + e^−log-odds); they sum
        to 1. The odds of smaller K's play no part: four clusters may be two pairs.
    """
    log_exists = -np.logaddexp(0, -log_odds)
    log_does_not = -np.logaddexp(0, log_odds)
    none_above = np.append(np.cumsum(log_does_not[::-1])[::-1], 0)
    log_share = none_above + np.append(0, log_exists)
    share: np.ndarray = (1 - ODD_SHARE) * np.exp(log_share) + ODD_SHARE / log_share.size
    return share


def weighed_scales(scales: Sequence[str]) -> list[str]:
    """Return the representations whose evidence is weighed.

    Parameters
    ----------
    scales : sequence of str
        Names of all representations (smoothing scales) that are swept.

    Returns
    -------
    list of str
        Those that the weights were fitted at, in the given order, if there are three or more;
        otherwise seven of all at most, evenly picked.
    """
    fitted = [scale for scale in scales if scale in FITTED_SCALES]
    if len(fitted) >= LEAST_FITTED_SCALES:
        return fitted
    n_picked = min(len(scales), len(FITTED_SCALES))
    picked = np.unique(np.linspace(0, len(scales) - 1, n_picked).round().astype(int))
    return [scales[i] for i in picked]
