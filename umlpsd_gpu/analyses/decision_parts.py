"""How the decision on K is told in reports and in summary.json; the same for all analyses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.plotting.page_parts import Fact, Section, number, render_section

PACKAGE = "umlpsd_gpu.analyses"


def k_fact(decision: KDecision) -> Fact:
    """Return the number of clusters as a fact of a page.

    Parameters
    ----------
    decision : KDecision

    Returns
    -------
    Fact
    """
    return Fact(Markup("Clusters <i>K</i><sub>opt</sub>"), str(decision.k_opt))


def confidence_fact(decision: KDecision) -> Fact:
    """Return the confidence and its interval as a fact of a page.

    Parameters
    ----------
    decision : KDecision

    Returns
    -------
    Fact
    """
    low, high = decision.confidence_ci95
    interval = "" if math.isnan(low) else f"{number(low, 2)}…{number(high, 2)}"
    return Fact("Confidence", number(decision.confidence, 2), interval)


def decision_section(decision: KDecision, items: str, tests: ClusterTests | None = None) -> Section:
    """Return the section of a page that tells how K was decided.

    Parameters
    ----------
    decision : KDecision
    items : str
        Word for what was clustered, in the plural.
    tests : ClusterTests, optional
        Not given: the page has no tests of each cluster.

    Returns
    -------
    Section
    """
    values = {
        "decision": decision,
        "items": items,
        "evidence": tuple(_evidence_rows(decision)),
        "cluster_tests": () if tests is None else tuple(_test_rows(tests)),
    }
    return render_section("How K was decided", "decision.html.jinja", PACKAGE, values)


def _evidence_rows(decision: KDecision) -> Iterator[dict[str, Any]]:
    """Yield the evidence for each K as text; nothing where another rule decided."""
    evidence = decision.evidence
    for at, k in enumerate(evidence.k_values.tolist()):
        yield {
            "k": k,
            "chosen": k == decision.k_opt,
            "probability": number(evidence.probability[at], 2),
            "border": number(math.exp(-evidence.gap[at]), 2),
            "reproducibility": number(evidence.reproducibility[at], 2),
            "prediction_strength": number(evidence.prediction_strength[at], 2),
        }


def _test_rows(tests: ClusterTests) -> Iterator[dict[str, Any]]:
    """Yield the tests of each cluster as text."""
    for at, nearest in enumerate(tests.nearest.tolist()):
        yield {
            "cluster": at + 1,
            "nearest": nearest or "–",
            "border": number(math.exp(-tests.gap[at]), 2),
            "apart_p": number(tests.apart_p[at], 2),
            "inner_border": number(math.exp(-tests.inner_gap[at]), 2),
            "one_cloud_p": number(tests.one_cloud_p[at], 2),
            "result": _test_result(tests, at),
        }


def _test_result(tests: ClusterTests, at: int) -> str:
    if math.isnan(tests.inner_gap[at]):
        return "too small to test"
    inside = "a gap inside" if tests.is_divided[at] else "one cloud"
    if tests.nearest[at] == 0:
        return inside
    around = "apart" if tests.is_apart[at] else f"not clearly apart from {tests.nearest[at]}"
    return f"{inside}, {around}"


def summarise_decision(decision: KDecision) -> dict[str, Any]:
    """Return the decision as it is in summary.json.

    Parameters
    ----------
    decision : KDecision

    Returns
    -------
    dict
        Plain values, None in place of NaN.
    """
    evidence = decision.evidence
    probability = zip(evidence.k_values.tolist(), evidence.probability.tolist(), strict=True)
    return {
        "k_opt": decision.k_opt,
        "scale": decision.scale,
        "confidence": finite_or_none(decision.confidence),
        "confidence_ci95": [finite_or_none(end) for end in decision.confidence_ci95],
        "votes": decision.votes,
        "rule": decision.rule,
        "reason": decision.reason,
        "undecided": decision.is_undecided,
        "unfamiliar": decision.unfamiliar,
        "calibrated_for": decision.calibrated_for,
        "probability": {str(k): share for k, share in probability},
    }


def finite_or_none(value: float) -> float | None:
    """Return a number as JSON can hold it: None in place of NaN and infinity.

    Parameters
    ----------
    value : float
    """
    return float(value) if math.isfinite(value) else None
