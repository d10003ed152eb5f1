"""What a reader should check next, from the decision on a number; the same for all analyses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.factorisation.result import RankDecision
from umlpsd_gpu.plotting.page_parts import number

# Another number of this probability is worth a look (our choice)
WORTH_A_LOOK = 0.15
NOTHING = (
    "Nothing stands out. Look at some {items} of each group under Explore: are they as expected?"
)


def decision_checks(decision: KDecision) -> Iterator[str]:
    """Yield what to check about a number of clusters.

    Parameters
    ----------
    decision : KDecision

    Yields
    ------
    str
        One sentence; nothing where the decision is clear.
    """
    evidence = decision.evidence
    others = [
        (share, k)
        for k, share in zip(evidence.k_values.tolist(), evidence.probability.tolist(), strict=True)
        if k != decision.k_opt and share >= WORTH_A_LOOK
    ]
    if others:
        share, k = max(others)
        yield (
            f"K = {k} is possible as well (probability {number(share, 2)}): choose it under "
            "Explore and see what changes."
        )
    elif decision.is_undecided:
        yield (
            f"K = {decision.k_opt} is only the most probable number of clusters: compare its "
            "neighbours under Explore."
        )
    if decision.unfamiliar:
        yield f"Take the confidence with care: {decision.unfamiliar}."


def rank_checks(decision: RankDecision) -> Iterator[str]:
    """Yield what to check about a number of components.

    Parameters
    ----------
    decision : RankDecision

    Yields
    ------
    str
        One sentence; nothing where the decision is clear.
    """
    if decision.k is None:
        yield "The number of components is undecided: run again with --k and compare."
    elif decision.probability < 1 - WORTH_A_LOOK:
        found = sorted(set(decision.estimates.values()))
        which = f" (the criteria say {', '.join(map(str, found))})" if len(found) > 1 else ""
        yield (
            f"The number of components is right with probability {number(decision.probability, 2)}"
            f"{which}: run again with --k and compare."
        )


def or_nothing(checks: Iterator[str], items: str) -> tuple[str, ...]:
    """Return the checks, or one sentence that nothing stands out.

    Parameters
    ----------
    checks : iterator of str
    items : str
        Word for what can be clicked, in the plural.

    Returns
    -------
    tuple of str
    """
    return tuple(checks) or (NOTHING.format(items=items),)


def share_below(values: np.ndarray, limit: float) -> float:
    """Return the share of the finite values below a limit; 0 without finite values.

    Parameters
    ----------
    values : ndarray
    limit : float

    Returns
    -------
    float
    """
    finite = values[np.isfinite(values)]
    return float((finite < limit).mean()) if finite.size else 0.0
