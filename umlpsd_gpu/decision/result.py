"""The decision: how many clusters, at which smoothing scale, why, and how sure."""

from __future__ import annotations

from dataclasses import dataclass

from umlpsd_gpu.compute.display import Displayed, Outline
from umlpsd_gpu.decision.display import describe_decision


@dataclass(frozen=True, repr=False)
class KDecision(Displayed):
    """Number of clusters and smoothing scale, decided automatically.

    Attributes
    ----------
    k_opt : int
        1 means "no cluster structure".
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
    """

    k_opt: int
    scale: str
    confidence: float
    confidence_ci95: tuple[float, float]
    votes: dict[str, int]
    rule: str
    reason: str

    def _describe(self) -> Outline:
        return describe_decision(self)
