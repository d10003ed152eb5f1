"""report.html: a single file that starts with the answer and needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.plotting.page_parts import page_templates
from umlpsd_gpu.plotting.style import DrawnFigure

if TYPE_CHECKING:
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.report.explorer_section import ExplorerSection


def render_page(result: Any, figures: Sequence[DrawnFigure]) -> str:
    """Return the report of a result as HTML.

    The figures are inside the page, all text is escaped, and nothing is loaded from the network.
    What can be clicked is hidden where scripts don't run.

    Parameters
    ----------
    result : Result
    figures : sequence of DrawnFigure

    Returns
    -------
    str
    """
    analysis = get_analysis(result.analysis)
    explorer = analysis.explore(result)
    return (
        page_templates()
        .get_template("page.html.jinja")
        .render(
            result=result,
            page=analysis.page(result),
            checks=analysis.checks(result),
            methods=analysis.methods(result),
            figures=figures,
            explorer=None if explorer is None else _section(explorer),
            seed=result.settings.sweep.seed,
            digest=digest_of_result(result, analysis),
        )
    )


def _section(explorer: Explorer) -> ExplorerSection:
    # Bokeh takes a second to import
    from umlpsd_gpu.report.explorer_section import explorer_section

    return explorer_section(explorer)
