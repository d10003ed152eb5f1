"""What to check next after a study of curves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.checks import decision_checks, outlier_checks
from umlpsd_gpu.analyses.curves.result import CurveStudy

# More saturated curves than this share ask for a look at the compliance
MANY_SATURATED = 0.1


def checks_of(study: CurveStudy) -> Iterator[str]:
    """Yield what should be checked next, the most important first.

    Parameters
    ----------
    study : CurveStudy

    Yields
    ------
    str
    """
    found = study.clustering
    yield from decision_checks(found.decision, found.tests, study.settings, "curves")
    saturated = np.any([each.any(axis=1) for each in study.conditioned.is_saturated.values()], 0)
    if saturated.mean() > MANY_SATURATED and study.settings.conditioning.compliance_a is None:
        yield (
            f"{saturated.mean():.0%} of the curves are saturated: compare the limit that was found "
            "with that of the instrument (--compliance-a)."
        )
    yield from outlier_checks(found.outliers, "curves", "curves.csv")
