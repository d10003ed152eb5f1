"""What to check next after a study of a micrograph."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.checks import factor_checks
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.factorisation.surrogate_rank import SIGNIFICANCE

# Between the level and this, another run may decide otherwise
NEARLY = 5 * SIGNIFICANCE


def checks_of(study: MicrographStudy) -> Iterator[str]:
    """Yield what should be checked next, the most important first.

    Parameters
    ----------
    study : MicrographStudy

    Yields
    ------
    str
    """
    own = study.settings.micrograph
    if study.micrograph.pixel_size_m is None:
        yield "Give the size of a pixel with --image-pixel-m; spacings are in pixels without it."
    if SIGNIFICANCE / 5 < study.p_value < NEARLY:
        yield (
            f"The p-value ({study.p_value:.2g}) is near the level of {SIGNIFICANCE:g}: run again "
            f"with --set micrograph.n_phase_surrogates={4 * own.n_phase_surrogates}."
        )
    if not own.all_windows:
        yield (
            "See whether windows of half and of twice the size show the same "
            "(--set micrograph.all_windows=true)."
        )
    is_decided = study.decision.k is not None or own.k is not None
    yield from factor_checks(study.factors, is_decided, "spectra")
