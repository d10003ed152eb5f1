"""What to check next after a study of a spectrum image."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.checks import factor_checks
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy


def checks_of(study: SpectrumImageStudy) -> Iterator[str]:
    """Yield what should be checked next, the most important first.

    Parameters
    ----------
    study : SpectrumImageStudy

    Yields
    ------
    str
    """
    is_decided = study.decision.k is not None or study.settings.unmixing.k is not None
    yield from factor_checks(study.factors, is_decided, "components")
    if study.missing:
        yield (
            f"Look at {', '.join(study.missing)} in the residual of the worst pixels, which no "
            "component explains."
        )
    without = [str(each.component) for each in study.quantified if not each.elements]
    if without and study.settings.quantification.method != "none":
        yield f"See why component {', '.join(without)} has no composition, in the table below."
