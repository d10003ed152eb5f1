"""report.html: one file that needs no network and leads with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.plotting.page_parts import page_templates
from umlpsd_gpu.plotting.style import DrawnFigure


def render_page(result: Any, figures: Sequence[DrawnFigure]) -> str:
    """Return the report of a result as HTML with its figures inside.

    Every name that comes from the user is escaped; nothing is loaded from anywhere.

    Parameters
    ----------
    result : Result
    figures : sequence of DrawnFigure
    """
    analysis = get_analysis(result.analysis)
    return (
        page_templates()
        .get_template("page.html.jinja")
        .render(
            result=result,
            page=analysis.page(result),
            figures=figures,
            seed=result.settings.sweep.seed,
            digest=digest_of_result(result, analysis),
        )
    )
