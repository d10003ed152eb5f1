"""The decision: how many clusters, at which smoothing scale, why, and how sure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from umlpsd_gpu.compute.display import Displayed, Outline
from umlpsd_gpu.decision.display import describe_decision


@dataclass(frozen=True, eq=False)
class KEvidence:
    """The evidence of the consensus for each K; empty arrays where another rule decided.

    Attributes
    ----------
    k_values : ndarray, shape (n_k,), int
        1, 2, 3, …
    probability : ndarray, shape (n_k,)
        That K is the largest number of clusters that exist; they sum to 1.
    gap, reproducibility, prediction_strength : ndarray, shape (n_k,)
        Of the worst cluster or pair of clusters, in the representation where the evidence for K is
        strongest; NaN for K = 1. See `Replication`.
    """

    k_values: np.ndarray
    probability: np.ndarray
    gap: np.ndarray
    reproducibility: np.ndarray
    prediction_strength: np.ndarray

    def __eq__(self, other: object) -> bool:
        """Compare all values; NaN equals NaN."""
        return isinstance(other, KEvidence) and all(
            np.array_equal(values, theirs, equal_nan=True)
            for values, theirs in zip(vars(self).values(), vars(other).values(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def none(cls) -> KEvidence:
        """Return the evidence of a rule that needs none.

        Returns
        -------
        KEvidence
        """
        return cls(np.empty(0, dtype=np.int64), *(np.empty(0) for _ in range(4)))


# A decision of smaller confidence is none: another K is as probable, or several are together.
LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True, repr=False)
class KDecision(Displayed):
    """Number of clusters and smoothing scale, decided automatically.

    Attributes
    ----------
    k_opt : int
        1 means "no cluster structure"; the most probable K where none can be decided.
    scale : str
        Smoothing scale whose labels are final.
    confidence : float
        0…1; see the rule for its meaning.
    confidence_ci95 : tuple of float
        Over the choice of traces; NaN where no samples of them were swept.
    votes : dict of str to int
        What each single criterion says for K.
    rule : str
    reason : str
        A sentence for the report.
    evidence : KEvidence
        What the consensus read.
    unfamiliar : str
        In which way the evidence is outside what the confidence was calibrated for; empty if it is
        inside.
    calibrated_for : str
        What the confidence means.
    """

    k_opt: int
    scale: str
    confidence: float
    confidence_ci95: tuple[float, float]
    votes: dict[str, int]
    rule: str
    reason: str
    evidence: KEvidence = field(default_factory=KEvidence.none)
    unfamiliar: str = ""
    calibrated_for: str = ""

    def __hash__(self) -> int:
        """Return the same for equal decisions; votes and evidence have no hash of their own."""
        return hash((self.k_opt, self.scale, self.confidence, self.rule, self.reason))

    @property
    def is_undecided(self) -> bool:
        """Whether no K can be decided: the confidence is below 0.5."""
        return self.confidence < LEAST_CONFIDENCE

    def _describe(self) -> Outline:
        return describe_decision(self)
