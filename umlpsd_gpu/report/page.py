"""report.html: a single file that starts with the answer and needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.plotting.page_parts import page_templates
from umlpsd_gpu.plotting.style import DrawnFigure


def render_page(result: Any, figures: Sequence[DrawnFigure]) -> str:
    """Return the report of a result as HTML.

    The figures are inside the page, all text is escaped, and nothing is loaded from the network.

    Parameters
    ----------
    result : Result
    figures : sequence of DrawnFigure

    Returns
    -------
    str
    """
    analysis = get_analysis(result.analysis)
    return (
        page_templates()
        .get_template("page.html.jinja")
        .render(
            result=result,
            page=analysis.page(result),
            checks=analysis.checks(result),
            methods=analysis.methods(result),
            figures=figures,
            seed=result.settings.sweep.seed,
            digest=digest_of_result(result, analysis),
        )
    )
