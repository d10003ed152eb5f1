"""The figures of a study of a micrograph, in the order of its report."""

from __future__ import annotations

from collections.abc import Sequence

from umlpsd_gpu.analyses.micrographs.figures import components, evidence, overview
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.plotting.figures import FigurePlan


def figures_of(study: MicrographStudy) -> Sequence[FigurePlan]:
    """Return the figures of a study.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    sequence of FigurePlan
    """
    return (
        FigurePlan(
            "overview",
            overview.TITLE,
            overview.caption(study),
            overview.draw_overview,
            is_kept=True,
        ),
        FigurePlan(
            "components",
            components.TITLE,
            components.CAPTION,
            components.draw_components,
            is_slow=True,
            is_kept=True,
        ),
        FigurePlan(
            "evidence", evidence.TITLE, evidence.CAPTION, evidence.draw_evidence, is_kept=True
        ),
    )
