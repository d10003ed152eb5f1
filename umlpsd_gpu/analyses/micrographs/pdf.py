"""The report of a micrograph as PDF: the answer, the table of spots, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from umlpsd_gpu.analyses.micrographs.page import headline, spot_rows
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.plotting.drawn_figure import DrawnFigure
from umlpsd_gpu.plotting.style import house_style

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 10.0, 6.4, 0.05
# Around the figures, in inches
BORDER = 0.3
ROWS_OF_PAGE = 18
# A fixed date: the same study gives the same bytes
METADATA = {"Creator": "umlpsd_gpu", "Producer": "umlpsd_gpu", "CreationDate": None}


def write_pdf(study: MicrographStudy, figures: Sequence[DrawnFigure], path: Path) -> None:
    """Write report.pdf.

    Parameters
    ----------
    study : MicrographStudy
    figures : sequence of DrawnFigure
        Those that were kept are drawn on a page each.
    path : Path
    """
    with house_style(), PdfPages(path, metadata=METADATA) as pages:
        pages.savefig(_draw_answer(study))
        for drawn in figures:
            if drawn.figure is not None:
                pages.savefig(drawn.figure, bbox_inches=_add_title(drawn.figure, drawn.title))


def _add_title(figure: Figure, title: str) -> Bbox:
    """Write a title above a figure that is laid out, and return the page in inches."""
    width, height = figure.get_size_inches()
    above = (height + BORDER / 2) / height
    figure.text(0.01, above, title, ha="left", va="bottom", fontsize=11, fontweight="bold")
    # a box of known size; "tight" would draw everything once more to measure it
    return Bbox.from_extents(-BORDER, -BORDER, width + BORDER, height + 2 * BORDER)


def _draw_answer(study: MicrographStudy) -> Figure:
    figure = Figure(figsize=(PAGE_WIDTH, PAGE_HEIGHT))
    place: dict[str, Any] = {"ha": "left", "va": "top", "wrap": True}
    figure.text(MARGIN, 0.95, headline(study), fontsize=16, fontweight="bold", **place)
    figure.text(MARGIN, 0.87, study.decision.reason + ".", fontsize=9.5, **place)
    lines = [f"File: {study.micrograph.path.name or '–'}", *study.notes]
    figure.text(MARGIN, 0.77, "\n".join(lines), fontsize=8.5, color="#444444", **place)
    headings, rows = spot_rows(study)
    if rows:
        _draw_table(figure, headings, rows[:ROWS_OF_PAGE])
    return figure


def _draw_table(figure: Figure, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    axes = figure.add_axes((MARGIN, 0.04, 1 - 2 * MARGIN, 0.58))
    axes.axis("off")
    texts = [[str(value) for value in row] for row in rows]
    table = axes.table(cellText=texts, colLabels=list(headings), loc="upper left", edges="B")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
