"""The gathered ensembles as cases that a rule decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from umlpsd_gpu.decision.consensus import Weights, mean_log_odds, probabilities, scores
from umlpsd_gpu.decision.evidence import Evidence

# An ensemble is decidable if K-means told the true K finds this share of each class on average at
# the best scale: the accuracy that the paper reaches; and trivially decidable at the larger share.
DECIDABLE_RECALL = 0.85
TRIVIAL_RECALL = 0.99
# Real series are judged where K-means told K agrees so far with the classes
JUDGED_ARI = 0.8


@dataclass(frozen=True)
class Case:
    """One ensemble: its evidence, the votes of single criteria, and the truth.

    Recall, ARI and the gap of the true classes are those of the best representation.
    """

    name: str
    family: str
    k_true: int
    n_items: int
    recall: float
    ari: float
    true_gap: float
    evidence: Evidence
    votes: np.ndarray

    @property
    def is_decidable(self) -> bool:
        """Return whether K-means finds the classes when it is given the true K."""
        return self.k_true == 1 or self.recall >= DECIDABLE_RECALL

    @property
    def is_trivial(self) -> bool:
        """Return whether K-means told the true K makes hardly an error."""
        return self.k_true > 1 and self.recall >= TRIVIAL_RECALL


def load_cases(folder: Path) -> list[Case]:
    """Read all cases, by name."""
    return [_case(np.load(path)) for path in sorted(folder.glob("*.npz"))]


def probability(case: Case, weights: Weights) -> np.ndarray:
    """Return the probability of K = 1, 2, … by the consensus."""
    return probabilities(mean_log_odds(scores(case.evidence, weights)))


def family_weights(cases: Sequence[Case]) -> np.ndarray:
    """Return weights by which every family counts alike."""
    families = np.array([case.family for case in cases])
    names, at, counts = np.unique(families, return_inverse=True, return_counts=True)
    weights: np.ndarray = 1 / (counts[at] * names.size)
    return weights


def _case(data: np.lib.npyio.NpzFile) -> Case:
    return Case(
        name=str(data["name"]),
        family=str(data["family"]),
        k_true=int(data["k_true"]),
        n_items=int(data["n_items"]),
        recall=float(data["recall"].max()),
        ari=float(data["ari"].max()),
        true_gap=float(data["true_gap"].max()),
        evidence=Evidence(
            k_values=data["k_values"],
            scales=tuple(data["scales"].tolist()),
            gap=data["gap"],
            reproducibility=data["reproducibility"],
            prediction_strength=data["prediction_strength"],
        ),
        votes=data["votes"],
    )
