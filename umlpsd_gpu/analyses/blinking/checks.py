"""What to check next after a blinking study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.spectrum_notes import MISFIT
from umlpsd_gpu.analyses.checks import decision_checks, not_whole, outlier_checks


def checks_of(study: Study) -> Iterator[str]:
    """Yield what should be checked next, the most important first.

    Parameters
    ----------
    study : Study

    Yields
    ------
    str
    """
    yield from not_whole({movie.name: movie.verdict for movie in study.movies})
    yield from decision_checks(study.decision, study.tests, study.settings, "traces")
    fit, usable = study.fit, study.clustered
    n_misfits = int(np.count_nonzero(fit.p_value[usable] < MISFIT))
    if fit.model == "power_law" and 2 * n_misfits > np.count_nonzero(usable):
        yield (
            "Fit the spectra again with --psd-model auto before comparing exponents: "
            f"{n_misfits} of {np.count_nonzero(usable)} differ from a power law."
        )
    yield from outlier_checks(study.outliers, "traces", "traces.csv")
    n_flagged = int(np.count_nonzero(~usable))
    if n_flagged:
        yield (
            f"Look at the {n_flagged} traces that were not clustered (column 'flag' of traces.csv)."
        )
    if study.movies and study.settings.traces.mode == "emitters":
        yield "Compare the circles in the image with the spots that you see: is one missing?"
