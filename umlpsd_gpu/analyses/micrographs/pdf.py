"""The report of a micrograph as PDF: the answer, the table of spots, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from umlpsd_gpu.analyses.micrographs.methods import methods_of
from umlpsd_gpu.analyses.micrographs.page import headline, spot_rows
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.plotting.style import DrawnFigure, house_style

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 10.0, 6.4, 0.05
# Around the figures, in inches
BORDER = 0.3
# Of text of 8 points, in inches; characters of DejaVu Sans are half as wide as high
LINE, CHARACTERS_PER_INCH = 0.135, 16.5
# Table: height of a row in inches; width and lowest place as shares of the page
ROW, TABLE_WIDTH, LEAST_BOTTOM = 0.21, 0.6, 0.09
GREY = "#555555"
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
                pages.savefig(drawn.figure, bbox_inches=_add_texts(drawn, drawn.figure))


def _add_texts(drawn: DrawnFigure, figure: Figure) -> Bbox:
    """Write title and caption around a figure that is laid out; return the page in inches."""
    width, height = figure.get_size_inches()
    above, below = (height + BORDER / 2) / height, -BORDER / 3 / height
    place: dict[str, Any] = {"ha": "left", "fontsize": 11}
    figure.text(0.01, above, drawn.title, va="bottom", fontweight="bold", **place)
    lines = wrap(drawn.caption, int(width * CHARACTERS_PER_INCH))
    style: dict[str, Any] = place | {"fontsize": 8, "color": GREY}
    figure.text(0.01, below, "\n".join(lines), va="top", **style)
    caption = LINE * len(lines) + BORDER / 3
    # a box of known size; "tight" would draw everything once more to measure it
    return Bbox.from_extents(-BORDER, -BORDER - caption, width + BORDER, height + 2 * BORDER)


def _draw_answer(study: MicrographStudy) -> Figure:
    figure = Figure(figsize=(PAGE_WIDTH, PAGE_HEIGHT))
    place: dict[str, Any] = {"ha": "left", "va": "top"}
    figure.text(MARGIN, 0.95, headline(study), fontsize=16, fontweight="bold", **place)
    n_characters = int((1 - 2 * MARGIN) * PAGE_WIDTH * CHARACTERS_PER_INCH)
    reason = wrap(study.decision.reason + ".", int(0.85 * n_characters))
    figure.text(MARGIN, 0.87, "\n".join(reason), fontsize=9.5, **place)
    notes = [f"File: {study.micrograph.path.name or '–'}", *study.notes]
    lines = [line for note in notes for line in wrap(note, n_characters)]
    top = 0.85 - 1.3 * LINE * len(reason) / PAGE_HEIGHT
    figure.text(MARGIN, top, "\n".join(lines), fontsize=8, color=GREY, **place)
    headings, rows = spot_rows(study)
    if rows:
        top -= LINE * (len(lines) + 1) / PAGE_HEIGHT
        _draw_table(figure, headings, rows, top)
    software, paper, *_ = methods_of(study).references
    cited = f"The method: {paper.text}\nThis analysis: {software.text}"
    figure.text(MARGIN, 0.03, cited, fontsize=6.5, color=GREY, ha="left", va="bottom")
    return figure


def _draw_table(
    figure: Figure, headings: Sequence[str], rows: Sequence[Sequence[object]], top: float
) -> None:
    n_shown = min(len(rows), int((top - LEAST_BOTTOM) * PAGE_HEIGHT / ROW) - 1)
    texts = [[str(value) for value in row] for row in rows[:n_shown]]
    height = ROW * (n_shown + 1) / PAGE_HEIGHT
    axes = figure.add_axes((MARGIN, top - height, TABLE_WIDTH, height))
    axes.axis("off")
    table = axes.table(
        cellText=texts,
        colLabels=list(headings),
        cellLoc="left",
        colLoc="left",
        bbox=Bbox.unit(),
        edges="B",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (row, _), cell in table.get_celld().items():
        cell.set(edgecolor="#dddddd", linewidth=0.6)
        if row == 0:
            cell.set_text_props(color=GREY, fontweight="bold")
    if n_shown < len(rows):
        rest = f"{len(rows) - n_shown} more in spots.csv"
        figure.text(MARGIN, top - height - 0.01, rest, fontsize=8, color=GREY, va="top")
