"""Parts of HTML pages, which an analysis fills in, and the shared templates."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


@dataclass(frozen=True)
class Fact:
    """One of the few numbers at the top of a page.

    Attributes
    ----------
    name, value : str
        Text, or `Markup` if it is HTML.
    detail : str
        Shown in small print after the value.
    """

    name: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading.

    Attributes
    ----------
    title : str
    body : Markup
        HTML in which all text is escaped.
    """

    title: str
    body: Markup

    @classmethod
    def of_table(
        cls,
        title: str,
        headings: Sequence[str],
        rows: Sequence[Sequence[Any]],
        caption: str = "",
    ) -> Section:
        """Make a section with one table; numbers are aligned right, all text is escaped.

        Parameters
        ----------
        title : str
        headings : sequence of str
        rows : sequence of sequence
            Numbers, texts, or None where a value is not defined.
        caption : str
            Shown below the table.

        Returns
        -------
        Section
        """
        head = Markup("").join(Markup("<th>{}</th>").format(text) for text in headings)
        body = Markup("").join(
            Markup("<tr>{}</tr>").format(Markup("").join(map(_cell, row))) for row in rows
        )
        table = Markup(
            '<div class="scroll" tabindex="0"><table><thead><tr>{}</tr></thead>'
            "<tbody>{}</tbody></table></div>"
        ).format(head, body)
        note = Markup('<p class="caption">{}</p>').format(caption) if caption else Markup("")
        return cls(title, table + note)


@dataclass(frozen=True)
class Page:
    """The part of a report that an analysis writes; the rest of the page is shared.

    Attributes
    ----------
    kicker, headline, reason : str
        Kind of page, the answer in a few words, and the reason.
    facts : sequence of Fact
    sections : sequence of Section
        Before the figures.
    data : sequence of Section
        After the figures: the data behind the result.
    """

    kicker: str
    headline: str
    reason: str
    facts: Sequence[Fact] = ()
    sections: Sequence[Section] = ()
    data: Sequence[Section] = ()


def page_templates(*packages: str) -> Environment:
    """Return the templates of pages, which escape every value.

    Parameters
    ----------
    *packages : str
        Further packages with a folder ``templates``; they take precedence.

    Returns
    -------
    jinja2.Environment
    """
    folders = [*packages, "umlpsd_gpu.plotting"]
    templates = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in folders]),
        autoescape=True,  # also for names without .html
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["number"] = number
    templates.filters["base64"] = lambda content: base64.b64encode(content).decode("ascii")
    return templates


def render_section(title: str, template: str, package: str, values: Mapping[str, Any]) -> Section:
    """Make a section from a template.

    Parameters
    ----------
    title : str
    template : str
        File name in the folder ``templates`` of the package.
    package : str
        Package of the analysis.
    values : mapping
        Values of the template.

    Returns
    -------
    Section
    """
    return Section(title, Markup(page_templates(package).get_template(template).render(**values)))


def number(value: float | None, n_digits: int) -> str:
    """Write a number with a fixed number of decimals.

    Parameters
    ----------
    value : float or None
    n_digits : int
        Number of decimals.

    Returns
    -------
    str
        A dash if the value is None or not finite; negative numbers have a true minus sign.

    Examples
    --------
    >>> number(-1.25, 1)
    '−1.2'
    >>> number(None, 2)
    '–'
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{n_digits}f}".replace("-", "−")


def _cell(value: Any) -> Markup:
    if value is None:
        return Markup('<td class="n">–</td>')
    if isinstance(value, int | float):
        text = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        return Markup('<td class="n">{}</td>').format(text.replace("-", "−"))
    return Markup("<td>{}</td>").format(escape(value))
