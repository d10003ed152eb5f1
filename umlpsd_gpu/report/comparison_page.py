"""The page of a comparison: one file, which needs neither a network nor JavaScript."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.colors import to_hex

from umlpsd_gpu.analyses.comparing.comparison import Agreement, Difference, SideBySide
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.plotting.page_parts import page_templates
from umlpsd_gpu.plotting.style import cluster_colour

# Half of the width of the picture of an interval, in its own units
HALF_WIDTH = 50.0
MISSING = "–"


@dataclass(frozen=True)
class Row:
    """A difference as text, with the picture of its interval.

    Attributes
    ----------
    name, first, second, change, interval : str
    is_clear : bool
    colour : str
        Of the cluster in A; empty for all items.
    bar : tuple of float or None
        Left end, right end and middle of the interval, in units of the picture, where 0 is no
        change; None without an interval.
    """

    name: str
    first: str
    second: str
    change: str
    interval: str
    is_clear: bool
    colour: str
    bar: tuple[float, float, float] | None


def render_comparison(side: SideBySide) -> str:
    """Return the page of a comparison as HTML, in which all text is escaped.

    Parameters
    ----------
    side : SideBySide

    Returns
    -------
    str
    """
    comparison = side.comparison
    sentence, _, more = comparison.sentence.partition(". ")
    templates = page_templates("umlpsd_gpu.report")
    return templates.get_template("comparison.html.jinja").render(
        side=side,
        title=get_analysis(side.analysis).title,
        headline=sentence,
        reason=f"{more}." if more else "",
        rows=[_row(each) for each in comparison.differences],
        agreement=comparison.agreement,
        cells=list(_cells(comparison.agreement)) if comparison.agreement else [],
    )


def _row(each: Difference) -> Row:
    has_interval = math.isfinite(each.low) and math.isfinite(each.high)
    interval = f"{_signed(each.low)} … {_signed(each.high)}" if has_interval else ""
    bar = None
    if has_interval:
        widest = max(abs(each.low), abs(each.high)) or 1.0
        scale = HALF_WIDTH / widest
        bar = scale * each.low, scale * each.high, scale * each.change
    colour = to_hex(cluster_colour(each.clusters[0])) if each.clusters else ""
    first, second = _number(each.first), _number(each.second)
    return Row(
        each.name,
        first,
        second,
        each.change_text.replace("-", "−"),
        interval,
        each.is_clear,
        colour,
        bar,
    )


def _cells(agreement: Agreement) -> Iterator[tuple[int, str, list[tuple[int, float, bool]]]]:
    """Yield each cluster of A, its colour, and its counts with their shares and matches."""
    matched = {(match.first, match.second) for match in agreement.matches}
    for row, counts in enumerate(agreement.counts, start=1):
        total = sum(counts) or 1
        cells = [
            (count, count / total, (row, column) in matched)
            for column, count in enumerate(counts, start=1)
        ]
        yield row, to_hex(cluster_colour(row)), cells


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−") if math.isfinite(value) else MISSING


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−") if math.isfinite(value) else MISSING
