"""How results are shown: one line in a console, a small table in a notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_CELL = "padding:0.15em 1em 0.15em 0;text-align:left;vertical-align:top"
_NOTE = "margin:0.3em 0"


@dataclass(frozen=True)
class Outline:
    """The parts of a result that are shown; plain text, which is escaped in HTML.

    Attributes
    ----------
    line : str
        Text between the brackets of ``repr``: short, without arrays.
    rows : sequence of sequences of str
        Of a small table.
    headings : sequence of str
        Of its columns; empty if the first column names the rows.
    sentence : str
        Above the table.
    notes : sequence of str
        Below the table.
    """

    line: str
    rows: Sequence[Sequence[str]] = ()
    headings: Sequence[str] = ()
    sentence: str = ""
    notes: Sequence[str] = ()


class Displayed:
    """Adds ``repr`` and, for notebooks, ``_repr_html_`` to a result, both from one description.

    A dataclass that inherits from it must be declared with ``repr=False``.
    """

    def _describe(self) -> Outline:
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return one line without arrays."""
        return f"{type(self).__name__}({self._describe().line})"

    def _repr_html_(self) -> str:
        return render_html(type(self).__name__, self._describe())


def render_html(name: str, description: Outline) -> str:
    """Return a description as HTML without a style sheet; every text is escaped.

    Parameters
    ----------
    name : str
        Of the type of the result.
    description : Outline

    Returns
    -------
    str
    """
    parts = [f"<strong>{escape(name)}</strong>"]
    if description.sentence:
        parts.append(f'<div style="{_NOTE}">{escape(description.sentence)}</div>')
    if description.rows:
        parts.append(_table(description))
    parts += [f'<div style="{_NOTE}">{escape(note)}</div>' for note in description.notes]
    return f"<div>{''.join(parts)}</div>"


def _table(description: Outline) -> str:
    # rows without headings are named by their first cell
    names_rows = not description.headings
    body = "".join(
        "<tr>"
        + "".join(
            _cell("th" if names_rows and place == 0 else "td", text)
            for place, text in enumerate(row)
        )
        + "</tr>"
        for row in description.rows
    )
    head = "".join(_cell("th", text) for text in description.headings)
    head = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _cell(tag: str, text: str) -> str:
    return f'<{tag} style="{_CELL}">{escape(text)}</{tag}>'


def format_number(value: float, digits: int = 4) -> str:
    """Return a number with a few digits, or an en dash where it is undefined.

    Parameters
    ----------
    value : float
        May be NaN or infinite.
    digits : int
        Significant digits.

    Returns
    -------
    str
    """
    return f"{value:.{digits}g}" if math.isfinite(value) else "–"


def format_with_error(value: float, error: float) -> str:
    """Return a value with its error, as ``1.35 ± 0.04``; an en dash where undefined.

    Parameters
    ----------
    value, error : float
        May be NaN or infinite.

    Returns
    -------
    str
    """
    both = (f"{number:.2f}" if math.isfinite(number) else "–" for number in (value, error))
    return " ± ".join(both)


def count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with a noun, as ``1 trace`` or ``3 traces``.

    Parameters
    ----------
    number : int
    singular : str
    plural : str
        Default: ``singular`` with an s.

    Returns
    -------
    str
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def shorten(texts: Sequence[str], most: int = 3) -> str:
    """Return the first few of some texts, and the number of the others.

    Parameters
    ----------
    texts : sequence of str
        Repeated ones count once.
    most : int
        Largest number of texts to show.

    Returns
    -------
    str
    """
    distinct = list(dict.fromkeys(texts))
    more = f" and {len(distinct) - most} more" if len(distinct) > most else ""
    return ", ".join(distinct[:most]) + more
