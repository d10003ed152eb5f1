"""What to check next after an analysis: advice that several analyses share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.component_parts import LEAST_STABILITY
from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.factorisation.result import Factorisation

# A decision below this confidence is looked at again
SURE = 0.9
# More outliers than this factor of the expected number ask for a look
MANY = 2.0
# Another K of a smaller probability is not named
LEAST_RIVAL = 0.05
MOST_NAMED = 5


def decision_checks(
    decision: KDecision, tests: ClusterTests, settings: Any, items: str
) -> Iterator[str]:
    """Yield advice about the number of clusters.

    Parameters
    ----------
    decision : KDecision
    tests : ClusterTests
    settings : AnalysisSettings
    items : str
        What was clustered, in the plural.

    Yields
    ------
    str
    """
    probability = dict(
        zip(decision.evidence.k_values.tolist(), decision.evidence.probability, strict=True)
    )
    others = {k: p for k, p in probability.items() if k != decision.k_opt}
    if decision.confidence < SURE:
        rival = max(others, key=lambda k: others[k], default=None)
        what = f"Don't rely on K = {decision.k_opt} alone"
        if rival is not None and others[rival] >= LEAST_RIVAL:
            what = (
                f"Compare K = {decision.k_opt} with K = {rival} (probability {others[rival]:.2f})"
            )
        yield (
            f"{what}: the confidence is {decision.confidence:.2f}. More {items} of the same kind, "
            "or longer recordings, would decide it."
        )
    if decision.unfamiliar:
        yield (
            f"Take the confidence with care ({decision.unfamiliar}); 'umlpsd validate --like' says "
            "how often the decision is right for such data."
        )
    if decision.k_opt == settings.sweep.k_max:
        yield (
            f"K = {decision.k_opt} is the largest that was tried; run again with --k-max "
            f"{2 * settings.sweep.k_max}."
        )
    yield from _test_checks(tests)


def _test_checks(tests: ClusterTests) -> Iterator[str]:
    known = np.isfinite(tests.inner_gap)
    divided = (np.flatnonzero(known & tests.is_divided) + 1).tolist()
    if divided:
        yield (
            f"Look into cluster {_named(divided)}: a gap inside shows that it may consist of "
            "several kinds."
        )
    merged = np.flatnonzero(known & ~tests.is_apart & (tests.nearest > 0))
    if merged.size:
        pairs = sorted({tuple(sorted((int(i) + 1, int(tests.nearest[i])))) for i in merged})
        names = [f"{a} and {b}" for a, b in pairs]
        yield f"Compare the means of clusters {_named(names)}: there is no clear gap between them."


def outlier_checks(outliers: Outliers, items: str, table: str) -> Iterator[str]:
    """Yield advice about outliers, where there are more than chance explains.

    Parameters
    ----------
    outliers : Outliers
    items : str
        What was clustered, in the plural.
    table : str
        File with their scores.

    Yields
    ------
    str
    """
    n = int(np.count_nonzero(outliers.is_outlier))
    if n and n > MANY * outliers.n_expected:
        yield (
            f"Look at the {n} outliers (about {outliers.n_expected:.0f} are expected by chance), "
            f"the highest scores in {table} first: {items} of a rare kind, or damaged ones."
        )


def factor_checks(factors: Factorisation, is_decided: bool, noun: str) -> Iterator[str]:
    """Yield advice about the components of a factorisation.

    Parameters
    ----------
    factors : Factorisation
    is_decided : bool
        Whether their number was decided.
    noun : str
        What a component is, in the plural.

    Yields
    ------
    str
    """
    if not is_decided:
        yield f"The number of {noun} is undecided: compare {factors.k} with one more and one less."
    unstable = (np.flatnonzero(factors.stability < LEAST_STABILITY) + 1).tolist()
    if unstable:
        yield (
            f"Don't interpret component {_named(unstable)} alone: other starts find other "
            f"{noun} at nearly the same fit."
        )


def not_whole(verdicts: Mapping[str, str]) -> Iterator[str]:
    """Yield advice about inputs that are damaged.

    Parameters
    ----------
    verdicts : mapping of str to str
        By the name of the input; "whole" for a complete one.

    Yields
    ------
    str
    """
    damaged = [name for name, verdict in verdicts.items() if verdict != "whole"]
    if damaged:
        yield f"Get complete copies of the damaged {_named(damaged)}, and run again."


def _named(values: list[Any]) -> str:
    names = list(map(str, values[:MOST_NAMED]))
    more = len(values) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
