"""Figures for journals: final widths, small text that stays text, and embedded fonts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.plotting.figures import FigurePlan
from umlpsd_gpu.plotting.style import house_style, lay_out

MM_PER_INCH = 25.4
RASTER_DPI = 450  # of dense parts in vector files
FORMATS = ("pdf", "svg")
# A figure that would be narrower than this at the size of its text fits a single column
MOST_SINGLE = 1.3


@dataclass(frozen=True)
class Journal:
    """What a publisher asks of figures.

    Attributes
    ----------
    single_mm, double_mm : float
        Widths of one and of two columns.
    tallest_mm : float
        Largest height.
    text_pt : float
        Size of most text; the smallest is 5 pt.
    label_pt : float
        Size of the letters of panels.
    fonts : tuple of str
        In the order of preference; the first that is installed is used.
    """

    single_mm: float
    double_mm: float
    tallest_mm: float
    text_pt: float
    label_pt: float
    fonts: tuple[str, ...]


# https://www.nature.com/nature/for-authors/final-submission
JOURNALS = {
    "nature": Journal(89.0, 183.0, 247.0, 6.0, 8.0, ("Arial", "Helvetica", "Liberation Sans")),
}
SMALLEST_PT = 5.0
# Of text in the figures of reports
HOUSE_PT = 9.0


def get_journal(name: str) -> Journal:
    """Return what a journal asks of figures.

    Parameters
    ----------
    name : str

    Returns
    -------
    Journal

    Raises
    ------
    SettingsError
        If the journal is not known.
    """
    if name not in JOURNALS:
        raise SettingsError(f"journal '{name}' is not known; choose from {', '.join(JOURNALS)}")
    return JOURNALS[name]


@contextmanager
def publication_style(journal: Journal) -> Iterator[None]:
    """Draw for a journal, whatever the user's matplotlibrc says; restored on leaving.

    Parameters
    ----------
    journal : Journal
    """
    installed = set(font_manager.get_font_names())
    fonts = [name for name in journal.fonts if name in installed]
    size = journal.text_pt
    small = max(SMALLEST_PT, size - 0.5)
    rules: dict[Any, Any] = {
        "font.size": size,
        # letters that the first font lacks are taken from the second
        "font.family": [*fonts, "DejaVu Sans"],
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "legend.fontsize": small,
        "legend.title_fontsize": small,
        "axes.linewidth": 0.5,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.minor.width": 0.35,
        "ytick.minor.width": 0.35,
        "xtick.major.size": 2.0,
        "ytick.major.size": 2.0,
        "xtick.minor.size": 1.2,
        "ytick.minor.size": 1.2,
        "xtick.major.pad": 2.0,
        "ytick.major.pad": 2.0,
        "axes.labelpad": 2.0,
        "axes.titlepad": 3.0,
        # TrueType fonts can be edited, and text of an SVG stays text
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
    }
    with house_style(), matplotlib.rc_context(rules):
        yield


def fit_journal(figure: Figure, journal: Journal) -> None:
    """Bring a figure of the report to the width of a journal, with lines and text of its size.

    Parameters
    ----------
    figure : Figure
        Drawn within `publication_style`, not laid out.
    journal : Journal
    """
    width, height = figure.get_size_inches()
    shrink = journal.text_pt / HOUSE_PT
    natural_mm = width * shrink * MM_PER_INCH
    is_single = natural_mm <= MOST_SINGLE * journal.single_mm
    wanted_mm = journal.single_mm if is_single else journal.double_mm
    tall_mm = min(wanted_mm * height / width, journal.tallest_mm)
    figure.set_size_inches(wanted_mm / MM_PER_INCH, tall_mm / MM_PER_INCH)
    thin_out(figure, shrink)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        size = float(text.get_fontsize())
        if size > journal.text_pt + 0.5:
            text.set_fontsize(shrink * size)
    keep_legible(figure)


def of_journal(plan: FigurePlan, journal: Journal) -> FigurePlan:
    """Return the plan of a report's figure at the width of a journal.

    Parameters
    ----------
    plan : FigurePlan
    journal : Journal

    Returns
    -------
    FigurePlan
    """

    def draw(shown: Any) -> Figure:
        figure = plan.draw(shown)
        fit_journal(figure, journal)
        return figure

    return replace(plan, draw=draw)


def thin_out(figure: Figure, shrink: float) -> None:
    """Make lines and markers thinner and smaller.

    Parameters
    ----------
    figure : Figure
    shrink : float
        Factor, up to 1.
    """
    for axes in figure.findobj(Axes):
        assert isinstance(axes, Axes)
        legend = axes.get_legend()
        of_legend = legend.get_lines() if legend is not None else []
        for line in (*axes.lines, *of_legend):
            _thin_line(line, shrink)
        for patch in axes.patches:
            patch.set_linewidth(shrink * patch.get_linewidth())
        for collection in axes.collections:
            _thin_collection(collection, shrink)
    for legend in figure.legends:
        for line in legend.get_lines():
            _thin_line(line, shrink)


def _thin_line(line: Line2D, shrink: float) -> None:
    line.set_linewidth(shrink * line.get_linewidth())
    line.set_markersize(shrink * line.get_markersize())
    line.set_markeredgewidth(shrink * line.get_markeredgewidth())


def _thin_collection(part: Collection, shrink: float) -> None:
    widths = np.atleast_1d(np.asarray(part.get_linewidth(), dtype=np.float64))
    part.set_linewidth((shrink * widths).tolist())
    if isinstance(part, PathCollection):
        part.set_sizes(shrink * np.asarray(part.get_sizes()))


def keep_legible(figure: Figure) -> None:
    """Make text that is too small for print as large as it must be.

    Parameters
    ----------
    figure : Figure
    """
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if float(text.get_fontsize()) < SMALLEST_PT:
            text.set_fontsize(SMALLEST_PT)


def add_panel_letter(axes: Axes, letter: str, journal: Journal) -> None:
    """Write the letter of a panel above its upper left corner.

    Parameters
    ----------
    axes : Axes
    letter : str
    journal : Journal
    """
    axes.annotate(
        letter,
        xy=(0, 1),
        xytext=(-2, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=journal.label_pt,
        fontweight="bold",
        ha="right",
        va="bottom",
        annotation_clip=False,
    )


def render_vector(figure: Figure, file_format: str) -> bytes:
    """Return a figure as a vector file without a date; its fonts are inside, or its text is text.

    Parameters
    ----------
    figure : Figure
        Drawn within `publication_style`, and rendered within it.
    file_format : {"pdf", "svg"}

    Returns
    -------
    bytes

    Raises
    ------
    SettingsError
        If the format is another one.
    """
    if file_format not in FORMATS:
        raise SettingsError(
            f"figures are written as {' or '.join(FORMATS)}, got '{file_format}'; choose one"
        )
    lay_out(figure)
    date = {"pdf": "CreationDate", "svg": "Date"}[file_format]
    content = io.BytesIO()
    figure.savefig(content, format=file_format, dpi=RASTER_DPI, metadata={date: None})
    return content.getvalue()
