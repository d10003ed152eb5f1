"""The figures of a study of a spectrum image, in the order of its report."""

from __future__ import annotations

from collections.abc import Sequence

from umlpsd_gpu.analyses.spectrum_images.figures import evidence, maps, spectra
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.plotting.figures import FigurePlan


def figures_of(study: SpectrumImageStudy) -> Sequence[FigurePlan]:
    """Return the figures of a study.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    sequence of FigurePlan
    """
    return (
        FigurePlan("maps", maps.TITLE, maps.CAPTION, maps.draw_maps),
        FigurePlan("spectra", spectra.TITLE, spectra.CAPTION, spectra.draw_spectra, is_slow=True),
        FigurePlan("evidence", evidence.TITLE, evidence.CAPTION, evidence.draw_evidence),
    )
