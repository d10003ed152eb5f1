"""How a decision shows itself."""

from __future__ import annotations

import math
from typing import Any

from umlpsd_gpu.compute.display import Outline


def describe_decision(decision: Any) -> Outline:
    """Describe a decision: what, how sure, why, and what each criterion says.

    Parameters
    ----------
    decision : KDecision
    """
    return Outline(
        line=f"K = {decision.k_opt} at {decision.scale}, confidence {decision.confidence:.2f}",
        sentence=decision_sentence(decision),
        headings=("Criterion", "K") if decision.votes else (),
        rows=[(name, str(k)) for name, k in decision.votes.items()],
    )


def decision_sentence(decision: Any) -> str:
    """Return the decision in words: K, the scale, the confidence with its interval, the reason.

    Parameters
    ----------
    decision : KDecision
    """
    low, high = decision.confidence_ci95
    interval = "" if math.isnan(low) else f" (95 %: {low:.2f}…{high:.2f})"
    confidence = f"confidence {decision.confidence:.2f}{interval}"
    return f"K = {decision.k_opt} at {decision.scale}, {confidence}. {decision.reason}"
