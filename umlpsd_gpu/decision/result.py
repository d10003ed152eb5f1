"""The decision: the number of clusters, the smoothing scale, the reason and the confidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KDecision:
    """Number of clusters and smoothing scale, decided automatically.

    Attributes
    ----------
    k_opt : int
        1 means "no cluster structure".
    scale : str
        Smoothing scale (representation) whose labels are final.
    confidence : float
        0…1; the rule defines its meaning (`decide`).
    confidence_ci95 : tuple of float
        Lower and upper end of its 95 % interval over the choice of traces; NaN where no samples of
        the traces were swept.
    votes : dict of str to int
        The K that each single criterion gives.
    rule : str
        The rule that decided: ``"consensus"``, ``"paper"`` or a single criterion.
    reason : str
        One to three sentences for the report.
    """

    k_opt: int
    scale: str
    confidence: float
    confidence_ci95: tuple[float, float]
    votes: dict[str, int]
    rule: str
    reason: str
