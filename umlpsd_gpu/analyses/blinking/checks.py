"""What a reader of a blinking study should check next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.next_checks import decision_checks, share_below

# limits beyond which something is said (our choice)
MANY_OUTLIERS = 2.0
MISFIT_P, MANY_MISFITS = 0.05, 0.15
MANY_WITHOUT_BETA = 0.05
UNCERTAIN = 0.2


def study_checks(study: Study) -> Iterator[str]:
    """Yield what to check, the most important first.

    Parameters
    ----------
    study : Study

    Yields
    ------
    str
        One sentence.
    """
    for movie in study.movies:
        if movie.verdict != "whole":
            yield f"{movie.name} is not whole ({movie.verdict}): do its traces end too early?"
    yield from decision_checks(study.decision)
    yield from _cluster_checks(study)
    yield from _outlier_checks(study)
    yield from _fit_checks(study)


def _cluster_checks(study: Study) -> Iterator[str]:
    tests = study.tests
    for at, nearest in enumerate(tests.nearest.tolist()):
        if np.isfinite(tests.inner_gap[at]) and tests.is_divided[at]:
            yield f"Cluster {at + 1} has a gap inside: look at larger K."
        # each pair is said once
        if nearest > at + 1 and not tests.is_apart[at]:
            yield f"Clusters {at + 1} and {nearest} are not clearly apart: look at their traces."
    for cluster in study.clusters.clusters.tolist():
        mean = float(np.mean(study.label_uncertainty[study.labels == cluster]))
        if mean > UNCERTAIN:
            yield (
                f"Cluster {cluster} changes between K-means runs (mean label uncertainty "
                f"{mean:.2f}): colour by label uncertainty to see where."
            )


def _outlier_checks(study: Study) -> Iterator[str]:
    outliers = study.outliers
    n = int(outliers.is_outlier.sum())
    if n and n > MANY_OUTLIERS * outliers.n_expected:
        worst = int(np.nanargmax(outliers.score))
        yield (
            f"{n} outliers, and about {outliers.n_expected:.0f} are expected by chance: click "
            f"through their list, number {worst} first."
        )


def _fit_checks(study: Study) -> Iterator[str]:
    # traces that were not clustered have a note of their own
    n = int(study.clustered.sum())
    n_without = int(np.isnan(study.fit.beta[study.clustered]).sum())
    if n_without > MANY_WITHOUT_BETA * n:
        yield f"{n_without} of {n} clustered traces have no β: look at their spectra."
    share = share_below(study.fit.p_value, MISFIT_P)
    if share > MANY_MISFITS:
        yield (
            f"The fit misses the spectra of {100 * share:.0f} % of the traces (p < {MISFIT_P:g}; "
            f"{100 * MISFIT_P:.0f} % by chance): look at some, and try --psd-model auto."
        )
