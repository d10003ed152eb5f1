"""How two decisions on the number of clusters differ."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.comparing.comparison import Difference
from umlpsd_gpu.decision.result import KDecision


def decision_differences(first: KDecision, second: KDecision) -> Iterator[Difference]:
    """Yield the differences of K and of its confidence.

    Parameters
    ----------
    first, second : KDecision

    Yields
    ------
    Difference
    """
    yield Difference.of("clusters K", first.k_opt, second.k_opt)
    yield Difference.of("confidence of K", first.confidence, second.confidence)


def k_sentence(first: KDecision, second: KDecision) -> str:
    """Say how the number of clusters differs, without a full stop.

    Parameters
    ----------
    first, second : KDecision

    Returns
    -------
    str
    """
    return count_sentence("K", first.k_opt, second.k_opt)


def count_sentence(name: str, first: int, second: int) -> str:
    """Say how a number differs, without a full stop.

    Parameters
    ----------
    name : str
        What is counted.
    first, second : int

    Returns
    -------
    str
    """
    if first == second:
        return f"{name} is {first} in both"
    return f"{name} is {first} in A and {second} in B"
